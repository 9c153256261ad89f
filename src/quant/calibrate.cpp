#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "coppice/quant/calibration.h"

namespace coppice::quant {
namespace {

size_t index_of(int i) { return static_cast<size_t>(i); }

// The layer that writes a tensor, for messages.
std::string producer_name(const Graph& graph, int tensor) {
  for (const Node& node : graph.nodes) {
    if (node.output == tensor) return fmt::format("layer \"{}\" ({})", node.name, op_name(node.op));
  }
  return "the input";
}

// A calibrator for each tensor of a graph, fed sample by sample.
class GraphWatcher {
 public:
  GraphWatcher(const Graph& graph, const Calibration& calibration, const RangeOptions& options)
      : graph_(graph), output_(index_of(static_cast<int>(graph.output_shape().elements()))) {
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
      calibrators_.push_back(calibration.make(options));
    }
  }

  Status watch(exec::Plan& plan, const std::vector<float>& sample, size_t number) {
    int broken = -1;
    plan.run_observed(sample, output_, [&](const exec::Observation& seen) {
      calibrators_[index_of(seen.tensor)]->see(seen.real);
      const bool finite =
          std::all_of(seen.real.begin(), seen.real.end(), [](float v) { return std::isfinite(v); });
      if (!finite && broken < 0) broken = seen.tensor;
    });
    if (broken < 0) return {};
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {} gives values that are not finite on calibration sample {}",
                             graph_.name, producer_name(graph_, broken), number)};
  }

  std::vector<Range> ranges() const {
    std::vector<Range> ranges;
    for (const auto& calibrator : calibrators_) ranges.push_back(calibrator->range());
    return ranges;
  }

 private:
  const Graph& graph_;
  std::vector<float> output_;
  std::vector<std::unique_ptr<Calibrator>> calibrators_;
};

ConvergencePoint compare(const std::vector<Range>& ranges, const std::vector<Range>& last,
                         int samples) {
  ConvergencePoint point;
  point.samples = samples;
  for (size_t i = 0; i < ranges.size(); ++i) {
    const double width = double{last[i].max} - double{last[i].min};
    if (width <= 0) continue;
    const double deviation = (std::abs(double{ranges[i].min} - double{last[i].min}) +
                              std::abs(double{ranges[i].max} - double{last[i].max})) /
                             width;
    point.mean_deviation += deviation / static_cast<double>(ranges.size());
    if (deviation < point.worst_deviation) continue;
    point.worst_deviation = deviation;
    point.worst_tensor = static_cast<int>(i);
  }
  return point;
}

}  // namespace

std::vector<int> balanced_subset(const data::Dataset& dataset, int count, uint64_t seed) {
  const int available = dataset.size(data::Split::kTrain);
  Random random(seed, "calibration");
  std::vector<std::vector<int>> by_class(dataset.class_names().size());
  for (const int index : random_permutation(available, random)) {
    by_class[index_of(dataset.label(data::Split::kTrain, index))].push_back(index);
  }
  std::vector<int> chosen;
  const int wanted = std::min(count, available);
  for (size_t round = 0; static_cast<int>(chosen.size()) < wanted; ++round) {
    for (const auto& members : by_class) {
      if (round < members.size() && static_cast<int>(chosen.size()) < wanted)
        chosen.push_back(members[round]);
    }
  }
  return chosen;
}

Samples load_samples(const data::Dataset& dataset, const std::vector<int>& indices) {
  Samples samples;
  for (const int index : indices) {
    samples.emplace_back(index_of(static_cast<int>(dataset.sample_shape().elements())));
    dataset.sample(data::Split::kTrain, index, data::kNotAugmented, samples.back());
  }
  return samples;
}

Result<std::vector<Range>> calibrate(const Graph& fused, const Samples& samples,
                                     const Calibration& calibration, const RangeOptions& options) {
  // Compiling a fused graph leaves its tensors as they are, so the indices are the same.
  COPPICE_TRY(const auto plan, exec::compile(fused));
  GraphWatcher watcher(fused, calibration, options);
  for (size_t i = 0; i < samples.size(); ++i) {
    COPPICE_TRY_STATUS(watcher.watch(*plan, samples[i], i));
  }
  return watcher.ranges();
}

Result<std::vector<ConvergencePoint>> range_convergence(const Graph& fused, const Samples& samples,
                                                        const Calibration& calibration,
                                                        const RangeOptions& options) {
  COPPICE_TRY(const auto plan, exec::compile(fused));
  GraphWatcher watcher(fused, calibration, options);
  std::vector<std::pair<int, std::vector<Range>>> seen;
  for (size_t i = 0; i < samples.size(); ++i) {
    COPPICE_TRY_STATUS(watcher.watch(*plan, samples[i], i));
    const size_t count = i + 1;
    if ((count & (count - 1)) == 0 || count == samples.size())
      seen.emplace_back(static_cast<int>(count), watcher.ranges());
  }
  std::vector<ConvergencePoint> curve;
  for (const auto& entry : seen) {
    curve.push_back(compare(entry.second, seen.back().second, entry.first));
  }
  return curve;
}

}  // namespace coppice::quant
