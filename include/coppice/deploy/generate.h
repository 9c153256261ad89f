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
  std::string name;                         ///< "cortex-m4".
  std::string summary;                      ///< One line: core, features, emulated board.
  std::vector<std::string> compiler_flags;  ///< Core, FPU and ABI flags.
  std::string machine;                      ///< QEMU machine.
  std::string linker_script;                ///< Its memory, a file of the generated board/ folder.
};
const std::vector<Target>& targets();
Result<Target> find_target(std::string_view name);

/// What the generated self-test checks.
struct GenerateOptions {
  int self_test_inputs = 2;  ///< Stored inputs, uniform over int8, drawn from `seed`.
  uint64_t seed = 0;
};

/// Writes self-contained C++ for an int8 graph: weights in flash, a static arena from the memory
/// plan, a C entry point, a self-test against outputs computed here, start-up code and linker
/// script. Nothing outside the folder is needed but the cross compiler. A graph that is not
/// quantized, or holds a layer that no firmware kernel runs, is an error that names it.
Status generate(const Graph& graph, const Target& target, const std::filesystem::path& folder,
                const GenerateOptions& options = {});

struct LayerCount {
  std::string name;
  std::string kernel;
  int64_t macs = 0;
  int64_t instructions = 0;
};

/// What the emulated microcontroller did.
struct Measurement {
  std::string target;
  int64_t instructions = 0;  ///< Executed by one call of coppice_model_invoke(), copies included.
  /// Vectors, start-up code, kernels, weights and tables; the self-test does not count.
  int64_t flash_bytes = 0;
  /// Static data (the arena with input and output) and the deepest stack of an inference, found by
  /// painting the stack.
  int64_t ram_peak_bytes = 0;
  bool outputs_equal_host = false;
  /// From a second build that calls a counter around each layer. They sum up to `instructions`
  /// but for the copies of input and output and the calls between layers.
  std::vector<LayerCount> layers;
  /// Where outputs differ: the first layer and input that do; else empty.
  std::string difference;
};

/// Whether the cross compiler and the emulator are here; the error says which package is missing.
Status toolchain_available();

/// Generates, builds, runs in QEMU, and compares every output with this machine's, bit for bit.
/// Errors: no toolchain, a compiler's message, a fault of the guest, a guest that does not end.
/// Counts depend on the compiler but not on the machine, and are the same in every run.
Result<Measurement> measure(const Graph& graph, const Target& target,
                            const std::filesystem::path& work_folder,
                            const GenerateOptions& options = {});

}  // namespace coppice::deploy
