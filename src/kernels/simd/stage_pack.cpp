#include "kernels/simd/stage_pack.h"

#include <algorithm>
#include <cmath>

namespace coppice::kernels::simd {
namespace {

// How the 64-bit product of one channel comes down to an output.
struct Shifts {
  int left = 0;        // Of the sum, before the product.
  int64_t addend = 0;  // kShift: of the product.
  int exponent = 0;    // Behind the upper half (kShift) or the first rounding (kTwice).
};

Shifts shifts_of(StageKind kind, Rounding rounding, int shift) {
  if (kind == StageKind::kTwice) return {std::max(shift, 0), 0, std::max(-shift, 0)};
  Shifts shifts;
  shifts.left = std::max(shift + 1, 0);
  shifts.exponent = std::max(-shift - 1, 0);
  shifts.addend = int64_t{1} << (30 - shift + shifts.left);
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
  if (to_.multiplier[k] == 0) return sum < 2 * kLimit;  // A factor below 2^-32: each output is 0.
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
  put(group + vector, lane, shifts.left);
  if (header_.kind == StageKind::kShift) {
    put(group + 2 * vector, lane, shifts.exponent);
    put(group + 3 * vector, (lane % 2) * (lanes / 2) + lane / 2, shifts.addend);
  } else {
    put(group + 2 * vector, lane, shifts.exponent > 0 ? 31 : 32);
    put(group + 3 * vector, lane, shifts.exponent > 0 ? 1 << (shifts.exponent - 1) : 0);
    put(group + 4 * vector, lane, shifts.exponent);
  }
}

}  // namespace coppice::kernels::simd
