#include "train/memory.h"

#include <array>

#include "train/kernels.h"

namespace coppice::train {

float* scratch(Scratch purpose, size_t count) {
  struct Buffer {
    AlignedFloats floats;
    size_t count = 0;
  };
  thread_local std::array<Buffer, static_cast<size_t>(Scratch::kCount)> buffers;
  Buffer& buffer = buffers[static_cast<size_t>(purpose)];
  if (buffer.count < count) {
    buffer.floats = AlignedFloats(count + kSlack);
    buffer.count = count;
  }
  return buffer.floats.data();
}

}  // namespace coppice::train
