// A consumer of the freestanding part alone: one integer scaling, as a microcontroller does it.
#include <cstdio>

#include "coppice/core/shape.h"
#include "coppice/kernels/requantize.h"

int main() {
  // 0.75 is 1610612736 * 2^-31; 1000 * 0.75 needs no rounding.
  const auto scale = coppice::kernels::quantize_multiplier(0.75);
  const auto scaled = coppice::kernels::multiply_double(1000, scale.multiplier, scale.shift);
  constexpr coppice::Shape kInput{49, 10, 1};
  std::printf("%d of %d\n", static_cast<int>(scaled), static_cast<int>(kInput.elements()));
  return scaled == 750 && kInput.elements() == 490 ? 0 : 1;
}
