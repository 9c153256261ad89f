#include <fmt/format.h>

#include <algorithm>

#include "coppice/deploy/generate.h"
#include "coppice/graph/cost.h"
#include "deploy/firmware_project.h"
#include "deploy/guest.h"

namespace coppice::deploy {
namespace {

uint32_t fnv1a(const std::vector<int8_t>& bytes) {
  uint32_t value = 0x811c9dc5u;
  for (int8_t byte : bytes) value = (value ^ static_cast<uint8_t>(byte)) * 0x01000193u;
  return value;
}

Status require_runs(const GuestReport& report, const FirmwareProject& project, bool profile) {
  bool complete = report.runs.size() == project.golden.inputs.size();
  for (const auto& run : report.runs) {
    complete = complete && run.output.size() == project.golden.outputs[0].size() &&
               run.layers.size() == (profile ? project.layers.size() : 0);
  }
  if (complete) return {};
  return Error{ErrorCode::kCorrupt, "the firmware did not print each inference of its self-test"};
}

// Compares here too, so that a self-test that checks nothing cannot pass.
std::string first_difference(const GuestReport& report, const Golden& golden) {
  for (size_t i = 0; i < report.runs.size(); ++i) {
    if (report.runs[i].output != golden.outputs[i])
      return fmt::format("the output for input {}", i);
  }
  return report.passed ? "" : "the output, by the firmware's own comparison";
}

// Each layer's output, not only the last: a softmax hides most differences.
Result<std::string> first_layer_difference(const GuestReport& report,
                                           const FirmwareProject& project) {
  for (size_t i = 0; i < report.runs.size(); ++i) {
    COPPICE_TRY(const auto tensors, compute_tensors(project.graph, project.golden.inputs[i]));
    for (size_t k = 0; k < project.layers.size(); ++k) {
      const auto& expected = tensors[static_cast<size_t>(project.layers[k].tensor)];
      if (report.runs[i].layers[k].output_hash != fnv1a(expected)) {
        return fmt::format("layer \"{}\" for input {}", project.layers[k].name, i);
      }
    }
  }
  return std::string{};
}

std::vector<LayerCount> count_layers(const FirmwareProject& project, const GuestRun& run) {
  const Cost cost = measure_cost(project.graph);
  std::vector<LayerCount> counts;
  for (size_t k = 0; k < project.layers.size(); ++k) {
    const auto& layer = project.layers[k];
    const auto found = std::find_if(cost.layers.begin(), cost.layers.end(),
                                    [&](const LayerCost& c) { return c.name == layer.name; });
    counts.push_back({layer.name, layer.kernel, found == cost.layers.end() ? 0 : found->macs_dense,
                      run.layers[k].instructions});
  }
  return counts;
}

}  // namespace

Result<Measurement> measure(const Graph& graph, const Target& target,
                            const std::filesystem::path& work_folder,
                            const GenerateOptions& options) {
  if (options.self_test_inputs < 1) {
    return Error{ErrorCode::kInvalidArgument, "measuring needs at least one self-test input"};
  }
  COPPICE_TRY_STATUS(toolchain_available());
  COPPICE_TRY(const FirmwareProject project, write_firmware(graph, target, work_folder, options));
  COPPICE_TRY_STATUS(build_firmware(work_folder, false));
  COPPICE_TRY_STATUS(build_firmware(work_folder, true));
  COPPICE_TRY(const FirmwareSize size, firmware_size(work_folder));
  COPPICE_TRY(const GuestReport plain, run_firmware(work_folder, false));
  COPPICE_TRY(const GuestReport profiled, run_firmware(work_folder, true));
  COPPICE_TRY_STATUS(require_runs(plain, project, false));
  COPPICE_TRY_STATUS(require_runs(profiled, project, true));

  Measurement result;
  result.target = target.name;
  result.instructions = plain.runs[0].instructions;
  result.flash_bytes = size.flash_bytes;
  int64_t stack = 0;
  for (const auto& run : plain.runs) stack = std::max(stack, run.stack_bytes);
  result.ram_peak_bytes = size.static_ram_bytes + stack;
  COPPICE_TRY(result.difference, first_layer_difference(profiled, project));
  if (result.difference.empty()) result.difference = first_difference(plain, project.golden);
  result.outputs_equal_host = result.difference.empty();
  result.layers = count_layers(project, profiled.runs[0]);
  return result;
}

}  // namespace coppice::deploy
