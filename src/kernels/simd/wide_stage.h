#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/kernels/requantize.h"
#include "kernels/simd/stage.h"

namespace coppice::kernels::simd {

/// RequantizeWide as a ShiftStage, which is exact for sums that fit 32 bits and stay there: the
/// factor of 16 bits is one of 32 bits with 16 zeros behind it.
class WideStagePacker {
 public:
  explicit WideStagePacker(const RequantizeWide& to) : to_(to) {}

  StageHeader header() const {
    StageHeader header;
    header.kind = StageKind::kShift;
    header.min = to_.min;
    header.max = to_.max;
    header.shifts_left = 1;
    return header;
  }

  /// The largest magnitude of a sum of `count` products, `step` weights apart.
  static int64_t largest_sum(const int8_t* w, ptrdiff_t step, int count, int32_t bias) {
    int64_t weights = 0;
    for (int i = 0; i < count; ++i) weights += std::abs(int{w[i * step]});
    return std::abs(int64_t{bias}) + 32768 * weights;
  }
  /// Whether sums of this magnitude are safe in 32 bits, before and after the factor.
  bool fits(int channel, int64_t largest_sum) const {
    const int shift = to_.shift[channel * to_.channel_step];
    return shift < 15 && largest_sum <= INT32_MAX >> left_of(shift);
  }

  /// The constants of one lane (stage.h); `channel` -1 for none.
  void pack_lane(int lanes, int lane, int channel, std::byte* group) const {
    const int k = channel * to_.channel_step;
    const int shift = channel < 0 ? -1 : to_.shift[k];
    const int32_t multiplier = channel < 0 ? 0 : reduce_multiplier(to_.multiplier[k]) << 16;
    const int32_t left = left_of(shift), exponent = shift < 0 ? -1 - shift : 0;
    const int64_t addend = int64_t{1} << (30 - shift + left);
    const int vector = 4 * lanes, half_lane = (lane % 2) * (lanes / 2) + lane / 2;
    __builtin_memcpy(group + 4 * lane, &multiplier, sizeof(multiplier));
    __builtin_memcpy(group + vector + 4 * lane, &left, sizeof(left));
    __builtin_memcpy(group + 2 * vector + 4 * lane, &exponent, sizeof(exponent));
    __builtin_memcpy(group + 3 * vector + 8 * half_lane, &addend, sizeof(addend));
  }

 private:
  // Factors of 1/2 and more double the sum before its upper half is taken (ShiftStage).
  static int left_of(int shift) { return shift < 0 ? 0 : shift + 1; }

  RequantizeWide to_;
};

}  // namespace coppice::kernels::simd
