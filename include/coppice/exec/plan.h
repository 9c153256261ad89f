#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/cpu.h"
#include "coppice/core/listing.h"
#include "coppice/graph/graph.h"

namespace coppice::exec {

/// Which family of kernels runs the layers.
enum class Executor {
  kReference,  ///< The specification: plain loops, integer results bit-exact.
  kDense,      ///< Vector kernels on one layout for the whole plan; integers equal the reference.
  // Plain kernels that skip zeros, as arXiv 2208.02765 has them (see docs/sparse.md).
  kSkip,                         ///< Tests each weight for zero when it multiplies.
  kWeightStationary,             ///< Tests each weight once and adds it to a whole image.
  kBitmap,                       ///< One bit a weight.
  kVectorMask,                   ///< One bit a row of a kernel.
  kKernelMask,                   ///< One bit a kernel.
  kFilter,                       ///< Filters of zeros alone are gone.
  kCoordinates,                  ///< Lists of places and values.
  kCoordinatesWeightStationary,  ///< The same, each value added to a whole image.
  // Vector kernels that leave zeros out; layers that they do not take run as in kDense.
  kCsr,     ///< Any zeros.
  kBlock,   ///< Blocks of four inputs.
  kNm,      ///< N of M inputs.
  kVector,  ///< Vectors of output channels.
  kLut,     ///< Weights of 4 and 2 bits as indices into tables of the activations.
  kAuto,    ///< For each layer the fastest of kDense and the vector kernels above, measured.
};
std::string_view executor_name(Executor executor);

/// The executor of that name, or an error that names the nearest one.
Result<Executor> parse_executor(std::string_view name);

/// All executors, in the order of the enumeration.
const std::vector<Listed>& executors();

/// How to compile a graph for this CPU.
struct Options {
  Executor executor = Executor::kDense;
  int threads = 1;  ///< Threads that one run may use.
  /// Instruction set limit, one that this processor has; unset: active_isa().
  std::optional<Isa> isa = {};
};

/// What was chosen for a layer, and why.
struct LayerChoice {
  std::string layer;
  std::string op;
  std::string kernel;
  std::string reason;
  int64_t macs = 0;  ///< With every weight, as measure_cost() counts them.
  /// Products that the kernel computes: weights that it left out count 0; zeros that it multiplies
  /// and empty slots of its storage format count, up to `macs`, which a dense kernel executes.
  int64_t executed_macs = 0;
  /// Weights as the kernel reads them: values, indices, biases, requantization factors.
  int64_t packed_bytes = 0;
  Isa isa = Isa::kScalar;  ///< That the kernel is compiled for.
  bool fallback = false;   ///< The executor has no kernel of its own for this layer: the dense one
                           ///< runs it, or the plain one where that has none either; see `reason`.
};

/// What the layers of a plan do together.
struct PlanCost {
  int64_t macs = 0;
  int64_t executed_macs = 0;
  int64_t packed_bytes = 0;
  /// Share of the products that the kernels left out.
  double executed_sparsity() const {
    return macs == 0 ? 0.0 : 1.0 - static_cast<double>(executed_macs) / static_cast<double>(macs);
  }
};

/// A tensor while a plan runs: one of the spans is filled, by the plan's data type.
struct Observation {
  int tensor = -1;  ///< Index into Plan::graph().tensors.
  std::span<const float> real;
  std::span<const int8_t> integer;
  std::span<const int16_t> wide;  ///< Of a graph with int16 activations.
};
/// The real numbers of an observation of a plan of this graph.
std::vector<float> real_values(const Graph& graph, const Observation& seen);
using Observer = std::function<void(const Observation&)>;

/// A compiled graph: kernels chosen, weights prepacked, arena planned. run() allocates nothing. A
/// plan has one arena: give each thread a plan of its own.
class Plan {
 public:
  virtual ~Plan() = default;

  /// One inference. `input` and `output` are float in the graph's units: a quantized graph
  /// quantizes its input and dequantizes its output. Sizes are those of the graph.
  virtual void run(std::span<const float> input, std::span<float> output) = 0;

  /// One inference of a quantized graph on int8 values. Asserts graph.quantized(), not wide.
  virtual void run_int8(std::span<const int8_t> input, std::span<int8_t> output) = 0;

  /// The same with int16 activations. Asserts graph.wide().
  virtual void run_int16(std::span<const int16_t> input, std::span<int16_t> output) = 0;

  /// run() that shows the input and the output of each layer, as computed, to `observer`.
  /// Calibration and comparisons between float and integers look at a model this way.
  virtual void run_observed(std::span<const float> input, std::span<float> output,
                            const Observer& observer) = 0;

  /// Runs one layer on what its inputs hold from the last run: to measure it. `index` as in
  /// graph().nodes.
  virtual void run_layer(size_t index) = 0;

  /// The graph as it runs: fused, its tensors and layers in place, parameter values left out.
  virtual const Graph& graph() const = 0;

  virtual const std::vector<LayerChoice>& choices() const = 0;
  virtual int64_t arena_bytes() const = 0;
};

/// Sums over plan.choices().
PlanCost cost_of(const Plan& plan);

/// Compiles a graph (float or quantized). Batch norms are folded and activations fused first.
/// An op, or a quantization, that no kernel supports is an error that names the layer. A graph that
/// is not needed any more is best moved in: the plan keeps no values but its own.
Result<std::unique_ptr<Plan>> compile(Graph graph, const Options& options = {});

}  // namespace coppice::exec
