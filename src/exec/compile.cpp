#include <fmt/format.h>
#include <fmt/ranges.h>

#include "coppice/core/text.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/kernels/quantize.h"
#include "exec/baseline_layer.h"
#include "exec/plans.h"

namespace coppice::exec {
namespace {

// A graph is either all float or all integer; anything between is a half-done quantization. Its
// integers are of one width.
Status check_one_data_type(const Graph& graph) {
  if (graph.quantized()) {
    for (const TensorInfo& tensor : graph.tensors) {
      if (tensor.quantization->wide() == graph.wide()) continue;
      return Error{ErrorCode::kUnsupported,
                   fmt::format("{}: tensor \"{}\" has {}-bit activations and others fewer; the "
                               "executor runs graphs that are all int8 or all int16",
                               graph.name, tensor.name, tensor.quantization->bits)};
    }
    return {};
  }
  for (const TensorInfo& tensor : graph.tensors) {
    if (!tensor.quantization) continue;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: tensor \"{}\" is quantized and others are not; the executor runs "
                             "graphs that are all float or all integer",
                             graph.name, tensor.name)};
  }
  return {};
}

}  // namespace

const std::vector<Listed>& executors() {
  static const std::vector<Listed> all = {
      {"reference", "plain loops, the specification; integer results bit-exact"},
      {"dense", "vector kernels, borders kept in memory; integer results bit-exact"},
      {"skip", "plain, tests each weight for zero when it multiplies"},
      {"weight_stationary", "plain, tests each weight once and adds it to a whole image"},
      {"bitmap", "plain, one bit a weight"},
      {"vector_mask", "plain, one bit a row of a kernel"},
      {"kernel_mask", "plain, one bit a kernel"},
      {"filter", "plain, filters of zeros alone are gone"},
      {"coordinates", "plain, lists of places and values"},
      {"coordinates_weight_stationary", "plain, lists, each value added to a whole image"},
      {"csr", "vector kernels that leave any zeros out"},
      {"block", "vector kernels that leave out blocks of four inputs"},
      {"nm", "vector kernels for N of M inputs"},
      {"vector", "vector kernels that leave out vectors of output channels"},
      {"lut", "weights of 4 and 2 bits as indices into tables of the activations"},
      {"auto", "the fastest vector kernel for each layer, measured when a plan is made"},
  };
  return all;
}

std::string_view executor_name(Executor executor) {
  return executors()[static_cast<size_t>(executor)].name;
}

Result<Executor> parse_executor(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Listed& executor : executors()) {
    if (executor.name == name) return static_cast<Executor>(names.size());
    names.push_back(executor.name);
  }
  return Error{ErrorCode::kConfig,
               fmt::format("unknown executor \"{}\"; expected one of {}{}", name,
                           fmt::join(names, ", "), did_you_mean(name, names))};
}

PlanCost cost_of(const Plan& plan) {
  PlanCost cost;
  for (const LayerChoice& choice : plan.choices()) {
    cost.macs += choice.macs;
    cost.executed_macs += choice.executed_macs;
    cost.packed_bytes += choice.packed_bytes;
  }
  return cost;
}

std::vector<float> real_values(const Graph& graph, const Observation& seen) {
  if (!seen.real.empty()) return {seen.real.begin(), seen.real.end()};
  const auto& q = *graph.tensors[static_cast<size_t>(seen.tensor)].quantization;
  std::vector<float> values;
  const auto append = [&](const auto& integers) {
    for (const int32_t value : integers)
      values.push_back(kernels::dequantize_value(value, q.scale, q.zero_point));
  };
  append(seen.integer);
  append(seen.wide);
  return values;
}

Result<std::unique_ptr<Plan>> compile(Graph graph, const Options& options) {
  if (options.threads < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("threads is {}; expected at least 1", options.threads)};
  }
  COPPICE_TRY(Graph fused, fuse_for_inference(std::move(graph)));
  COPPICE_TRY_STATUS(check_one_data_type(fused));
  if (fused.wide() && is_baseline(options.executor)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} has 16-bit activations; the executor \"{}\" runs 8-bit ones",
                             fused.name, executor_name(options.executor))};
  }
  if (options.executor == Executor::kReference || is_baseline(options.executor)) {
    return make_reference_plan(std::move(fused), options.executor);
  }
  COPPICE_TRY(Isa isa, active_isa());
  if (options.isa) isa = *options.isa;
  if (!isa_supported(isa)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("instruction set {}: this processor supports only {}", isa_name(isa),
                             supported_isa_list())};
  }
  return make_dense_plan(std::move(fused), isa, options.threads, options.executor);
}

}  // namespace coppice::exec
