#pragma once

#include <stdint.h>

/// Counting executed instructions.
namespace counter {

/// Measures the ticks of an empty region, then a loop whose instructions are known. False when
/// the clock does not count instructions as expected; prints what was expected and found.
bool calibrate();

/// Instructions in a region of so many ticks, without those of reading the counter.
uint32_t instructions(uint32_t tick_count);

}  // namespace counter
