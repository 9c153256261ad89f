#include "coppice/kernels/quantize.h"
#include "train/layers.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

// Real inputs become steps from their zero point, in place.
class QuantizeInputLayer : public Layer {
 public:
  using Layer::Layer;

  void forward(const Tile& tile) override {
    const ActivationQuantization& q = setup_.quantization->activation(setup_.graph->input);
    const IntegerRange integers = activation_integers(q.bits);
    float* values = y(tile);
    for (int64_t i = 0; i < tile.count * output().elements; ++i) {
      const int32_t integer =
          kernels::quantize_value(values[i], q.scale, q.zero_point, integers.low, integers.high);
      values[i] = static_cast<float>(integer - q.zero_point);
    }
  }
  void backward(const Tile&) override {}
};

// The logits' steps become real numbers for the loss, in place; gradients the other way.
class DequantizeOutputLayer : public Layer {
 public:
  DequantizeOutputLayer(int tensor, const LayerSetup& setup) : Layer(setup), tensor_(tensor) {}

  void forward(const Tile& tile) override { scale(y(tile), tile); }
  void backward(const Tile& tile) override { scale(dy(tile), tile); }

 private:
  void scale(float* values, const Tile& tile) const {
    kernels().scaled_copy(values, setup_.quantization->activation(tensor_).scale, values,
                          tile.count * output().elements, false);
  }
  int tensor_;
};

}  // namespace

LayerPtr make_input_layer(const LayerSetup& setup) {
  return std::make_unique<QuantizeInputLayer>(setup);
}
LayerPtr make_output_layer(int tensor, const LayerSetup& setup) {
  return std::make_unique<DequantizeOutputLayer>(tensor, setup);
}

}  // namespace coppice::train
