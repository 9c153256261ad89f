#include "coppice/quant/ladder.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "coppice/graph/fold.h"
#include "coppice/train/fit.h"

namespace coppice::quant {
namespace {

struct Step {
  const char* name;
  void (*add)(QuantizeOptions&);
};

constexpr Step kSteps[] = {
    {"batch norms folded, one scale a tensor", [](QuantizeOptions&) {}},
    {"a scale for each channel", [](QuantizeOptions& o) { o.per_channel = true; }},
    {"weight scales of least error",
     [](QuantizeOptions& o) { o.weight_scale = WeightScale::kMse; }},
    {"activation ranges of least error", [](QuantizeOptions& o) { o.calibration = "mse"; }},
    {"cross-layer equalization", [](QuantizeOptions& o) { o.equalize = true; }},
    {"bias correction, analytic", [](QuantizeOptions& o) { o.bias_correction = "analytic"; }},
    {"bias correction, empirical", [](QuantizeOptions& o) { o.bias_correction = "empirical"; }},
    {"AdaRound", [](QuantizeOptions& o) { o.weight_rounding = "adaround"; }},
    {"GPTQ", [](QuantizeOptions& o) { o.weight_rounding = "gptq"; }},
};

QuantizeOptions lowest_rung(QuantizeOptions options) {
  options.recipe = "custom";
  options.per_channel = false;
  options.group_size = 0;
  options.weight_scale = WeightScale::kMax;
  options.calibration = "minmax";
  options.equalize = false;
  options.bias_correction = "none";
  options.weight_rounding = "nearest";
  return options;
}

class Climber {
 public:
  Climber(const Graph& graph, const data::Dataset& dataset) : graph_(graph), dataset_(dataset) {
    constexpr int kSamples = 256;
    const int count = std::min(kSamples, dataset.size(data::Split::kValidation));
    for (int i = 0; i < count; ++i) {
      samples_.emplace_back(static_cast<size_t>(dataset.sample_shape().elements()));
      dataset.sample(data::Split::kValidation, i, data::kNotAugmented, samples_.back());
    }
  }

  Result<Rung> look(const Graph& model, std::string step, const QuantizeOptions& options) {
    COPPICE_TRY(const auto logits, logits_of(model, samples_));
    if (reference_.empty()) reference_ = logits;
    COPPICE_TRY(const auto evaluation, train::evaluate(model, dataset_, data::Split::kValidation));
    return Rung{std::move(step),
                options,
                evaluation.accuracy(),
                evaluation.loss,
                compare_logits(reference_, logits),
                0};
  }

  Result<Rung> climb(const Step& step, const QuantizeOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    COPPICE_TRY(const Graph model, quantize(graph_, dataset_, options));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    COPPICE_TRY(Rung rung, look(model, step.name, options));
    rung.seconds = elapsed.count();
    return rung;
  }

 private:
  const Graph& graph_;
  const data::Dataset& dataset_;
  Samples samples_, reference_;
};

}  // namespace

Result<std::vector<Rung>> climb(const Graph& graph, const data::Dataset& dataset,
                                const QuantizeOptions& options,
                                const std::function<void(const Rung&)>& on_rung) {
  if (dataset.size(data::Split::kValidation) == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 dataset.name() + ": the ladder is judged on validation samples; there are none"};
  }
  Climber climber(graph, dataset);
  std::vector<Rung> rungs;
  const auto add = [&](Rung rung) {
    rungs.push_back(std::move(rung));
    if (on_rung) on_rung(rungs.back());
  };
  COPPICE_TRY(Rung start, climber.look(graph, "float", {}));
  add(std::move(start));
  QuantizeOptions kept = lowest_rung(options);
  // Accuracy on a few hundred samples moves by whole samples; the loss tells finer.
  double best = std::numeric_limits<double>::infinity();
  for (const Step& step : kSteps) {
    QuantizeOptions next = kept;
    step.add(next);
    COPPICE_TRY(Rung rung, climber.climb(step, next));
    if (rung.loss <= best) {
      best = rung.loss;
      kept = next;
    }
    add(std::move(rung));
  }
  return rungs;
}

}  // namespace coppice::quant
