#pragma once

#include <stdint.h>

/// What the self-test needs of the machine it runs on. For a board of your own, write these four
/// functions again; the model itself (model.h, model.cpp) needs none of them.
namespace board {

/// A free running counter. On the emulated board virtual time advances by a fixed amount for each
/// executed instruction (QEMU's -icount), so that it counts instructions.
uint32_t ticks();

/// Executed instructions in so many ticks.
uint32_t instructions(uint32_t tick_count);

/// Prints text.
void write(const char* text);

/// Ends the program with an exit code.
[[noreturn]] void stop(int exit_code);

}  // namespace board
