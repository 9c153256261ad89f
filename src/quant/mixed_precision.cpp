#include "coppice/quant/mixed_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "coppice/exec/latency.h"
#include "coppice/graph/fold.h"
#include "quant/layer_access.h"

namespace coppice::quant {
namespace {

Error over_budget(double least, double budget) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the budget is {:g}; the fewest bits already take {:g}", budget, least)};
}

double cheapest(const LayerChoices& layer) {
  double least = std::numeric_limits<double>::infinity();
  for (const Choice& choice : layer.choices) least = std::min(least, choice.price);
  return least;
}

// Leaves those that are not beaten, by price.
void keep_front(std::vector<Assignment>& all) {
  std::sort(all.begin(), all.end(), [](const Assignment& a, const Assignment& b) {
    return a.price != b.price ? a.price < b.price : a.loss < b.loss;
  });
  double least = std::numeric_limits<double>::infinity();
  const auto beaten = [&](const Assignment& entry) {
    if (entry.loss >= least) return true;
    least = entry.loss;
    return false;
  };
  std::vector<Assignment> front;
  for (Assignment& entry : all) {
    if (!beaten(entry)) front.push_back(std::move(entry));
  }
  all = std::move(front);
}

// Time of one layer of a quantized graph alone.
Result<double> layer_microseconds(const Graph& graph, const Node& node) {
  Graph alone;
  alone.name = graph.name;
  alone.rounding = graph.rounding;
  alone.tensors = {graph.tensors[at(node.inputs[0])], graph.tensors[at(node.output)]};
  alone.nodes = {node};
  alone.nodes[0].inputs = {0};
  alone.nodes[0].output = 1;
  alone.input = 0;
  alone.output = 1;
  exec::Options options;
  options.executor = exec::Executor::kDense;
  COPPICE_TRY(const auto plan, exec::compile(alone, options));
  return exec::measure_latency(*plan).median_us;
}

}  // namespace

Result<Assignment> assign_exactly(const std::vector<LayerChoices>& layers, double budget) {
  // What the layers still to come take at least.
  double rest = 0;
  for (const LayerChoices& layer : layers) rest += cheapest(layer);
  if (rest > budget) return over_budget(rest, budget);
  std::vector<Assignment> front(1);
  for (const LayerChoices& layer : layers) {
    rest -= cheapest(layer);
    std::vector<Assignment> next;
    for (const Assignment& before : front) {
      for (const Choice& choice : layer.choices) {
        if (before.price + choice.price + rest > budget * (1.0 + 1e-12)) continue;
        Assignment entry = before;
        entry.bits.push_back(choice.bits);
        entry.price += choice.price;
        entry.loss += choice.loss;
        next.push_back(std::move(entry));
      }
    }
    keep_front(next);
    front = std::move(next);
  }
  return front.back();
}

Result<Assignment> assign_greedily(const std::vector<LayerChoices>& layers, double budget) {
  std::vector<const Choice*> current;
  double price = 0, least = 0;
  for (const LayerChoices& layer : layers) {
    current.push_back(
        &*std::max_element(layer.choices.begin(), layer.choices.end(),
                           [](const Choice& a, const Choice& b) { return a.price < b.price; }));
    price += current.back()->price;
    least += cheapest(layer);
  }
  if (least > budget) return over_budget(least, budget);
  while (price > budget * (1.0 + 1e-12)) {
    size_t best_layer = 0;
    const Choice* best = nullptr;
    double best_rate = std::numeric_limits<double>::infinity();
    for (size_t l = 0; l < layers.size(); ++l) {
      for (const Choice& choice : layers[l].choices) {
        const double saved = current[l]->price - choice.price;
        if (saved <= 0) continue;
        const double rate = (choice.loss - current[l]->loss) / saved;
        if (best == nullptr || rate < best_rate) best_rate = rate, best = &choice, best_layer = l;
      }
    }
    price += best->price - current[best_layer]->price;
    current[best_layer] = best;
  }
  Assignment result;
  for (const Choice* choice : current) {
    result.bits.push_back(choice->bits);
    result.price += choice->price;
    result.loss += choice->loss;
  }
  return result;
}

Result<std::vector<LayerChoices>> choices_of(const Graph& graph, const data::Dataset& dataset,
                                             const SensitivityOptions& options, Budget budget) {
  COPPICE_TRY(const auto scan, scan_sensitivity(graph, dataset, options));
  std::vector<LayerChoices> layers;
  for (const LayerSensitivity& entry : scan) {
    if (layers.empty() || layers.back().layer != entry.layer) layers.push_back({entry.layer, {}});
    layers.back().choices.push_back({entry.bits, static_cast<double>(entry.weight_bytes),
                                     std::max(0.0, entry.alone.fidelity.divergence)});
  }
  if (budget == Budget::kBytes) return layers;
  for (size_t b = 0; b < options.bits.size(); ++b) {
    QuantizeOptions quantize = options.quantize;
    quantize.weight_bits = options.bits[b];
    COPPICE_TRY(const Graph model, quant::quantize(graph, dataset, quantize));
    for (LayerChoices& layer : layers) {
      COPPICE_TRY(layer.choices[b].price, layer_microseconds(model, *model.find(layer.layer)));
    }
  }
  return layers;
}

std::vector<std::string> layer_bits_of(const std::vector<LayerChoices>& layers,
                                       const Assignment& assignment) {
  std::vector<std::string> texts;
  for (size_t l = 0; l < layers.size(); ++l) {
    texts.push_back(fmt::format("{}={}", layers[l].layer, assignment.bits[l]));
  }
  return texts;
}

const std::vector<Listed>& mixed_precision_solvers() {
  static const std::vector<Listed> all = {
      {"exact", "least sum of the layers' losses within the budget, by dynamic programming"},
      {"greedy", "again and again the step down that loses least for what it saves"},
  };
  return all;
}

Status choose_layer_bits(const Graph& graph, const data::Dataset& dataset,
                         QuantizeOptions& options) {
  const bool timed = options.budget_us > 0;
  if (!timed && options.budget_bytes <= 0) return {};
  SensitivityOptions scan;
  scan.bits = options.mixed_bits;
  scan.quantize = options;
  scan.quantize.budget_bytes = 0;
  scan.quantize.budget_us = 0;
  scan.quantize.equalize = false;
  scan.quantize.weight_rounding = "nearest";
  scan.quantize.bias_correction = "none";
  COPPICE_TRY(const auto layers,
              choices_of(graph, dataset, scan, timed ? Budget::kMicroseconds : Budget::kBytes));
  const double budget =
      timed ? double{options.budget_us} : static_cast<double>(options.budget_bytes);
  COPPICE_TRY(const Assignment chosen, options.mixed_solver == "greedy"
                                           ? assign_greedily(layers, budget)
                                           : assign_exactly(layers, budget));
  options.layer_bits = layer_bits_of(layers, chosen);
  return {};
}

}  // namespace coppice::quant
