#include "counter.h"

#include "board.h"
#include "text.h"

namespace counter {
namespace {

uint32_t empty_ticks;

// Exactly 2 * rounds instructions.
[[gnu::noinline]] void known_loop(uint32_t rounds) {
  __asm__ volatile(
      ".balign 4\n"
      "1: subs %0, #1\n\t"
      "bne 1b"
      : "+l"(rounds)
      :
      : "cc");
}

}  // namespace

bool calibrate() {
  constexpr uint32_t rounds = 500000;
  const uint32_t first = board::ticks();
  const uint32_t second = board::ticks();
  empty_ticks = second - first;
  const uint32_t begin = board::ticks();
  known_loop(rounds);
  const uint32_t counted = instructions(board::ticks() - begin);
  text::Line("calibration").number(2 * rounds).number(counted).end();
  // The call of the loop takes a few instructions of its own.
  return counted >= 2 * rounds && counted <= 2 * rounds + 8;
}

uint32_t instructions(uint32_t tick_count) {
  return tick_count > empty_ticks ? board::instructions(tick_count - empty_ticks) : 0;
}

}  // namespace counter
