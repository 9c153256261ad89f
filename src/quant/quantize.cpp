#include "coppice/quant/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/text.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/planner.h"
#include "coppice/quant/mixed_precision.h"
#include "coppice/quant/steps.h"

namespace coppice::quant {
namespace {

Error option_error(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

Status check_name(const char* option, const std::string& name, const std::vector<Listed>& known) {
  std::vector<std::string_view> names;
  for (const Listed& entry : known) names.push_back(entry.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return option_error(fmt::format("{} is \"{}\"; expected one of: {}{}", option, name,
                                  fmt::join(names, ", "), did_you_mean(name, names)));
}

Status check_samples(const Graph& graph, const Samples& samples) {
  if (samples.empty()) return option_error("quantization needs at least one calibration sample");
  const auto elements = static_cast<size_t>(graph.input_shape().elements());
  for (const auto& sample : samples) {
    if (sample.size() == elements) continue;
    return option_error(fmt::format("{}: a calibration sample has {} values, the input {} has {}",
                                    graph.name, sample.size(), fmt::join(graph.input_shape(), "x"),
                                    elements));
  }
  return {};
}

Status check_not_quantized(const Graph& graph) {
  for (const TensorInfo& tensor : graph.tensors) {
    if (tensor.quantization)
      return option_error(fmt::format("{} is quantized already", graph.name));
  }
  return {};
}

std::string describe(const QuantizeOptions& o, size_t samples) {
  return fmt::format(
      "weight_bits={} activation_bits={} per_channel={} calibration={} samples={} seed={} "
      "weight_rounding={} bias_correction={} equalize={}",
      o.weight_bits, o.activation_bits, o.per_channel, o.calibration, samples, o.seed,
      o.weight_rounding, o.bias_correction, o.equalize);
}

/// 16 or 8: the most bits of activations whose arena the budget holds.
Result<int> widest_activations(Graph fused, int budget) {
  int64_t arena = 0;
  for (const int bits : {16, 8}) {
    for (TensorInfo& tensor : fused.tensors) tensor.quantization = ActivationQuantization{bits};
    arena = plan_memory(fused).arena_bytes;
    if (arena <= budget) return bits;
  }
  return option_error(
      fmt::format("{}: budget_ram_bytes is {}; activations of 8 bits, the fewest bytes there are, "
                  "take {}",
                  fused.name, budget, arena));
}

/// The steps that look at what each layer computes.
Status refine(const Graph& reference, const MomentsByLayer& moments, const Samples& samples,
              const QuantizeOptions& options, Graph& graph) {
  if (options.weight_rounding == "adaround") {
    COPPICE_TRY_STATUS(
        round_adaptively(reference, graph, samples, options.adaround_iterations, options.seed));
  } else if (options.weight_rounding == "gptq") {
    COPPICE_TRY_STATUS(round_by_second_order(reference, graph, samples, options.seed));
  }
  if (options.bias_correction == "empirical") {
    COPPICE_TRY_STATUS(correct_bias_empirically(reference, graph, samples));
  } else if (options.bias_correction == "analytic") {
    correct_bias_analytically(reference, graph, moments);
  }
  return {};
}

}  // namespace

const std::vector<Listed>& recipes() {
  static const std::vector<Listed> all = {
      {"custom", "each option as it is given"},
      {"plain", "one scale a tensor, extremes of weights and samples, nearest integers"},
      {"ladder", "scales by channel of least error, equalization, AdaRound, empirical biases"},
  };
  return all;
}

QuantizeOptions with_recipe(QuantizeOptions o) {
  if (o.recipe == "custom") return o;
  const bool ladder = o.recipe == "ladder";
  o.recipe = "custom";
  o.per_channel = ladder;
  o.calibration = ladder ? "mse" : "minmax";
  o.weight_scale = ladder ? WeightScale::kMse : WeightScale::kMax;
  o.equalize = ladder;
  o.weight_rounding = ladder ? "adaround" : "nearest";
  o.bias_correction = ladder ? "empirical" : "none";
  return o;
}

const std::vector<Listed>& weight_roundings() {
  static const std::vector<Listed> all = {
      {"nearest", "to the nearest integer"},
      {"adaround", "up or down, learned from each layer's output (Nagel 2020)"},
      {"gptq", "input by input, the rest makes good each error (Frantar 2023)"},
  };
  return all;
}

const std::vector<Listed>& bias_corrections() {
  static const std::vector<Listed> all = {
      {"none", "biases as they are"},
      {"empirical", "add the mean shift of each channel on the calibration samples (Nagel 2019)"},
      {"analytic", "add the shift that batch norms' statistics predict (Nagel 2019)"},
  };
  return all;
}

Status check_options(const QuantizeOptions& o) {
  const bool binary = o.weight_range == WeightRange::kBinary;
  if (o.weight_bits < (binary ? 1 : 2) || o.weight_bits > (binary ? 1 : 8)) {
    return option_error(fmt::format("weight_bits is {}; expected {}", o.weight_bits,
                                    binary ? "1, for binary weights" : "8 to 2"));
  }
  if (o.activation_bits != 16 && o.activation_bits != 8 && o.activation_bits != 4 &&
      o.activation_bits != 2) {
    return option_error(
        fmt::format("activation_bits is {}; expected 16, 8, 4 or 2", o.activation_bits));
  }
  if (o.budget_ram_bytes < 0) {
    return option_error(
        fmt::format("budget_ram_bytes is {}; expected 0 or more", o.budget_ram_bytes));
  }
  const bool may_be_wide = o.activation_bits == 16 || o.budget_ram_bytes > 0;
  if (may_be_wide && o.rounding == Rounding::kFloat) {
    return option_error("rounding is \"float\", which is XNNPACK's; it has no 16-bit activations");
  }
  if (o.group_size < 0) {
    return option_error(fmt::format("group_size is {}; expected 0 or more", o.group_size));
  }
  if (o.group_size > 0 &&
      (!o.per_channel || o.scales == ScaleKind::kPowerOfTwo || o.weight_bits > 4)) {
    return option_error("group_size goes with per_channel affine weights of at most 4 bits");
  }
  COPPICE_TRY_STATUS(check_name("recipe", o.recipe, recipes()));
  COPPICE_TRY_STATUS(check_name("mixed_solver", o.mixed_solver, mixed_precision_solvers()));
  COPPICE_TRY_STATUS(check_name("weight_rounding", o.weight_rounding, weight_roundings()));
  return check_name("bias_correction", o.bias_correction, bias_corrections());
}

Result<Graph> quantize(const Graph& graph, const Samples& calibration,
                       const QuantizeOptions& given) {
  COPPICE_TRY_STATUS(check_options(given));
  QuantizeOptions options = with_recipe(given);
  COPPICE_TRY_STATUS(check_not_quantized(graph));
  COPPICE_TRY(const Calibration* method, find_calibration(options.calibration));
  COPPICE_TRY_STATUS(check_samples(graph, calibration));
  MomentsByLayer moments = batch_norm_moments(graph);
  COPPICE_TRY(Graph result, fuse_for_inference(graph));
  for (Node& node : result.nodes) {
    for (Parameter& parameter : node.parameters) apply_mask(parameter);
  }
  if (options.budget_ram_bytes > 0) {
    COPPICE_TRY(options.activation_bits, widest_activations(result, options.budget_ram_bytes));
  }
  if (options.equalize) equalize(result, moments);
  const Graph reference = result;
  COPPICE_TRY(const auto ranges, calibrate(result, calibration, *method,
                                           {options.activation_bits, options.percentile}));
  const ActivationFormat activations{options.activation_bits, options.symmetric_activations,
                                     options.scales};
  COPPICE_TRY_STATUS(quantize_activations(result, ranges, activations));
  COPPICE_TRY(const auto formats, weight_formats(result, options));
  quantize_parameters(result, formats, options.per_channel, options.weight_scale);
  result.rounding = options.rounding;
  COPPICE_TRY_STATUS(refine(reference, moments, calibration, options, result));
  result.metadata["quantization"] = describe(options, calibration.size());
  return result;
}

Result<Graph> quantize(const Graph& graph, const data::Dataset& dataset,
                       const QuantizeOptions& options) {
  const int available = dataset.size(data::Split::kTrain);
  if (options.calibration_samples < 1 || available < 1) {
    return option_error(
        fmt::format("calibration takes {} of {} training samples of {}; expected at least 1",
                    options.calibration_samples, available, dataset.name()));
  }
  if (!(dataset.sample_shape() == graph.input_shape())) {
    return option_error(fmt::format("{} takes {}, but {} yields {}", graph.name,
                                    fmt::join(graph.input_shape(), "x"), dataset.name(),
                                    fmt::join(dataset.sample_shape(), "x")));
  }
  const std::vector<int> chosen =
      balanced_subset(dataset, options.calibration_samples, options.seed);
  QuantizeOptions mixed = with_recipe(options);
  COPPICE_TRY_STATUS(choose_layer_bits(graph, dataset, mixed));
  COPPICE_TRY(Graph result, quantize(graph, load_samples(dataset, chosen), mixed));
  if (!mixed.layer_bits.empty())
    result.metadata["layer_bits"] = fmt::format("{}", fmt::join(mixed.layer_bits, ","));
  result.metadata["calibration_indices"] = fmt::format("{}", fmt::join(chosen, ","));
  return result;
}

}  // namespace coppice::quant
