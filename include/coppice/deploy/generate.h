#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/graph/graph.h"

namespace coppice::deploy {

/// A microcontroller that code is generated and measured for.
struct Target {
  std::string name;                        ///< "cortex-m4".
  std::vector<std::string> compiler_flags; ///< Core, FPU and ABI flags.
  std::string machine;                     ///< QEMU machine.
};
const std::vector<Target>& targets();
Result<Target> find_target(std::string_view name);

/// Writes self-contained C++ for an int8 graph: weights in flash, a static arena from the memory
/// plan, a C entry point, a self-test against outputs computed here, start-up code and linker
/// script. Nothing outside the folder is needed but the cross compiler.
Status generate(const Graph& graph, const Target& target, const std::filesystem::path& folder);

struct LayerCount {
  std::string name;
  std::string kernel;
  int64_t macs = 0;
  int64_t instructions = 0;
};

/// What the emulated microcontroller did.
struct Measurement {
  std::string target;
  int64_t instructions = 0;  ///< Executed, for one inference.
  int64_t flash_bytes = 0;   ///< Code and constants of the program.
  int64_t ram_peak_bytes = 0;
  bool outputs_equal_host = false;
  std::vector<LayerCount> layers;
};

/// Whether the cross compiler and the emulator are here; the error says which package is missing.
Status toolchain_available();

/// Generates, builds, runs in QEMU, and compares every output with this machine's, bit for bit.
Result<Measurement> measure(const Graph& graph, const Target& target,
                            const std::filesystem::path& work_folder);

}  // namespace coppice::deploy
