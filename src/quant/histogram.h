#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/graph/scheme.h"

namespace coppice::quant {

/// Counts of values in 4096 bins over [-2^k, 2^k). A value outside doubles the range: pairs of bins
/// merge, so the counts do not depend on the order of the values. Exact extremes are kept beside.
class Histogram {
 public:
  static constexpr int kBins = 4096;

  void add(std::span<const float> values);

  bool empty() const { return total_ == 0; }
  uint64_t total() const { return total_; }
  Range extremes() const { return extremes_; }
  uint64_t count(int bin) const { return counts_[static_cast<size_t>(bin)]; }
  double width() const { return width_; }
  double left(int bin) const { return (bin - kBins / 2) * width_; }
  double centre(int bin) const { return left(bin) + 0.5 * width_; }
  /// The bin of a value inside the range.
  int bin_of(double value) const;

  /// Calls visit(centre, count) for the bins that hold something.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (int bin = 0; bin < kBins; ++bin) {
      if (count(bin) > 0) visit(centre(bin), static_cast<double>(count(bin)));
    }
  }

 private:
  void grow(float magnitude);

  std::vector<uint64_t> counts_ = std::vector<uint64_t>(kBins, 0);
  double width_ = 0x1p-40;
  uint64_t total_ = 0;
  Range extremes_;
};

// Ranges from a histogram; `bits` are those of the activation. Each lies within the extremes.

/// All but (100 - percentile) % of the values, the rest left out on both sides alike.
Range percentile_range(const Histogram& histogram, double percentile);
/// Least mean squared error of quantization among 100 fractions of the extremes.
Range mse_range(const Histogram& histogram, int bits);
/// Least Kullback-Leibler divergence (Migacz, "8-bit inference with TensorRT", GTC 2017).
Range entropy_range(const Histogram& histogram, int bits);
/// The analytic clip of a Laplace or Gauss distribution, whichever is nearer (Banner et al., "Post
/// training 4-bit quantization of convolutional networks for rapid-deployment", NeurIPS 2019).
Range aciq_range(const Histogram& histogram, int bits);

}  // namespace coppice::quant
