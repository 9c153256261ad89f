#include "coppice/quant/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/quant/calibration.h"
#include "coppice/quant/scheme.h"

namespace coppice::quant {
namespace {

Error option_error(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

size_t index_of(int i) { return static_cast<size_t>(i); }

Status check_options(const Graph& graph, const QuantizeOptions& options) {
  if (options.weight_bits != 8 && options.weight_bits != 4 && options.weight_bits != 2) {
    return option_error(fmt::format("weight_bits is {}; expected 8, 4 or 2", options.weight_bits));
  }
  if (options.activation_bits != 8) {
    return option_error(fmt::format("activation_bits is {}; expected 8", options.activation_bits));
  }
  for (const TensorInfo& tensor : graph.tensors) {
    if (tensor.quantization)
      return option_error(fmt::format("{} is quantized already", graph.name));
  }
  return {};
}

// The layer that writes a tensor, for messages.
std::string producer_name(const Graph& graph, int tensor) {
  for (const Node& node : graph.nodes) {
    if (node.output == tensor) return fmt::format("layer \"{}\" ({})", node.name, op_name(node.op));
  }
  return "the input";
}

/// Runs the float plan over the samples and returns each tensor's range.
Result<std::vector<Range>> calibrate(const Graph& graph,
                                     const std::vector<std::vector<float>>& samples,
                                     const Calibration& calibration) {
  COPPICE_TRY(const auto plan, exec::compile(graph));
  // Compiling a fused graph leaves its tensors as they are, so the indices are the same.
  std::vector<std::unique_ptr<Calibrator>> calibrators;
  for (size_t i = 0; i < graph.tensors.size(); ++i) calibrators.push_back(calibration.make());
  int broken = -1;
  const auto observer = [&](const exec::Observation& seen) {
    calibrators[index_of(seen.tensor)]->see(seen.real);
    const bool finite =
        std::all_of(seen.real.begin(), seen.real.end(), [](float v) { return std::isfinite(v); });
    if (!finite && broken < 0) broken = seen.tensor;
  };
  std::vector<float> output(index_of(static_cast<int>(graph.output_shape().elements())));
  for (size_t i = 0; i < samples.size(); ++i) {
    plan->run_observed(samples[i], output, observer);
    if (broken >= 0) {
      return option_error(
          fmt::format("{}: {} gives values that are not finite on calibration sample {}",
                      graph.name, producer_name(graph, broken), i));
    }
  }
  std::vector<Range> ranges;
  for (const auto& calibrator : calibrators) ranges.push_back(calibrator->range());
  return ranges;
}

/// Gives each tensor its quantization; tensors of a sharing group get one that spans all of them.
Status quantize_activations(Graph& graph, const std::vector<Range>& ranges) {
  const std::vector<int> groups = sharing_groups(graph);
  std::vector<Range> spans(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    Range& span = spans[index_of(groups[i])];
    span.min = std::min(span.min, ranges[i].min);
    span.max = std::max(span.max, ranges[i].max);
  }
  for (size_t i = 0; i < ranges.size(); ++i) {
    graph.tensors[i].quantization = choose_activation(spans[index_of(groups[i])]);
  }
  for (const Node& node : graph.nodes) {
    if (!std::holds_alternative<Softmax>(node.op)) continue;
    const int group = groups[index_of(node.output)];
    const Range& span = spans[index_of(group)];
    if (span.min < 0.0f || span.max > 1.001f) {
      return option_error(
          fmt::format("{}: layer \"{}\" (softmax) shares its quantization, 1/256, with "
                      "tensors that reach from {} to {}",
                      graph.name, node.name, span.min, span.max));
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] == group)
        graph.tensors[i].quantization = ActivationQuantization{8, 1.0f / 256.0f, -128};
    }
  }
  return {};
}

/// Quantizes the weights and the bias of a layer for the scale of its input.
void quantize_parameters(Node& node, float x_scale, const QuantizeOptions& options) {
  Parameter* weight = node.parameter("weight");
  if (weight == nullptr) return;
  Parameter* bias = node.parameter("bias");
  const int axis = options.per_channel ? channel_axis(node.op) : -1;
  apply_mask(*weight);
  if (bias != nullptr) apply_mask(*bias);
  quantize_weight(*weight, options.weight_bits, axis,
                  min_weight_scales(*weight, bias, x_scale, axis));
  if (bias != nullptr) quantize_bias(*bias, x_scale, weight->quantized->scales);
}

}  // namespace

Result<Graph> quantize(const Graph& graph, const std::vector<std::vector<float>>& calibration,
                       const QuantizeOptions& options) {
  COPPICE_TRY_STATUS(check_options(graph, options));
  COPPICE_TRY(const Calibration* method, find_calibration(options.calibration));
  if (calibration.empty())
    return option_error("quantization needs at least one calibration sample");
  const auto elements = index_of(static_cast<int>(graph.input_shape().elements()));
  for (const auto& sample : calibration) {
    if (sample.size() != elements) {
      return option_error(fmt::format("{}: a calibration sample has {} values, the input {} has {}",
                                      graph.name, sample.size(),
                                      fmt::join(graph.input_shape(), "x"), elements));
    }
  }
  COPPICE_TRY(Graph result, fuse_for_inference(graph));
  COPPICE_TRY(const std::vector<Range> ranges, calibrate(result, calibration, *method));
  COPPICE_TRY_STATUS(quantize_activations(result, ranges));
  for (Node& node : result.nodes) {
    quantize_parameters(node, result.tensors[index_of(node.inputs[0])].quantization->scale,
                        options);
  }
  result.rounding = options.rounding;
  result.metadata["quantization"] = fmt::format(
      "weight_bits={} activation_bits={} per_channel={} calibration={} samples={} seed={}",
      options.weight_bits, options.activation_bits, options.per_channel, options.calibration,
      calibration.size(), options.seed);
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
  Random random(options.seed, "calibration");
  std::vector<int> chosen = random_permutation(available, random);
  chosen.resize(index_of(std::min(available, options.calibration_samples)));
  std::vector<std::vector<float>> samples;
  for (const int index : chosen) {
    samples.emplace_back(index_of(static_cast<int>(dataset.sample_shape().elements())));
    dataset.sample(data::Split::kTrain, index, data::kNotAugmented, samples.back());
  }
  return quantize(graph, samples, options);
}

}  // namespace coppice::quant
