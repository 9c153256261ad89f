#include "train/direct_convolution.h"
#include "train/layers.h"
#include "train/patch_product.h"
#include "train/periodic.h"
#include "train/quantized_stage.h"

namespace coppice::train {
namespace {

ConvolutionShape shape_of(const Conv2D& op, const Shape& in, const Shape& out) {
  return {in[0],     in[1],     in[2],       out[0],     out[1],   out[2],
          op.kernel, op.stride, op.dilation, op.padding, op.groups};
}

// x [n, H, W, I], weight [O, KH, KW, I/groups], bias [O]; y = clamp(conv(x) + bias) [n, OH, OW, O].
// The gradients are dweight = x^T dy and dx = dy weight, both again convolutions; dbias = sum(dy).
class Conv2DLayer : public Layer {
 public:
  Conv2DLayer(const ConvolutionShape& shape, const LayerSetup& setup)
      : Layer(setup),
        shape_(shape),
        weight_(parameter("weight")),
        bias_(parameter("bias")),
        bias_period_(shape.out_channels) {
    const bool turns = shape.groups == 1 && shape.gradient_is_convolution();
    if (shape.groups == 1) direct_ = std::make_unique<DirectConvolution>(shape, *setup.kernels);
    if (setup.training && turns) {
      turned_ = std::make_unique<DirectConvolution>(shape.gradient_shape(), *setup.kernels);
    }
    if (!turns) product_ = std::make_unique<PatchProduct>(shape, *setup.kernels);
    if (setup.quantization != nullptr) {
      stage_ = std::make_unique<QuantizedStage>(setup_, shape.out_channels);
    }
  }

  void prepare() override {
    if (stage_ != nullptr) stage_->prepare();
    if (bias_) bias_period_.assign(bias_.value);
    if (direct_ != nullptr) direct_->set_weight(forward_weight());
    if (turned_ != nullptr) turned_->set_turned_weight(backward_weight());
  }

  void forward(const Tile& tile) override {
    if (direct_ != nullptr) {
      direct_->forward(x(tile), y(tile), tile.count, false);
    } else {
      product_->forward(x(tile), forward_weight(), y(tile), tile.count, false);
    }
    if (stage_ != nullptr) {
      stage_->forward(tile, y(tile));
    } else if (bias_ || clamps()) {
      kernels().bias_clamp(y(tile), bias_period_.data(), bias_period_.period(),
                           tile.count * output().elements, clamp());
    }
  }

  void backward(const Tile& tile) override {
    const float* out = stage_ != nullptr ? stage_->backward(tile, dy(tile)) : unclamped_dy(tile);
    float* weight_gradient = gradient(weight_, tile.lane);
    if (direct_ != nullptr) {
      direct_->weight_gradient(x(tile), out, weight_gradient, tile.count);
    } else {
      product_->weight_gradient(x(tile), out, weight_gradient, tile.count);
    }
    if (bias_) {
      add_bias_gradient(tile, out, shape_.out_channels, gradient(bias_, tile.lane),
                        stage_ != nullptr ? stage_->bias_factor() : 1.0f);
    }
    if (!input().wants_gradient) return;
    if (turned_ != nullptr) {
      turned_->forward(out, dx(tile), tile.count, input().accumulate);
    } else {
      product_->input_gradient(out, backward_weight(), dx(tile), tile.count, input().accumulate);
    }
  }

  void finish_lane(int lane) override {
    if (stage_ != nullptr) stage_->finish_lane(lane);
  }
  void finish_batch() override {
    if (stage_ != nullptr) stage_->finish_batch();
  }

 private:
  const float* forward_weight() const {
    return stage_ != nullptr ? stage_->integers() : weight_.value;
  }
  const float* backward_weight() const {
    return stage_ != nullptr ? stage_->reals() : weight_.value;
  }

  ConvolutionShape shape_;
  std::unique_ptr<DirectConvolution> direct_;  // Without groups.
  std::unique_ptr<DirectConvolution> turned_;  // The input's gradient, where it is a convolution.
  std::unique_ptr<PatchProduct> product_;      // What the other two cannot do.
  std::unique_ptr<QuantizedStage> stage_;      // Training for integers.
  Slot weight_, bias_;
  Periodic bias_period_;
};

}  // namespace

LayerPtr make_layer(const Conv2D& op, const LayerSetup& setup) {
  return std::make_unique<Conv2DLayer>(shape_of(op, setup.inputs[0].shape, setup.output_shape()),
                                       setup);
}

// x [n, I] is [n, 1, 1, I] to a 1x1 convolution; weight [O, I].
LayerPtr make_layer(const FullyConnected& op, const LayerSetup& setup) {
  ConvolutionShape shape;
  shape.in_h = shape.in_w = shape.out_h = shape.out_w = 1;
  shape.in_channels = static_cast<int>(setup.inputs[0].shape.elements());
  shape.out_channels = op.out_features;
  return std::make_unique<Conv2DLayer>(shape, setup);
}

}  // namespace coppice::train
