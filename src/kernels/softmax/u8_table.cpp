#include "kernels/softmax/u8_table.h"

#include <algorithm>

#include "coppice/kernels/softmax/fixed_point.h"

namespace coppice::kernels {
namespace {

constexpr int kSumIntegerBits = 12;  // As softmax_ref has it.

}  // namespace

SoftmaxTable::SoftmaxTable(const SoftmaxParams& p) : depth_(p.depth) {
  for (int below = 0; below < 256 && -below >= p.diff_min; ++below) {
    const auto i = static_cast<size_t>(below);
    exponential_[i] =
        exp_on_negative(doubling_high_multiply(shift_left(-below, p.left_shift), p.multiplier));
    term_[i] = rounding_divide_by_power(exponential_[i], kSumIntegerBits);
  }
}

void SoftmaxTable::run(const uint8_t* x, uint8_t* y) const {
  const int largest = *std::max_element(x, x + depth_);
  int32_t sum = 0;
  for (int i = 0; i < depth_; ++i) sum += term_[static_cast<size_t>(largest - x[i])];
  const Reciprocal scale = reciprocal(sum, kSumIntegerBits);
  const int shift = scale.shift + 31 - 8;
  for (int i = 0; i < depth_; ++i) {
    const int32_t product =
        doubling_high_multiply(scale.mantissa, exponential_[static_cast<size_t>(largest - x[i])]);
    const int32_t value = shift > 31 ? 0 : rounding_divide_by_power(product, shift);
    y[i] = static_cast<uint8_t>(clamp(value, 0, 255));
  }
}

}  // namespace coppice::kernels
