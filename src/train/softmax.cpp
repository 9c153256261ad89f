#include <algorithm>
#include <cmath>

#include "train/layers.h"

namespace coppice::train {
namespace {

// y = exp(x) / sum(exp(x)) over the last axis, inside a network; the one at its end is part of the
// loss.
class SoftmaxLayer : public Layer {
 public:
  using Layer::Layer;

  void forward(const Tile& tile) override {
    for_each_row(tile, [&](int64_t begin, int n) {
      const float* in = x(tile) + begin;
      float* out = y(tile) + begin;
      const float largest = *std::max_element(in, in + n);
      float sum = 0.0f;
      for (int i = 0; i < n; ++i) sum += out[i] = std::exp(in[i] - largest);
      for (int i = 0; i < n; ++i) out[i] /= sum;
    });
  }

  // dx = y * (dy - sum(dy * y)).
  void backward(const Tile& tile) override {
    for_each_row(tile, [&](int64_t begin, int n) {
      const float* out = y(tile) + begin;
      const float* gradient = dy(tile) + begin;
      float* to = dx(tile) + begin;
      float dot = 0.0f;
      for (int i = 0; i < n; ++i) dot += gradient[i] * out[i];
      for (int i = 0; i < n; ++i) {
        const float value = out[i] * (gradient[i] - dot);
        to[i] = input().accumulate ? to[i] + value : value;
      }
    });
  }

 private:
  template <class Body>
  void for_each_row(const Tile& tile, Body body) const {
    const int n = setup_.output_shape().back();
    for (int64_t begin = 0; begin < tile.count * output().elements; begin += n) body(begin, n);
  }
};

}  // namespace

LayerPtr make_layer(const Softmax&, const LayerSetup& setup) {
  return std::make_unique<SoftmaxLayer>(setup);
}

}  // namespace coppice::train
