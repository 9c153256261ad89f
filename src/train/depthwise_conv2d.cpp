#include <algorithm>

#include "train/convolution.h"
#include "train/layers.h"
#include "train/memory.h"
#include "train/periodic.h"
#include "train/quantized_stage.h"

namespace coppice::train {
namespace {

// The convolution of the input with each channel repeated `multiplier` times: channel o of the
// output then reads channel o alone.
ConvolutionShape shape_of(const DepthwiseConv2D& op, const Shape& in, const Shape& out) {
  return {in[0],     in[1],     out[2],      out[0],     out[1], out[2],
          op.kernel, op.stride, op.dilation, op.padding, 1};
}

// x [n, H, W, C], weight [KH, KW, C*multiplier], bias [C*multiplier]; y [n, OH, OW, C*multiplier].
class DepthwiseConv2DLayer : public Layer {
 public:
  DepthwiseConv2DLayer(const ConvolutionShape& shape, int multiplier, const LayerSetup& setup)
      : Layer(setup),
        shape_(shape),
        multiplier_(multiplier),
        weight_(parameter("weight")),
        bias_(parameter("bias")),
        bias_period_(shape.out_channels),
        taps_(taps_of(shape)),
        grid_(grid_of(shape, taps_)) {
    if (setup.quantization != nullptr) {
      stage_ = std::make_unique<QuantizedStage>(setup_, shape.out_channels);
    }
    if (!setup.training || !input().wants_gradient || !shape.gradient_is_convolution()) return;
    turned_shape_ = shape.gradient_shape();
    turned_taps_ = taps_of(turned_shape_);
    turned_grid_ = grid_of(turned_shape_, turned_taps_);
    turned_.resize(static_cast<size_t>(shape.taps() * shape.out_channels));
  }

  void prepare() override {
    if (stage_ != nullptr) stage_->prepare();
    if (bias_) bias_period_.assign(bias_.value);
    const int channels = shape_.out_channels;
    for (int t = 0; !turned_.empty() && t < shape_.taps(); ++t) {
      std::copy_n(backward_weight() + t * channels, channels,
                  turned_.data() + (shape_.taps() - 1 - t) * channels);
    }
  }

  void forward(const Tile& tile) override {
    for (int i = 0; i < tile.count; ++i) {
      kernels().depthwise(grid_, window_input(tile, i), forward_weight(),
                          y(tile) + i * output().elements, false);
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
    if (bias_) {
      add_bias_gradient(tile, out, shape_.out_channels, gradient(bias_, tile.lane),
                        stage_ != nullptr ? stage_->bias_factor() : 1.0f);
    }
    for (int i = 0; i < tile.count; ++i, out += output().elements) {
      kernels().depthwise_weight(grid_, window_input(tile, i), out, gradient(weight_, tile.lane));
      if (input().wants_gradient) {
        input_gradient(out, dx(tile) + i * input().blob->elements);
      }
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

  static std::vector<int64_t> taps_of(const ConvolutionShape& shape) {
    std::vector<int64_t> taps;
    for (int h = 0; h < shape.kernel.h; ++h) {
      for (int w = 0; w < shape.kernel.w; ++w) {
        taps.push_back(
            (int64_t{1} * h * shape.dilation.h * shape.padded_w() + w * shape.dilation.w) *
            shape.in_channels);
      }
    }
    return taps;
  }
  static WindowGrid grid_of(const ConvolutionShape& shape, const std::vector<int64_t>& taps) {
    const int64_t row = int64_t{1} * shape.padded_w() * shape.in_channels;
    return {shape.out_h,          shape.out_w,
            shape.stride.h * row, int64_t{1} * shape.stride.w * shape.in_channels,
            taps.data(),          static_cast<int>(taps.size()),
            shape.in_channels};
  }

  // Sample i of the tile, channels repeated and padded.
  const float* window_input(const Tile& tile, int i) const {
    const float* sample = x(tile) + i * input().blob->elements;
    if (multiplier_ > 1) {
      float* to = scratch(Scratch::kExpanded, static_cast<size_t>(shape_.in_elements()));
      for (int64_t j = 0; j < input().blob->elements; ++j) {
        std::fill_n(to + j * multiplier_, multiplier_, sample[j]);
      }
      sample = to;
    }
    return pad_sample(shape_, sample);
  }

  // dx (+)= the sum over taps of dy * weight, for one sample.
  void input_gradient(const float* out, float* to) const {
    if (!turned_.empty() && multiplier_ == 1) {
      kernels().depthwise(turned_grid_, pad_sample(turned_shape_, out), turned_.data(), to,
                          input().accumulate);
      return;
    }
    const auto padded_size = static_cast<size_t>(shape_.padded_elements());
    float* padded = scratch(Scratch::kPadded, padded_size);
    std::fill_n(padded, padded_size, 0.0f);
    kernels().depthwise_scatter(grid_, out, backward_weight(), padded);
    if (multiplier_ == 1) {
      unpad_sample(shape_, padded, to, input().accumulate);
      return;
    }
    float* expanded = scratch(Scratch::kExpanded, static_cast<size_t>(shape_.in_elements()));
    unpad_sample(shape_, padded, expanded, false);
    for (int64_t j = 0; j < input().blob->elements; ++j) {
      float sum = input().accumulate ? to[j] : 0.0f;
      for (int m = 0; m < multiplier_; ++m) sum += expanded[j * multiplier_ + m];
      to[j] = sum;
    }
  }

  ConvolutionShape shape_;
  ConvolutionShape turned_shape_;
  int multiplier_;
  Slot weight_, bias_;
  Periodic bias_period_;
  std::vector<int64_t> taps_, turned_taps_;
  WindowGrid grid_, turned_grid_;
  std::unique_ptr<QuantizedStage> stage_;  // Training for integers.
  std::vector<float> turned_;  // [KH, KW, C] turned by 180 degrees, for the input's gradient.
};

}  // namespace

LayerPtr make_layer(const DepthwiseConv2D& op, const LayerSetup& setup) {
  return std::make_unique<DepthwiseConv2DLayer>(
      shape_of(op, setup.inputs[0].shape, setup.output_shape()), op.multiplier, setup);
}

}  // namespace coppice::train
