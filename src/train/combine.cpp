#include <algorithm>

#include "train/layers.h"

namespace coppice::train {
namespace {

// y = clamp(a + b); both inputs receive the same gradient.
class AddLayer : public Layer {
 public:
  using Layer::Layer;

  void forward(const Tile& tile) override {
    kernels().add(input(0).blob->values(tile), input(1).blob->values(tile), y(tile),
                  tile.count * output().elements, clamp());
  }
  void backward(const Tile& tile) override {
    const float* gradient = unclamped_dy(tile);
    for (const Edge& edge : setup_.inputs) {
      if (!edge.wants_gradient) continue;
      float* to = edge.blob->gradients(tile);
      if (to == gradient) continue;  // This input took over the output's buffer.
      kernels().copy(gradient, to, tile.count * output().elements, edge.accumulate);
    }
  }
};

// Rows [pixels, C_0] and [pixels, C_1] side by side: [pixels, C_0 + C_1].
class ConcatLayer : public Layer {
 public:
  using Layer::Layer;

  void forward(const Tile& tile) override {
    for_each_row(tile, [&](const Edge& edge, int64_t in, int64_t out, int channels) {
      const float* from = edge.blob->values(tile) + in;
      std::copy(from, from + channels, y(tile) + out);
    });
  }
  void backward(const Tile& tile) override {
    for_each_row(tile, [&](const Edge& edge, int64_t in, int64_t out, int channels) {
      if (!edge.wants_gradient) return;
      kernels().copy(dy(tile) + out, edge.blob->gradients(tile) + in, channels, edge.accumulate);
    });
  }

 private:
  // Calls body(input, offset in the input, offset in the output, channels) for each pixel.
  template <class Body>
  void for_each_row(const Tile& tile, Body body) const {
    const int width = setup_.output_shape().back();
    const int64_t pixels = tile.count * output().elements / width;
    int64_t begin = 0;
    for (const Edge& edge : setup_.inputs) {
      const int channels = edge.shape.back();
      for (int64_t p = 0; p < pixels; ++p) body(edge, p * channels, p * width + begin, channels);
      begin += channels;
    }
  }
};

}  // namespace

LayerPtr make_layer(const Add&, const LayerSetup& setup) {
  return std::make_unique<AddLayer>(setup);
}
LayerPtr make_layer(const Concat&, const LayerSetup& setup) {
  return std::make_unique<ConcatLayer>(setup);
}

}  // namespace coppice::train
