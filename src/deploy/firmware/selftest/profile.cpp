// Profiled build: prints the executed instructions and a hash of the output of each layer.
#include "../profile.h"

#include "board.h"
#include "counter.h"
#include "text.h"

#ifdef COPPICE_PROFILE

namespace {

// FNV-1a.
uint32_t hash(const int8_t* data, int bytes) {
  uint32_t value = 0x811c9dc5u;
  for (int i = 0; i < bytes; ++i) value = (value ^ static_cast<uint8_t>(data[i])) * 0x01000193u;
  return value;
}

}  // namespace

void coppice_run_layer(int layer, void (*run)(), const int8_t* output, int bytes) {
  const uint32_t begin = board::ticks();
  run();
  const uint32_t spent = board::ticks() - begin;
  text::Line("layer")
      .number(static_cast<uint32_t>(layer))
      .number(counter::instructions(spent))
      .hex(hash(output, bytes))
      .end();
}

#endif
