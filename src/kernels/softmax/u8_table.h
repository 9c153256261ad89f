#pragma once

#include <array>
#include <cstdint>

#include "coppice/kernels/image.h"
#include "coppice/kernels/softmax/softmax.h"

namespace coppice::kernels {

/// The int8 softmax of softmax_ref on uint8 values, bit for bit: the exponential is a function of
/// the 256 differences to the largest value, so it is computed once for each when a layer is made.
class SoftmaxTable {
 public:
  explicit SoftmaxTable(const SoftmaxParams& p);

  /// One row of p.depth values. y may be x.
  void run(const uint8_t* x, uint8_t* y) const;

 private:
  int depth_;
  std::array<int32_t, 256> exponential_{};  // Q0.31, by largest - value; 0 below diff_min.
  std::array<int32_t, 256> term_{};         // The same as a term of the sum, Q12.19.
};

}  // namespace coppice::kernels
