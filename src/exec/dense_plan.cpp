#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "coppice/core/thread_pool.h"
#include "coppice/graph/cost.h"
#include "coppice/kernels/quantize.h"
#include "exec/dense_layer.h"
#include "exec/image_copy.h"
#include "exec/pixels_read.h"
#include "exec/plans.h"

namespace coppice::exec {
namespace {

// Memory in whole cache lines.
struct alignas(64) CacheLine {
  std::byte bytes[64];
};

// Below this a second thread costs more than it brings: waking it takes about a microsecond.
constexpr int64_t kMacsWorthThreads = 200'000;

// T: uint8_t for integer graphs, float.
template <class T>
class DensePlan final : public Plan {
 public:
  using Value = DenseValue<T>;
  static constexpr bool kInteger = std::is_same_v<T, uint8_t>;

  DensePlan(Graph graph, Isa isa, int threads, Executor executor)
      : graph_(std::move(graph)),
        placement_(place_tensors(graph_, sizeof(T))),
        memory_(static_cast<size_t>(placement_.bytes) / sizeof(CacheLine)),
        ops_(image_ops_for<T>(isa)),
        isa_(isa),
        executor_(executor) {
    if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads);
    int64_t largest = 0;
    for (const TensorInfo& tensor : graph_.tensors)
      largest = std::max(largest, tensor.shape.elements());
    staging_.resize(static_cast<size_t>(largest));
    fill_borders();
  }

  Status add_layers() {
    const std::vector<Size2> read = pixels_read(graph_);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      DenseContext context{graph_, node,     {}, place(node.output), placement_.copies[i],
                           isa_,   executor_};
      context.memory = memory();
      for (const int input : node.inputs) context.inputs.push_back(place(input));
      COPPICE_TRY(DenseLayer layer, make_dense_layer<T>(context));
      const int64_t macs = dense_macs(graph_, node);
      const OutputPart whole{{0, layer.rows}, layer.columns};
      const OutputPart part{{0, std::min(layer.rows, read[i].h)},
                            std::min(layer.columns, read[i].w)};
      if (part.end < whole.end || part.columns < whole.columns) {
        const int width = context.output.width;
        layer.reason += fmt::format("; {}x{} of {}x{} pixels, no layer reads the rest", part.end,
                                    part.columns == 0 ? width : part.columns, whole.end, width);
      }
      choices_.push_back({node.name, std::string(op_name(node.op)), layer.kernel, layer.reason,
                          macs, executed_macs(macs, layer.executed_share), layer.packed_bytes,
                          layer.isa, layer.fallback});
      const bool shared = pool_ != nullptr && macs >= kMacsWorthThreads && !layer.fallback;
      layers_.push_back({std::move(layer.run), whole, part, shared && part.end > 1});
    }
    // The layers hold their own packed copies.
    for (Node& node : graph_.nodes) node.parameters.clear();
    return {};
  }

  void run(std::span<const float> input, std::span<float> output) override {
    load_real(input);
    for (const Layer& layer : layers_) run_layer(layer);
    store_real(output);
  }

  void run_int8([[maybe_unused]] std::span<const int8_t> input,
                [[maybe_unused]] std::span<int8_t> output) override {
    assert(kInteger);
    assert(static_cast<int64_t>(input.size()) == graph_.input_shape().elements());
    assert(static_cast<int64_t>(output.size()) == graph_.output_shape().elements());
    if constexpr (kInteger) {
      load(input.data());
      for (const Layer& layer : layers_) run_layer(layer);
      store(graph_.output, output.data());
    }
  }

  void run_observed(std::span<const float> input, std::span<float> output,
                    const Observer& observer) override {
    load_real(input);
    observe(graph_.input, observer);
    for (size_t i = 0; i < layers_.size(); ++i) {
      run_part(layers_[i], layers_[i].whole);
      observe(graph_.nodes[i].output, observer);
    }
    store_real(output);
  }

  void run_layer(size_t index) override { run_layer(layers_[index]); }

  const Graph& graph() const override { return graph_; }
  const std::vector<LayerChoice>& choices() const override { return choices_; }
  int64_t arena_bytes() const override { return placement_.bytes; }

 private:
  struct Layer {
    std::function<void(std::byte*, OutputPart)> run;
    OutputPart whole;  // For observers.
    OutputPart read;   // What other layers need.
    bool shared;       // By the threads.
  };

  std::byte* memory() { return memory_.empty() ? nullptr : memory_.front().bytes; }
  const Place& place(int tensor) const { return placement_.places[static_cast<size_t>(tensor)]; }
  const TensorInfo& tensor(int index) const { return graph_.tensors[static_cast<size_t>(index)]; }

  // Padding stays as it is written here: an image with a border shares its bytes with its like
  // only.
  void fill_borders() {
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const Place& at = placement_.places[i];
      if (at.border.empty()) continue;
      const auto& quantization = graph_.tensors[i].quantization;
      const int padding = quantization ? quantization->zero_point + 128 : 0;  // 0.0f is zeros.
      std::memset(memory() + placement_.slot_offset[i], padding,
                  static_cast<size_t>(at.span()) * sizeof(T));
    }
  }

  void run_layer(const Layer& layer) { run_part(layer, layer.read); }
  void run_part(const Layer& layer, const OutputPart& all) {
    if (!layer.shared) return layer.run(memory(), all);
    const int parts = std::min(pool_->threads(), all.end);
    pool_->run(parts, [&](int part) {
      layer.run(memory(), {{all.end * part / parts, all.end * (part + 1) / parts}, all.columns});
    });
  }

  void load(const Value* input) {
    const Place& at = place(graph_.input);
    copy_in<T>(at, input, at.template image<T>(memory()));
  }
  void store(int index, Value* output) {
    const Place& at = place(index);
    copy_out(ops_, at, at.template image<T>(memory()), output);
  }

  void load_real(std::span<const float> input) {
    assert(static_cast<int64_t>(input.size()) == graph_.input_shape().elements());
    if constexpr (kInteger) {
      const auto& q = *tensor(graph_.input).quantization;
      std::transform(input.begin(), input.end(), staging_.begin(), [&](float value) {
        return static_cast<int8_t>(
            kernels::quantize_value(value, q.scale, q.zero_point, -128, 127));
      });
      load(staging_.data());
    } else {
      load(input.data());
    }
  }

  void store_real(std::span<float> output) {
    assert(static_cast<int64_t>(output.size()) == graph_.output_shape().elements());
    if constexpr (kInteger) {
      store(graph_.output, staging_.data());
      const auto& q = *tensor(graph_.output).quantization;
      std::transform(staging_.begin(), staging_.begin() + static_cast<ptrdiff_t>(output.size()),
                     output.begin(), [&](int8_t value) {
                       return kernels::dequantize_value(value, q.scale, q.zero_point);
                     });
    } else {
      store(graph_.output, output.data());
    }
  }

  void observe(int index, const Observer& observer) {
    store(index, staging_.data());
    const auto elements = static_cast<size_t>(tensor(index).shape.elements());
    Observation observation;
    observation.tensor = index;
    if constexpr (kInteger) {
      observation.integer = {staging_.data(), elements};
    } else {
      observation.real = {staging_.data(), elements};
    }
    observer(observation);
  }

  Graph graph_;
  Placement placement_;
  std::vector<CacheLine> memory_;
  const ImageOps<T>& ops_;
  Isa isa_;
  Executor executor_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<Value> staging_;  // A tensor without gaps, at the doors and for observers.
  std::vector<Layer> layers_;
  std::vector<LayerChoice> choices_;
};

template <class T>
Result<std::unique_ptr<Plan>> make(Graph graph, Isa isa, int threads, Executor executor) {
  auto plan = std::make_unique<DensePlan<T>>(std::move(graph), isa, threads, executor);
  COPPICE_TRY_STATUS(plan->add_layers());
  return std::unique_ptr<Plan>(std::move(plan));
}

}  // namespace

Result<std::unique_ptr<Plan>> make_dense_plan(Graph graph, Isa isa, int threads,
                                              Executor executor) {
  if (graph.quantized()) return make<uint8_t>(std::move(graph), isa, threads, executor);
  return make<float>(std::move(graph), isa, threads, executor);
}

}  // namespace coppice::exec
