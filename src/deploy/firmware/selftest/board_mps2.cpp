// Arm's MPS2 boards (AN386: Cortex-M4, AN500: Cortex-M7) as QEMU emulates them.
#include "board.h"

namespace board {
namespace {

// The FPGA's free running counter: 25 MHz, 40 ns of virtual time a tick.
constexpr uintptr_t kCounterAddress = 0x40028018;
constexpr uint64_t kNanosecondsPerTick = 40;
// -icount shift=6: an instruction takes 2^6 ns of virtual time. 1.6 ticks an instruction count to
// +-1 and wrap after 2.68 * 10^9 instructions.
constexpr uint64_t kNanosecondsPerInstruction = 64;

// Arm semihosting: the debugger (here QEMU) serves the request in r0 with its arguments at r1.
enum SemihostingRequest { kWriteText = 0x04, kExitExtended = 0x20 };
constexpr uint32_t kApplicationExit = 0x20026;

void request(SemihostingRequest operation, const void* arguments) {
  register int r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

}  // namespace

uint32_t ticks() { return *reinterpret_cast<const volatile uint32_t*>(kCounterAddress); }

uint32_t instructions(uint32_t tick_count) {
  constexpr uint64_t half = kNanosecondsPerInstruction / 2;
  return static_cast<uint32_t>((tick_count * kNanosecondsPerTick + half) /
                               kNanosecondsPerInstruction);
}

void write(const char* text) { request(kWriteText, text); }

void stop(int exit_code) {
  const uint32_t block[2] = {kApplicationExit, static_cast<uint32_t>(exit_code)};
  request(kExitExtended, block);
  for (;;) {
  }
}

}  // namespace board
