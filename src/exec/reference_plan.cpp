#include <algorithm>
#include <cassert>

#include "coppice/exec/plan.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/planner.h"
#include "coppice/kernels/quantize.h"
#include "exec/baseline_layer.h"
#include "exec/layer.h"
#include "exec/plans.h"

namespace coppice::exec {
namespace {

// Memory in whole cache lines.
struct alignas(64) CacheLine {
  std::byte bytes[64];
};

class ReferencePlan final : public Plan {
 public:
  ReferencePlan(Graph graph, MemoryPlan memory)
      : graph_(std::move(graph)),
        memory_(std::move(memory)),
        integer_(graph_.quantized()),
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

  void run(std::span<const float> input, std::span<float> output) override {
    load(input);
    for (const Layer& layer : layers_) layer(arena());
    store(output);
  }

  void run_int8(std::span<const int8_t> input, std::span<int8_t> output) override {
    assert(integer_);
    assert(static_cast<int64_t>(input.size()) == graph_.input_shape().elements());
    assert(static_cast<int64_t>(output.size()) == graph_.output_shape().elements());
    std::copy(input.begin(), input.end(), data<int8_t>(graph_.input));
    for (const Layer& layer : layers_) layer(arena());
    std::copy_n(data<int8_t>(graph_.output), output.size(), output.begin());
  }

  void run_observed(std::span<const float> input, std::span<float> output,
                    const Observer& observer) override {
    load(input);
    observe(graph_.input, observer);
    for (size_t i = 0; i < layers_.size(); ++i) {
      layers_[i](arena());
      observe(graph_.nodes[i].output, observer);
    }
    store(output);
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
  template <class T>
  T* data(int tensor) {
    return reinterpret_cast<T*>(arena() + offset(tensor));
  }
  const ActivationQuantization& quantization(int tensor) const {
    return *graph_.tensors[static_cast<size_t>(tensor)].quantization;
  }

  void load(std::span<const float> input) {
    assert(static_cast<int64_t>(input.size()) == graph_.input_shape().elements());
    if (!integer_) {
      std::copy(input.begin(), input.end(), data<float>(graph_.input));
      return;
    }
    const auto& q = quantization(graph_.input);
    std::transform(input.begin(), input.end(), data<int8_t>(graph_.input), [&](float value) {
      return static_cast<int8_t>(kernels::quantize_value(value, q.scale, q.zero_point, -128, 127));
    });
  }

  void store(std::span<float> output) {
    assert(static_cast<int64_t>(output.size()) == graph_.output_shape().elements());
    if (!integer_) {
      std::copy_n(data<float>(graph_.output), output.size(), output.begin());
      return;
    }
    const auto& q = quantization(graph_.output);
    std::transform(
        data<int8_t>(graph_.output), data<int8_t>(graph_.output) + output.size(), output.begin(),
        [&](int8_t value) { return kernels::dequantize_value(value, q.scale, q.zero_point); });
  }

  void observe(int tensor, const Observer& observer) {
    const auto elements =
        static_cast<size_t>(graph_.tensors[static_cast<size_t>(tensor)].shape.elements());
    Observation observation;
    observation.tensor = tensor;
    if (integer_) {
      observation.integer = {data<int8_t>(tensor), elements};
    } else {
      observation.real = {data<float>(tensor), elements};
    }
    observer(observation);
  }

  Graph graph_;
  MemoryPlan memory_;
  bool integer_;
  std::vector<CacheLine> arena_;
  std::vector<Layer> layers_;
  std::vector<LayerChoice> choices_;
};

}  // namespace

Result<std::unique_ptr<Plan>> make_reference_plan(Graph graph, Executor executor) {
  MemoryPlan memory = plan_memory(graph);
  auto plan = std::make_unique<ReferencePlan>(std::move(graph), std::move(memory));
  COPPICE_TRY_STATUS(plan->add_layers(executor));
  return std::unique_ptr<Plan>(std::move(plan));
}

}  // namespace coppice::exec
