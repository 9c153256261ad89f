#include "train/layer.h"

#include <algorithm>
#include <limits>

#include "train/memory.h"
#include "train/periodic.h"
#include "train/quantization.h"

namespace coppice::train {

Clamp Layer::clamp() const {
  if (setup_.quantization != nullptr) {
    return setup_.quantization->clamp(setup_.node().output, setup_.activation);
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (setup_.activation) {
    case Activation::kRelu:
      return {0.0f, kInfinity};
    case Activation::kRelu6:
      return {0.0f, 6.0f};
    case Activation::kNone:
      break;
  }
  return {-kInfinity, kInfinity};
}

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
                              float* bias_gradient, float factor) const {
  const int period = period_of(channels);
  float* sums = scratch(Scratch::kBias, static_cast<size_t>(period));
  std::fill_n(sums, period, 0.0f);
  kernels().column_sums(gradient, period, tile.count * output().elements, sums);
  for (int j = 0; j < period; ++j) bias_gradient[j % channels] += factor * sums[j];
}

Layer::Slot Layer::parameter(std::string_view name) const {
  const ParameterRange* range = setup_.parameters->find(setup_.node_index, name);
  if (range == nullptr) return {};
  return {setup_.parameters->values() + range->offset, range->offset};
}

}  // namespace coppice::train
