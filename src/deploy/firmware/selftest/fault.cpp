// Reports a fault: the exception's number, the fault status register and the address of the
// instruction. Exit code 99.
#include <stdint.h>

#include "board.h"
#include "text.h"

extern "C" {

extern uint32_t coppice_stack_bottom[], coppice_stack_top[];

// `frame` is what the core pushed: r0-r3, r12, lr, pc, psr.
[[noreturn, gnu::used]] void report_fault(uint32_t exception, const uint32_t* frame) {
  const uint32_t status = *reinterpret_cast<const volatile uint32_t*>(0xE000ED28);  // CFSR
  const bool readable = frame >= coppice_stack_bottom && frame + 8 <= coppice_stack_top;
  text::Line("fault").number(exception).hex(status).hex(readable ? frame[6] : 0).end();
  board::stop(99);
}

// A fault may come from a stack that ran over: reports on a fresh one.
[[gnu::naked]] void Fault_Handler() {
  __asm__ volatile(
      "mrs r0, ipsr\n\t"
      "mrs r1, msp\n\t"
      "ldr r2, =coppice_stack_top\n\t"
      "mov sp, r2\n\t"
      "b report_fault\n\t"
      ".ltorg");
}

}  // extern "C"
