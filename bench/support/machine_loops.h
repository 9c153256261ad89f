#pragma once

#include <cstddef>

// Loops of the files with an instruction set in their names; see machine.h.

namespace coppice::bench {

void fma_ymm(int rounds);
void maddubs_ymm(int rounds);
void vnni_ymm(int rounds);
void fma_zmm(int rounds);
void maddubs_zmm(int rounds);
void vnni_zmm(int rounds);
void load_ymm(const void* buffer, size_t bytes, int rounds);
void load_zmm(const void* buffer, size_t bytes, int rounds);

}  // namespace coppice::bench
