#include <algorithm>

#include "coppice/kernels/add/reference.h"
#include "train/layers.h"
#include "train/quantized_stage.h"

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

// In steps: y = clamp(round((a * Sa + b * Sb) / Sy)).
class QuantizedAddLayer : public Layer {
 public:
  explicit QuantizedAddLayer(const LayerSetup& setup)
      : Layer(setup), stage_(setup_, setup.output_shape().back()) {}

  void prepare() override { stage_.prepare(); }

  void forward(const Tile& tile) override {
    if (!setup_.training) return add_exactly(tile);
    kernels().weighted_sum(input(0).blob->values(tile), factor(0), input(1).blob->values(tile),
                           factor(1), y(tile), tile.count * output().elements);
    stage_.forward(tile, y(tile));
  }

  void backward(const Tile& tile) override {
    const float* gradient = stage_.backward(tile, dy(tile));
    // An input that took over the output's buffer comes last: it overwrites the gradient.
    for (const bool in_place : {false, true}) {
      for (size_t i = 0; i < setup_.inputs.size(); ++i) {
        const Edge& edge = input(i);
        if (!edge.wants_gradient) continue;
        float* to = edge.blob->gradients(tile);
        if ((to == gradient) != in_place) continue;
        kernels().scaled_copy(gradient, factor(i), to, tile.count * output().elements,
                              edge.accumulate);
      }
    }
  }

  void finish_batch() override { stage_.finish_batch(); }

 private:
  const ActivationQuantization& quantization(int tensor) const {
    return setup_.quantization->activation(tensor);
  }
  float factor(size_t i) const {
    return quantization(setup_.node().inputs[i]).scale / quantization(setup_.node().output).scale;
  }

  void add_exactly(const Tile& tile) const {
    const Graph& model = setup_.quantization->model();
    kernels::AddParams p = exec::add_params(model, model.nodes[setup_.node_index]);
    const auto limits = exec::integer_clamp(setup_.activation, quantization(setup_.node().output));
    p.min = limits.min;
    p.max = limits.max;
    if (quantization(setup_.node().output).wide()) return add_exactly<int16_t>(p, tile);
    add_exactly<int8_t>(p, tile);
  }
  template <class T>
  void add_exactly(const kernels::AddParams& p, const Tile& tile) const {
    const float *a = input(0).blob->values(tile), *b = input(1).blob->values(tile);
    float* to = y(tile);
    for (int64_t i = 0; i < tile.count * output().elements; ++i) {
      const T sum = kernels::add_element(p, static_cast<T>(a[i] + static_cast<float>(p.a_zero)),
                                         static_cast<T>(b[i] + static_cast<float>(p.b_zero)));
      to[i] = static_cast<float>(sum - p.y_zero);
    }
  }

  QuantizedStage stage_;
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
  if (setup.quantization != nullptr) return std::make_unique<QuantizedAddLayer>(setup);
  return std::make_unique<AddLayer>(setup);
}
LayerPtr make_layer(const Concat&, const LayerSetup& setup) {
  return std::make_unique<ConcatLayer>(setup);
}

}  // namespace coppice::train
