#include "train/layer.h"

#include <algorithm>

#include "train/memory.h"
#include "train/periodic.h"

namespace coppice::train {

float* Layer::unclamped_dy(const Tile& tile) const {
  float* gradient = dy(tile);
  if (clamps()) {
    kernels().clamp_backward(y(tile), gradient, gradient, tile.count * output().elements, clamp(),
                             false);
  }
  return gradient;
}

void Layer::clear_dx(const Tile& tile) const {
  if (input().accumulate) return;
  std::fill_n(dx(tile), tile.count * input().blob->elements, 0.0f);
}

void Layer::add_bias_gradient(const Tile& tile, const float* gradient, int channels,
                              float* bias_gradient) const {
  const int period = period_of(channels);
  float* sums = scratch(Scratch::kBias, static_cast<size_t>(period));
  std::fill_n(sums, period, 0.0f);
  kernels().column_sums(gradient, period, tile.count * output().elements, sums);
  for (int j = 0; j < period; ++j) bias_gradient[j % channels] += sums[j];
}

Layer::Slot Layer::parameter(std::string_view name) const {
  const ParameterRange* range = setup_.parameters->find(setup_.node_index, name);
  if (range == nullptr) return {};
  return {setup_.parameters->values() + range->offset, range->offset};
}

}  // namespace coppice::train
