#include <algorithm>

#include "coppice/graph/cost.h"
#include "coppice/graph/planner.h"
#include "exec/baseline_layer.h"
#include "exec/layer.h"
#include "exec/plans.h"
#include "exec/typed_plan.h"

namespace coppice::exec {
namespace {

// Memory in whole cache lines.
struct alignas(64) CacheLine {
  std::byte bytes[64];
};

template <class Value>
class ReferencePlan final : public TypedPlan<Value> {
 public:
  ReferencePlan(Graph graph, MemoryPlan memory)
      : TypedPlan<Value>(graph),
        graph_(std::move(graph)),
        memory_(std::move(memory)),
        arena_(static_cast<size_t>(memory_.arena_bytes + 63) / sizeof(CacheLine)) {}

  Status add_layers(Executor executor) {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      LayerContext context{graph_, node, {}, offset(node.output)};
      for (const int input : node.inputs) context.inputs.push_back(offset(input));
      const bool skips = is_baseline(executor) && node.parameter("weight") != nullptr;
      COPPICE_TRY(CompiledLayer layer,
                  skips ? make_baseline_layer(context, executor) : make_reference_layer(context));
      layers_.push_back(std::move(layer.run));
      const int64_t macs = dense_macs(graph_, node);
      choices_.push_back({node.name, std::string(op_name(node.op)), std::move(layer.kernel),
                          std::move(layer.reason), macs, executed_macs(macs, layer.executed_share),
                          layer.packed_bytes, Isa::kScalar, false});
    }
    // The layers hold their own packed copies.
    for (Node& node : graph_.nodes) node.parameters.clear();
    return {};
  }

  void run_layer(size_t index) override { layers_[index](arena()); }

  const Graph& graph() const override { return graph_; }
  const std::vector<LayerChoice>& choices() const override { return choices_; }
  int64_t arena_bytes() const override { return memory_.arena_bytes; }

 private:
  std::byte* arena() { return arena_.empty() ? nullptr : arena_.front().bytes; }
  int64_t offset(int tensor) const {
    return memory_.placements[static_cast<size_t>(tensor)].offset;
  }
  Value* data(int tensor) { return reinterpret_cast<Value*>(arena() + offset(tensor)); }

  void load(const Value* input) override {
    std::copy_n(input, graph_.input_shape().elements(), data(graph_.input));
  }
  void store(int tensor, Value* output) override {
    std::copy_n(data(tensor), graph_.tensors[static_cast<size_t>(tensor)].shape.elements(), output);
  }

  Graph graph_;
  MemoryPlan memory_;
  std::vector<CacheLine> arena_;
  std::vector<Layer> layers_;
  std::vector<LayerChoice> choices_;
};

template <class Value>
Result<std::unique_ptr<Plan>> make(Graph graph, Executor executor) {
  MemoryPlan memory = plan_memory(graph);
  auto plan = std::make_unique<ReferencePlan<Value>>(std::move(graph), std::move(memory));
  COPPICE_TRY_STATUS(plan->add_layers(executor));
  return std::unique_ptr<Plan>(std::move(plan));
}

}  // namespace

Result<std::unique_ptr<Plan>> make_reference_plan(Graph graph, Executor executor) {
  if (graph.wide()) return make<int16_t>(std::move(graph), executor);
  if (graph.quantized()) return make<int8_t>(std::move(graph), executor);
  return make<float>(std::move(graph), executor);
}

}  // namespace coppice::exec
