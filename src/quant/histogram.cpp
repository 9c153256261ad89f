#include "quant/histogram.h"

#include <algorithm>
#include <cmath>

namespace coppice::quant {

void Histogram::add(std::span<const float> values) {
  float largest = 0.0f;
  for (const float value : values) {
    largest = std::max(largest, std::abs(value));
    const bool first = total_ == 0;
    extremes_.min = first ? value : std::min(extremes_.min, value);
    extremes_.max = first ? value : std::max(extremes_.max, value);
    ++total_;
  }
  if (!std::isfinite(largest)) return;  // The caller names the layer.
  grow(largest);
  for (const float value : values) ++counts_[static_cast<size_t>(bin_of(value))];
}

int Histogram::bin_of(double value) const {
  return std::clamp(static_cast<int>(std::floor(value / width_)) + kBins / 2, 0, kBins - 1);
}

// Bins 2j and 2j + 1, counted from the middle, become bin j.
void Histogram::grow(float magnitude) {
  while (!(magnitude < width_ * (kBins / 2))) {
    std::vector<uint64_t> merged(kBins, 0);
    for (int bin = 0; bin < kBins; ++bin) {
      merged[static_cast<size_t>((bin + kBins / 2) / 2)] += count(bin);
    }
    counts_ = std::move(merged);
    width_ *= 2.0;
  }
}

Range percentile_range(const Histogram& histogram, double percentile) {
  const double outside = (1.0 - percentile / 100.0) / 2.0 * static_cast<double>(histogram.total());
  const auto edge = [&](bool upper) {
    double passed = 0;
    for (int i = 0; i < Histogram::kBins; ++i) {
      const int bin = upper ? Histogram::kBins - 1 - i : i;
      passed += static_cast<double>(histogram.count(bin));
      if (passed > outside) return upper ? histogram.left(bin + 1) : histogram.left(bin);
    }
    return 0.0;
  };
  const Range extremes = histogram.extremes();
  return {std::max(extremes.min, static_cast<float>(edge(false))),
          std::min(extremes.max, static_cast<float>(edge(true)))};
}

Range mse_range(const Histogram& histogram, int bits) {
  const Range extremes = histogram.extremes();
  const IntegerRange integers = activation_integers(bits);
  const auto error_of = [&](const Range& range) {
    const ActivationQuantization q = choose_activation(range, {bits});
    double error = 0;
    histogram.for_each([&](double value, double count) {
      const double integer = std::clamp(std::round(value / q.scale) + q.zero_point,
                                        double(integers.low), double(integers.high));
      const double difference = value - (integer - q.zero_point) * q.scale;
      error += count * difference * difference;
    });
    return error;
  };
  Range best = extremes;
  double least = error_of(best);
  for (int step = 1; step < 100; ++step) {
    const float fraction = 1.0f - static_cast<float>(step) / 100.0f;
    const Range range{extremes.min * fraction, extremes.max * fraction};
    if (const double error = error_of(range); error < least) least = error, best = range;
  }
  return best;
}

namespace {

// sum p log(p / q) of two histograms of the same bins, each normalized.
double divergence(const std::vector<double>& p, const std::vector<double>& q) {
  double p_sum = 0, q_sum = 0, result = 0;
  for (const double value : p) p_sum += value;
  for (const double value : q) q_sum += value;
  if (p_sum == 0 || q_sum == 0) return HUGE_VAL;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    if (q[i] == 0) return HUGE_VAL;
    result += p[i] / p_sum * std::log(p[i] / p_sum / (q[i] / q_sum));
  }
  return result;
}

// The bins [first, last] merged into 2^bits levels, each level spread evenly over those of its bins
// that hold something.
std::vector<double> quantized_bins(const Histogram& histogram, int first, int last, int bits) {
  const int bins = last - first + 1, levels = std::min(1 << bits, bins);
  std::vector<double> q(static_cast<size_t>(bins), 0.0);
  for (int level = 0; level < levels; ++level) {
    const int begin = level * bins / levels, end = (level + 1) * bins / levels;
    double sum = 0;
    int filled = 0;
    for (int i = begin; i < end; ++i) {
      sum += static_cast<double>(histogram.count(first + i));
      filled += histogram.count(first + i) > 0 ? 1 : 0;
    }
    for (int i = begin; i < end; ++i) {
      if (histogram.count(first + i) > 0) q[static_cast<size_t>(i)] = sum / filled;
    }
  }
  return q;
}

}  // namespace

Range entropy_range(const Histogram& histogram, int bits) {
  const Range extremes = histogram.extremes();
  const int lowest = histogram.bin_of(extremes.min), highest = histogram.bin_of(extremes.max);
  const int zero = std::clamp(histogram.bin_of(0.0), lowest, highest);
  const double reach = std::max(zero - lowest, highest - zero) + 1;
  Range best = extremes;
  double least = HUGE_VAL;
  // The clipped values count at the edges of the clipped distribution, but not in its quantized
  // image: that is what makes a clip cost something.
  for (int step = 0; step < 128; ++step) {
    const int width = static_cast<int>(reach * (128 - step) / 128.0);
    const int first = std::max(lowest, zero - width), last = std::min(highest, zero + width);
    // With more levels than bins nothing is lost inside, so that any clip only costs.
    if (last - first + 1 < 1 << bits) break;
    std::vector<double> p(static_cast<size_t>(last - first + 1), 0.0);
    for (int bin = lowest; bin <= highest; ++bin) {
      p[static_cast<size_t>(std::clamp(bin, first, last) - first)] +=
          static_cast<double>(histogram.count(bin));
    }
    auto q = quantized_bins(histogram, first, last, bits);
    // An edge that only the outliers fill would make the divergence infinite.
    for (const size_t edge : {size_t{0}, q.size() - 1}) {
      if (p[edge] > 0 && q[edge] == 0) q[edge] = 1.0;
    }
    if (const double found = divergence(p, q); found < least) {
      least = found;
      best = {std::max(extremes.min, static_cast<float>(histogram.left(first))),
              std::min(extremes.max, static_cast<float>(histogram.left(last + 1)))};
    }
  }
  return best;
}

Range aciq_range(const Histogram& histogram, int bits) {
  // Clips in units of the mean absolute deviation (Laplace) and the standard deviation (Gauss) for
  // 1 to 9 bits. More bits have nothing to gain from a clip.
  constexpr double kLaplace[] = {1.86, 2.83, 3.89, 5.03, 6.20, 7.41, 8.64, 9.89, 11.16};
  constexpr double kGauss[] = {1.24, 1.71, 2.15, 2.55, 2.93, 3.28, 3.61, 3.92, 4.20};
  const Range extremes = histogram.extremes();
  if (bits > 8) return extremes;
  const bool one_sided = extremes.min >= 0.0f;
  double count = 0, sum = 0;
  histogram.for_each([&](double value, double n) {
    if (one_sided && value < histogram.width()) return;  // Zeros: what the ReLU cut off.
    count += n;
    sum += n * value;
  });
  if (count == 0) return extremes;
  // The values behind a ReLU are half of a distribution around 0, with the other half's bit to use.
  const double mean = one_sided ? 0.0 : sum / count;
  double deviation = 0, square = 0;
  histogram.for_each([&](double value, double n) {
    if (one_sided && value < histogram.width()) return;
    deviation += n * std::abs(value - mean);
    square += n * (value - mean) * (value - mean);
  });
  deviation /= count;
  const double sigma = std::sqrt(square / count);
  // E|x| / sigma is 0.707 for Laplace and 0.798 for Gauss.
  const bool laplace = deviation < 0.7525 * sigma;
  const auto index = static_cast<size_t>(bits - 1 + (one_sided ? 1 : 0));
  const double clip = laplace ? kLaplace[index] * deviation : kGauss[index] * sigma;
  return {std::max(extremes.min, static_cast<float>(mean - clip)),
          std::min(extremes.max, static_cast<float>(mean + clip))};
}

}  // namespace coppice::quant
