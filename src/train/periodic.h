#pragma once

#include <vector>

namespace coppice::train {

/// Length of a per-channel vector repeated so often that inner loops over it fill wide registers:
/// 3 channels become 66, 16 become 64.
inline int period_of(int channels) {
  constexpr int kMinimum = 64;
  return channels >= kMinimum ? channels : channels * ((kMinimum + channels - 1) / channels);
}

/// A per-channel vector, repeated. Activations are [rows, channels] in memory order, so element i
/// belongs to periodic element i % period.
class Periodic {
 public:
  explicit Periodic(int channels)
      : channels_(channels), values_(static_cast<size_t>(period_of(channels)), 0.0f) {}

  int period() const { return static_cast<int>(values_.size()); }
  const float* data() const { return values_.data(); }
  float* data() { return values_.data(); }

  template <class Value>
  void assign(const Value* per_channel) {
    for (size_t j = 0; j < values_.size(); ++j) {
      values_[j] = static_cast<float>(per_channel[j % static_cast<size_t>(channels_)]);
    }
  }
  void clear() { values_.assign(values_.size(), 0.0f); }

  /// to[channel] += the elements of each channel, in order.
  template <class Sum>
  void add_to(Sum* to) const {
    for (size_t j = 0; j < values_.size(); ++j) {
      to[j % static_cast<size_t>(channels_)] += static_cast<Sum>(values_[j]);
    }
  }

 private:
  int channels_;
  std::vector<float> values_;
};

}  // namespace coppice::train
