#include <cmath>

#include "train/layers.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

template <class Op>
PoolGrid grid_of(const Op& op, const Shape& in, const Shape& out) {
  return {in[0],       in[1],       out[0],      out[1],         in[2],          op.kernel.h,
          op.kernel.w, op.stride.h, op.stride.w, op.padding.top, op.padding.left};
}

// Mean of the pixels of each window that lie inside the input.
class AvgPoolLayer : public Layer {
 public:
  AvgPoolLayer(const PoolGrid& grid, const LayerSetup& setup) : Layer(setup), grid_(grid) {}

  void forward(const Tile& tile) override {
    for (int i = 0; i < tile.count; ++i) {
      kernels().avg_pool(grid_, x(tile) + i * input().blob->elements,
                         y(tile) + i * output().elements);
    }
    if (setup_.quantization != nullptr) round_means(tile);
  }
  void backward(const Tile& tile) override {
    clear_dx(tile);
    for (int i = 0; i < tile.count; ++i) {
      kernels().avg_pool_backward(grid_, dy(tile) + i * output().elements,
                                  dx(tile) + i * input().blob->elements);
    }
  }

 private:
  // To the nearest integer (not step), halves away from zero, as kernels::pool_mean. A mean of up
  // to 3000 integers below 256 is off by at most 3e-5, and a half or 1/6000 or more away from one.
  void round_means(const Tile& tile) const {
    const auto zero =
        static_cast<float>(setup_.quantization->activation(setup_.node().output).zero_point);
    float* values = y(tile);
    for (int64_t i = 0; i < tile.count * output().elements; ++i) {
      const float integer = values[i] + zero;
      const float magnitude = std::floor(std::abs(integer) + 0.5001f);
      values[i] = (integer < 0.0f ? -magnitude : magnitude) - zero;
    }
  }

  PoolGrid grid_;
};

// Largest pixel of each window; its place is kept for the way back.
class MaxPoolLayer : public Layer {
 public:
  MaxPoolLayer(const PoolGrid& grid, const LayerSetup& setup)
      : Layer(setup),
        grid_(grid),
        argmax_(static_cast<size_t>(setup.batch * setup.output->elements)) {}

  void forward(const Tile& tile) override {
    for (int i = 0; i < tile.count; ++i) {
      kernels().max_pool(grid_, x(tile) + i * input().blob->elements,
                         y(tile) + i * output().elements, place(tile, i));
    }
  }
  void backward(const Tile& tile) override {
    clear_dx(tile);
    for (int i = 0; i < tile.count; ++i) {
      kernels().max_pool_backward(grid_, dy(tile) + i * output().elements, place(tile, i),
                                  dx(tile) + i * input().blob->elements);
    }
  }

 private:
  int32_t* place(const Tile& tile, int i) {
    return argmax_.data() + (tile.first + i) * output().elements;
  }

  PoolGrid grid_;
  std::vector<int32_t> argmax_;  // [batch, out_h, out_w, channels]: the input pixel.
};

}  // namespace

LayerPtr make_layer(const AvgPool2D& op, const LayerSetup& setup) {
  return std::make_unique<AvgPoolLayer>(grid_of(op, setup.inputs[0].shape, setup.output_shape()),
                                        setup);
}
LayerPtr make_layer(const MaxPool2D& op, const LayerSetup& setup) {
  return std::make_unique<MaxPoolLayer>(grid_of(op, setup.inputs[0].shape, setup.output_shape()),
                                        setup);
}
LayerPtr make_layer(const GlobalAvgPool&, const LayerSetup& setup) {
  const Shape& in = setup.inputs[0].shape;
  const PoolGrid grid{in[0], in[1], 1, 1, in[2], in[0], in[1], 1, 1, 0, 0};
  return std::make_unique<AvgPoolLayer>(grid, setup);
}

}  // namespace coppice::train
