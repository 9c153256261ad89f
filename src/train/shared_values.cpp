#include "coppice/train/shared_values.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string_view>

#include "coppice/core/random.h"
#include "coppice/graph/scheme.h"

namespace coppice::train {

void project(const SharedLayer& layer, float* weights) {
  std::vector<double> sums(static_cast<size_t>(layer.values), 0.0), counts(sums);
  for (size_t i = 0; i < layer.shared.size(); ++i) {
    if (layer.shared[i] < 0) continue;
    const auto shared = static_cast<size_t>(layer.shared[i]);
    sums[shared] += double{layer.signs[i]} * weights[i];
    counts[shared] += 1;
  }
  for (size_t i = 0; i < layer.shared.size(); ++i) {
    if (layer.shared[i] < 0) continue;
    const auto shared = static_cast<size_t>(layer.shared[i]);
    weights[i] = layer.signs[i] * static_cast<float>(sums[shared] / counts[shared]);
  }
}

void project(Graph& graph, const std::vector<SharedLayer>& layers) {
  for (const SharedLayer& layer : layers) {
    project(layer, graph.nodes[layer.node].parameter("weight")->value.data());
  }
}

std::string fingerprint_of(const SharedLayer& layer) {
  const auto bytes_of = [](const auto& values) {
    return std::string_view(reinterpret_cast<const char*>(values.data()),
                            values.size() * sizeof(values[0]));
  };
  return fmt::format(" shared {}:{:016x}:{:016x}", layer.node, hash_name(bytes_of(layer.shared)),
                     hash_name(bytes_of(layer.signs)));
}

std::vector<SharedLayer> find_shared(const Graph& quantized) {
  std::vector<SharedLayer> layers;
  for (size_t n = 0; n < quantized.nodes.size(); ++n) {
    const Node& node = quantized.nodes[n];
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr || !weight->quantized || dequantize(*weight) == weight->value) continue;
    SharedLayer layer{n, std::vector<int>(weight->value.size(), -1),
                      std::vector<float>(weight->value.size(), 1.0f), 0};
    std::map<float, int> numbers;  // By magnitude.
    int kept = 0;
    for (size_t i = 0; i < weight->value.size(); ++i) {
      const float value = weight->value[i];
      if (!is_kept(*weight, i) || value == 0.0f) continue;
      ++kept;
      layer.signs[i] = value < 0.0f ? -1.0f : 1.0f;
      const auto entry = numbers.emplace(std::abs(value), layer.values);
      if (entry.second) ++layer.values;
      layer.shared[i] = entry.first->second;
    }
    const int repeats = kept - layer.values;
    if (repeats > 0 && repeats >= kept / 20) layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace coppice::train
