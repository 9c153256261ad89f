#include "kernels/simd/stage_pack.h"

#include <algorithm>
#include <cmath>

namespace coppice::kernels::simd {
namespace {

// How the 64-bit product of one channel comes down to an output.
struct Shifts {
  int left = 0;      // Of the sum, before the product.
  int right = 31;    // Of the product, after the addend.
  int exponent = 0;  // Of a second rounding (kTwice).
  int64_t addend = int64_t{1} << 30;
};

Shifts shifts_of(StageKind kind, Rounding rounding, int shift) {
  Shifts shifts;
  if (kind == StageKind::kTwice) {
    shifts.left = std::max(shift, 0);
    shifts.exponent = std::max(-shift, 0);
    return shifts;
  }
  shifts.right = 31 - shift;
  shifts.addend = int64_t{1} << (30 - shift);
  if (rounding == Rounding::kDouble && shift < 0) shifts.addend += int64_t{1} << 30;
  return shifts;
}

template <class Value>
void put(std::byte* at, int index, Value value) {
  __builtin_memcpy(at + static_cast<size_t>(index) * sizeof(Value), &value, sizeof(Value));
}

}  // namespace

StagePacker::StagePacker(const Requantize& to) : to_(to) {
  header_.zero = to.zero + 128;
  header_.min = to.min + 128;
  header_.max = to.max + 128;
  if (to.rounding == Rounding::kFloat) {
    header_.kind = StageKind::kFloat;
  } else {
    const bool no_negatives = to.min >= to.zero;
    header_.kind =
        to.rounding == Rounding::kSingle || no_negatives ? StageKind::kShift : StageKind::kTwice;
  }
  const bool whole_range = header_.min == 0 && header_.max == 255;
  header_.saturates = header_.zero == 0 && whole_range ? 1 : 0;
}

bool StagePacker::add_channel(int channel, int64_t largest_sum) {
  constexpr double kLimit = 1 << 30;
  const int k = channel * to_.channel_step;
  const auto sum = static_cast<double>(largest_sum);
  if (to_.rounding == Rounding::kFloat)
    return sum < 2 * kLimit && sum * double{to_.scale[k]} < kLimit;
  const int shift = to_.shift[k];
  const int left = shifts_of(header_.kind, to_.rounding, shift).left;
  if (left != 0) header_.shifts_left = 1;
  return std::ldexp(sum, left) < 2 * kLimit && std::ldexp(sum, shift) < kLimit;
}

void StagePacker::pack_lane(int lanes, int lane, int channel, std::byte* group) const {
  const int k = channel * to_.channel_step;
  if (header_.kind == StageKind::kFloat) {
    return put(group, lane, channel < 0 ? 0.0f : to_.scale[k]);
  }
  const int vector = 4 * lanes;
  const Shifts shifts = shifts_of(header_.kind, to_.rounding, channel < 0 ? -1 : to_.shift[k]);
  put(group, lane, channel < 0 ? 0 : to_.multiplier[k]);
  if (header_.kind == StageKind::kShift) {
    const int half_lane = (lane % 2) * (lanes / 2) + lane / 2;
    put(group + vector, half_lane, shifts.addend);
    put(group + 3 * vector, half_lane, int64_t{shifts.right});
  } else {
    put(group + vector, lane, shifts.left);
    put(group + 2 * vector, lane, shifts.exponent > 0 ? 31 : 32);
    put(group + 3 * vector, lane, shifts.exponent > 0 ? 1 << (shifts.exponent - 1) : 0);
    put(group + 4 * vector, lane, shifts.exponent);
  }
}

}  // namespace coppice::kernels::simd
