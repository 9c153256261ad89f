// From reset to main() on any Cortex-M: sets up the floating point unit, .data, .bss and static
// constructors.
#include <stdint.h>

int main();

extern "C" {

// Laid by the linker script.
extern uint32_t coppice_data_load[], coppice_data_begin[], coppice_data_end[];
extern uint32_t coppice_bss_begin[], coppice_bss_end[];
extern uint32_t coppice_stack_top[];
extern void (*__preinit_array_start[])();
extern void (*__preinit_array_end[])();
extern void (*__init_array_start[])();
extern void (*__init_array_end[])();

void Reset_Handler() {
  // CPACR: full access to the floating point unit.
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
  const uint32_t* load = coppice_data_load;
  for (uint32_t* word = coppice_data_begin; word < coppice_data_end;) *word++ = *load++;
  for (uint32_t* word = coppice_bss_begin; word < coppice_bss_end;) *word++ = 0;
  for (auto call = __preinit_array_start; call < __preinit_array_end; ++call) (*call)();
  for (auto call = __init_array_start; call < __init_array_end; ++call) (*call)();
  main();
  for (;;) {
  }
}

// Replaced by the self-test with one that reports.
[[gnu::weak]] void Fault_Handler() {
  for (;;) {
  }
}

using Handler = void (*)();
struct VectorTable {
  const uint32_t* stack_top;
  Handler handlers[15];
};
extern const VectorTable coppice_vectors;
[[gnu::section(".vectors"), gnu::used]] const VectorTable coppice_vectors = {
    coppice_stack_top,
    {Reset_Handler, Fault_Handler /* NMI */, Fault_Handler /* HardFault */,
     Fault_Handler /* MemManage */, Fault_Handler /* BusFault */, Fault_Handler /* UsageFault */,
     nullptr, nullptr, nullptr, nullptr, Fault_Handler /* SVCall */,
     Fault_Handler /* DebugMonitor */, nullptr, Fault_Handler /* PendSV */,
     Fault_Handler /* SysTick */}};

}  // extern "C"
