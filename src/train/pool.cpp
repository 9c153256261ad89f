#include "train/layers.h"

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
  }
  void backward(const Tile& tile) override {
    clear_dx(tile);
    for (int i = 0; i < tile.count; ++i) {
      kernels().avg_pool_backward(grid_, dy(tile) + i * output().elements,
                                  dx(tile) + i * input().blob->elements);
    }
  }

 private:
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
