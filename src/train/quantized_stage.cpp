#include "train/quantized_stage.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace coppice::train {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void fill(Periodic& periodic, float value) {
  std::fill_n(periodic.data(), periodic.period(), value);
}

float highest_step(const ActivationQuantization& q) {
  return static_cast<float>(activation_integers(q.bits).high - q.zero_point);
}

}  // namespace

QuantizedStage::QuantizedStage(const LayerSetup& setup, int channels)
    : setup_(setup),
      quantization_(*setup.quantization),
      channels_(channels),
      scale_holder_(quantization_.scale_holder(setup.node_index)),
      bias_steps_(channels),
      factor_(channels) {
  if (!setup.training) return;
  values_ = AlignedFloats(static_cast<size_t>(setup.batch * setup.output->elements));
  for (int lane = 0; lane < setup.gradients.count; ++lane) {
    lows_.emplace_back(channels);
    highs_.emplace_back(channels);
  }
}

void QuantizedStage::prepare() {
  clamp_ = quantization_.clamp(setup_.node().output, setup_.activation);
  fill(factor_, 1.0f);
  if (node().parameter("weight") != nullptr) prepare_weights();
  clear_ranges();
}

void QuantizedStage::prepare_weights() {
  const QuantizedValues& weight = *node().parameter("weight")->quantized;
  integers_.assign(weight.values.begin(), weight.values.end());
  input_scale_ = quantization_.activation(node().inputs[0]).scale;
  table_ = exec::requantize_table(quantization_.model(), node());
  table_.clamp = exec::integer_clamp(setup_.activation, output());
  std::vector<float> factors(static_cast<size_t>(channels_));
  for (size_t c = 0; c < factors.size(); ++c) {
    factors[c] = table_.scale[table_.scale.size() == 1 ? 0 : c];
  }
  factor_.assign(factors.data());
  bias_.assign(factors.size(), 0);
  if (const Parameter* bias = node().parameter("bias")) bias_ = bias->quantized->values;
  bias_steps_.assign(bias_.data());
  if (setup_.training) reals_ = dequantize(*node().parameter("weight"));
}

void QuantizedStage::clear_ranges() {
  for (Periodic& low : lows_) fill(low, kInfinity);
  for (Periodic& high : highs_) fill(high, -kInfinity);
}

void QuantizedStage::forward(const Tile& tile, float* y) const {
  if (!setup_.training) return round_exactly(tile, y);
  FakeQuantize q{bias_steps_.data(), factor_.data(), factor_.period(), clamp_};
  if (quantization_.observes(setup_.node_index)) {
    q.lows = lows_[static_cast<size_t>(tile.lane)].data();
    q.highs = highs_[static_cast<size_t>(tile.lane)].data();
  }
  setup_.kernels->fake_quantize(q, y, tile.count * setup_.output->elements,
                                values_.data() + tile.first * setup_.output->elements);
}

void QuantizedStage::round_exactly(const Tile& tile, float* y) const {
  if (output().wide()) return round_exactly(table_.wide_view(), tile, y);
  round_exactly(table_.view(), tile, y);
}

template <class Requantize>
void QuantizedStage::round_exactly(const Requantize& to, const Tile& tile, float* y) const {
  constexpr int kBlock = 64;
  typename Requantize::Accumulator sums[kBlock];
  typename Requantize::Value integers[kBlock];
  const int64_t rows = tile.count * setup_.output->elements / channels_;
  for (int64_t row = 0; row < rows; ++row, y += channels_) {
    for (int first = 0; first < channels_; first += kBlock) {
      const int count = std::min(kBlock, channels_ - first);
      for (int i = 0; i < count; ++i) {
        sums[i] = static_cast<typename Requantize::Accumulator>(y[first + i]) +
                  bias_[static_cast<size_t>(first + i)];
      }
      kernels::finish_row(to, first, count, sums, integers);
      for (int i = 0; i < count; ++i) y[first + i] = static_cast<float>(integers[i] - table_.zero);
    }
  }
}

float* QuantizedStage::gradient(int lane, size_t node_index, std::string_view name) const {
  const ParameterRange* range = setup_.parameters->find(node_index, name);
  return setup_.gradients.lane(lane) + range->offset;
}

float* QuantizedStage::backward(const Tile& tile, float* dy) const {
  FakeQuantizeGradient q;
  q.period = factor_.period();
  q.clamp = clamp_;
  q.factor = integers_.empty() ? 1.0f : input_scale_ / output().scale;
  if (scale_holder_ >= 0) {
    q.sums = scratch(Scratch::kBias, static_cast<size_t>(q.period));
    std::fill_n(q.sums, q.period, 0.0f);
    q.rounding_gain = quantization_.pact() ? 0.0f : 1.0f;
    // What a ReLU6 cuts off says nothing about the scale.
    q.highest_step = clamp_.high < highest_step(output()) ? 0.0f : clamp_.high;
  }
  setup_.kernels->fake_quantize_backward(q, values_.data() + tile.first * setup_.output->elements,
                                         dy, tile.count * setup_.output->elements);
  if (scale_holder_ >= 0) {
    const auto elements = static_cast<float>(setup_.output->elements);
    const float gain = 1.0f / std::sqrt(elements * highest_step(output()));
    *gradient(tile.lane, static_cast<size_t>(scale_holder_), "output_scale") +=
        gain * std::accumulate(q.sums, q.sums + q.period, 0.0f);
  }
  return dy;
}

// The weight gradients so far are those of the real values that the integers stand for. With w / s
// beyond the integers the weight itself does not count any more (STE with clipping); the scale's
// gradient is LSQ's, by the scale's logarithm.
void QuantizedStage::finish_lane(int lane) const {
  const Parameter* weight = node().parameter("weight");
  if (weight == nullptr) return;
  const QuantizedValues& q = *weight->quantized;
  if (q.group_size > 0) return;
  const IntegerRange integers = weight_integers(q.used_bits(), q.range);
  // A scale that is the largest weight's may leave that weight a rounding error outside.
  const float high = 1.00001f * static_cast<float>(integers.high);
  const float low = 1.00001f * static_cast<float>(integers.low);
  float* by_weight = gradient(lane, setup_.node_index, "weight");
  const bool learns = quantization_.learns_weight_scales();
  float* by_scale = learns ? gradient(lane, setup_.node_index, "weight_scale") : nullptr;
  const auto per_scale = static_cast<float>(q.values.size() / q.scales.size());
  const float gain = 1.0f / std::sqrt(per_scale * high);
  for_each_element(weight->shape, q.axis, [&](size_t channel, size_t i) {
    const float scale = q.scales[channel];
    const float steps = weight->value[i] / scale;
    const bool inside = steps >= low && steps <= high;
    if (learns) {
      const float error = integers_[i] - (inside ? steps : 0.0f);
      by_scale[channel] += gain * scale * error * by_weight[i];
    }
    if (!inside) by_weight[i] = 0.0f;
  });
}

void QuantizedStage::finish_batch() {
  if (!quantization_.observes(setup_.node_index)) return;
  Range range{kInfinity, -kInfinity};
  for (size_t lane = 0; lane < lows_.size(); ++lane) {
    const int period = lows_[lane].period();
    range.min =
        std::min(range.min, *std::min_element(lows_[lane].data(), lows_[lane].data() + period));
    range.max =
        std::max(range.max, *std::max_element(highs_[lane].data(), highs_[lane].data() + period));
  }
  if (!(range.min <= range.max)) return;
  range = {range.min * output().scale, range.max * output().scale};
  if (setup_.activation != Activation::kNone) range.min = 0.0f;
  if (setup_.activation == Activation::kRelu6) range.max = std::min(range.max, 6.0f);
  quantization_.observe(setup_.node_index, range);
}

}  // namespace coppice::train
