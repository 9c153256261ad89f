#include "train/layers.h"

namespace coppice::train {
namespace {

// ReLU and ReLU6 that could not be fused into the layer before them. y = clamp(x).
class ActivationLayer : public Layer {
 public:
  using Layer::Layer;

  void forward(const Tile& tile) override {
    kernels().clamp_forward(x(tile), y(tile), tile.count * output().elements, clamp());
  }
  void backward(const Tile& tile) override {
    kernels().clamp_backward(y(tile), dy(tile), dx(tile), tile.count * output().elements, clamp(),
                             input().accumulate);
  }
};

LayerPtr make_activation(LayerSetup setup, Activation activation) {
  setup.activation = activation;
  return std::make_unique<ActivationLayer>(setup);
}

}  // namespace

LayerPtr make_layer(const Relu&, const LayerSetup& setup) {
  return make_activation(setup, Activation::kRelu);
}
LayerPtr make_layer(const Relu6&, const LayerSetup& setup) {
  return make_activation(setup, Activation::kRelu6);
}

}  // namespace coppice::train
