// Self-test: runs the model on stored inputs, compares each output with the stored one, and prints
// executed instructions and the stack that was used. Exit code 0: all equal; 1: an output differs;
// 2: the model refused to run or its stack ran over; 3: the clock does not count instructions.
#include "board.h"
#include "counter.h"
#include "data.h"
#include "text.h"

// Laid by the linker script. All RAM above .bss is free but for the stack.
extern "C" uint32_t coppice_bss_end[], coppice_stack_bottom[];

namespace {

constexpr uint32_t kPaint = 0xA5A5C3C3;
int8_t output[COPPICE_MODEL_OUTPUT_BYTES];

uint32_t* stack_pointer() {
  uint32_t* pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

// Fills free RAM, so that what a call wrote can be seen afterwards, also beyond the stack's limit.
[[gnu::noinline]] void paint_stack() {
  for (auto* word = stack_pointer() - 1; word >= coppice_bss_end;) *word-- = kPaint;
}

// Bytes below `base` down to the deepest word that is not paint any more.
uint32_t used_stack(const uint32_t* base) {
  const uint32_t* word = coppice_bss_end;
  while (word < base && *word == kPaint) ++word;
  return static_cast<uint32_t>(base - word) * sizeof(uint32_t);
}

// Compares and prints; returns whether all bytes are equal.
bool check(int index, const int8_t* expected) {
  text::Line("output").number(static_cast<uint32_t>(index)).bytes(output, sizeof output).end();
  for (int i = 0; i < COPPICE_MODEL_OUTPUT_BYTES; ++i) {
    if (output[i] != expected[i]) {
      text::Line("different")
          .number(static_cast<uint32_t>(index))
          .bytes(expected, sizeof output)
          .end();
      return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  if (!counter::calibrate()) board::stop(3);
  bool equal = true;
  for (int i = 0; i < coppice_selftest_count; ++i) {
    paint_stack();
    const uint32_t* const base = stack_pointer();
    const uint32_t begin = board::ticks();
    const int status = coppice_model_invoke(coppice_selftest_inputs[i], output);
    const uint32_t spent = board::ticks() - begin;
    const uint32_t stack = used_stack(base);
    const auto limit = static_cast<uint32_t>(base - coppice_stack_bottom) * sizeof(uint32_t);
    if (status != 0 || stack > limit) board::stop(2);
    text::Line("total").number(static_cast<uint32_t>(i)).number(counter::instructions(spent)).end();
    text::Line("stack").number(static_cast<uint32_t>(i)).number(stack).end();
    equal = check(i, coppice_selftest_outputs[i]) && equal;
  }
  text::Line(equal ? "pass" : "fail").end();
  board::stop(equal ? 0 : 1);
}
