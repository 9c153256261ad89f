#pragma once

#include <cstddef>
#include <vector>

#include "coppice/core/cpu.h"

// What one core of this machine can do, measured by loops without anything but the arithmetic or
// the loads: the ceilings against which kernels are judged.

namespace coppice::bench {

enum class Arithmetic { kFloat, kInt8 };

/// A loop of multiply-accumulates on registers.
struct ComputeLoop {
  const char* name;  ///< "fma zmm"
  Isa isa;
  Arithmetic arithmetic;
  double macs_per_round;
  void (*run)(int rounds);
};

/// A loop of loads over a buffer, all vectors of it once a round. Its size is a multiple of 512.
struct LoadLoop {
  const char* name;
  Isa isa;
  void (*run)(const void* buffer, size_t bytes, int rounds);
};

const std::vector<ComputeLoop>& compute_loops();
const std::vector<LoadLoop>& load_loops();

/// The best loop's MAC/s by thread CPU time among those that `limit` allows: the highest of a few
/// short runs, as a disturbance can only slow a loop down.
double peak_mac_rate(Isa limit, Arithmetic arithmetic);

/// The best loop's bytes/s over a buffer of so many bytes, taken likewise.
double peak_load_rate(Isa limit, size_t bytes);

/// Bytes of the data caches, from the system; 0 for a level that is not there.
size_t cache_bytes(int level);

}  // namespace coppice::bench
