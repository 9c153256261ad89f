#include "coppice/quant/qat.h"

#include <fmt/format.h>

#include <algorithm>

#include "coppice/graph/scheme.h"

namespace coppice::quant {
namespace {

/// Quantizes the weights anew, from the float values that training has reached, with at least
/// `bits`.
void set_least_bits(Graph& graph, const std::vector<WeightFormat>& formats, int bits) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    WeightFormat format = formats[n];
    if (format.bits < bits) {
      format.bits = bits;
      if (format.range == WeightRange::kBinary) format.range = WeightRange::kNarrow;
    }
    if (format.bits == weight->quantized->used_bits()) continue;
    Parameter* bias = node.parameter("bias");
    const int axis = weight->quantized->axis;
    const auto& x = *graph.tensors[static_cast<size_t>(node.inputs[0])].quantization;
    const auto lowest = min_weight_scales(*weight, bias, x.scale, axis);
    quantize_weight(*weight, format, axis,
                    choose_weight_scales(*weight, format, axis, WeightScale::kMse, lowest));
    if (bias != nullptr) quantize_bias(*bias, x.scale, weight->quantized->scales);
  }
}

std::vector<WeightFormat> formats_of(const Graph& graph) {
  std::vector<WeightFormat> formats;
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    formats.emplace_back();
    if (weight == nullptr) continue;
    const QuantizedValues& q = *weight->quantized;
    formats.back() = {q.used_bits(), q.range, ScaleKind::kAffine, q.group_size};
  }
  return formats;
}

void append(train::FitReport& all, train::FitReport stage) {
  const int before = static_cast<int>(all.epochs.size());
  for (train::EpochReport& epoch : stage.epochs) {
    epoch.epoch += before;
    all.epochs.push_back(epoch);
  }
  all.best_epoch = before + stage.best_epoch;
}

}  // namespace

Result<train::FitReport> train_in_stages(Graph& quantized, const data::Dataset& dataset,
                                         const train::TrainOptions& options,
                                         const std::vector<int>& stages,
                                         const train::TrainCallbacks& callbacks,
                                         const Graph* teacher) {
  if (!quantized.quantized()) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{} is float; quantize it before it is trained for integers", quantized.name)};
  }
  const std::vector<WeightFormat> formats = formats_of(quantized);
  const int share = options.epochs / (static_cast<int>(stages.size()) + 1);
  train::FitReport report;
  for (size_t s = 0; s < stages.size(); ++s) {
    train::TrainOptions stage = options;
    stage.epochs = share;
    if (!stage.checkpoint.empty()) stage.checkpoint += fmt::format(".stage{}", s);
    set_least_bits(quantized, formats, stages[s]);
    COPPICE_TRY(auto done, train::fit(quantized, dataset, stage, callbacks, {teacher, nullptr}));
    append(report, std::move(done));
  }
  train::TrainOptions last = options;
  last.epochs = options.epochs - share * static_cast<int>(stages.size());
  set_least_bits(quantized, formats, 1);
  COPPICE_TRY(auto done, train::fit(quantized, dataset, last, callbacks, {teacher, nullptr}));
  append(report, std::move(done));
  for (size_t s = 0; s < stages.size() && !options.checkpoint.empty(); ++s) {
    std::error_code ignored;
    auto path = options.checkpoint;
    std::filesystem::remove(path += fmt::format(".stage{}", s), ignored);
  }
  return report;
}

}  // namespace coppice::quant
