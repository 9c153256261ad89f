#include "train/convolution.h"
#include "train/layers.h"
#include "train/periodic.h"

namespace coppice::train {
namespace {

ConvolutionShape shape_of(const Conv2D& op, const Shape& in, const Shape& out) {
  return {in[0],     in[1],     in[2],       out[0],     out[1],   out[2],
          op.kernel, op.stride, op.dilation, op.padding, op.groups};
}

// x [n, H, W, I], weight [O, KH, KW, I/groups], bias [O]; y = clamp(conv(x) + bias) [n, OH, OW, O].
class Conv2DLayer : public Layer {
 public:
  Conv2DLayer(const ConvolutionShape& shape, const LayerSetup& setup)
      : Layer(setup),
        shape_(shape),
        product_(shape, *setup.kernels),
        weight_(parameter("weight")),
        bias_(parameter("bias")),
        bias_period_(shape.out_channels) {
    if (setup.training && input().wants_gradient && !shape.pointwise() &&
        shape.gradient_is_convolution()) {
      turned_product_ = std::make_unique<PatchProduct>(shape.gradient_shape(), *setup.kernels);
      turned_.resize(static_cast<size_t>(shape.out_channels * shape.taps() * shape.in_channels /
                                         shape.groups));
    }
  }

  void prepare() override {
    if (bias_) bias_period_.assign(bias_.value);
    if (turned_product_ != nullptr) turn_weight();
  }

  void forward(const Tile& tile) override {
    product_.forward(x(tile), weight_.value, y(tile), tile.count, false);
    if (bias_ || clamps()) {
      kernels().bias_clamp(y(tile), bias_period_.data(), bias_period_.period(),
                           tile.count * output().elements, clamp());
    }
  }

  void backward(const Tile& tile) override {
    const float* out = unclamped_dy(tile);
    product_.weight_gradient(x(tile), out, gradient(weight_, tile.lane), tile.count);
    if (bias_) {
      add_bias_gradient(tile, out, shape_.out_channels, gradient(bias_, tile.lane));
    }
    if (!input().wants_gradient) return;
    if (turned_product_ != nullptr) {
      turned_product_->forward(out, turned_.data(), dx(tile), tile.count, input().accumulate);
    } else {
      product_.input_gradient(out, weight_.value, dx(tile), tile.count, input().accumulate);
    }
  }

 private:
  // turned[g, i, KH-1-kh, KW-1-kw, o] = weight[g, o, kh, kw, i] within each group g.
  void turn_weight() {
    const int taps = shape_.taps();
    const int inputs = shape_.in_channels / shape_.groups;
    const int outputs = shape_.out_channels / shape_.groups;
    const float* from = weight_.value;
    for (int g = 0; g < shape_.groups; ++g) {
      float* to = turned_.data() + int64_t{1} * g * outputs * taps * inputs;
      for (int o = 0; o < outputs; ++o) {
        for (int t = 0; t < taps; ++t) {
          float* column = to + (taps - 1 - t) * outputs + o;
          for (int i = 0; i < inputs; ++i) column[int64_t{1} * i * taps * outputs] = *from++;
        }
      }
    }
  }

  ConvolutionShape shape_;
  PatchProduct product_;
  std::unique_ptr<PatchProduct> turned_product_;
  std::vector<float> turned_;  // [groups, I/groups, KH, KW, O/groups]
  Slot weight_, bias_;
  Periodic bias_period_;
};

}  // namespace

LayerPtr make_layer(const Conv2D& op, const LayerSetup& setup) {
  return std::make_unique<Conv2DLayer>(shape_of(op, setup.inputs[0].shape, setup.output_shape()),
                                       setup);
}

}  // namespace coppice::train
