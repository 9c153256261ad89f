#include <algorithm>
#include <cstring>
#include <string>

#include "coppice/core/thread_pool.h"
#include "coppice/graph/cost.h"
#include "exec/dense_layer.h"
#include "exec/image_copy.h"
#include "exec/pixels_read.h"
#include "exec/plans.h"
#include "exec/typed_plan.h"

namespace coppice::exec {
namespace {

// Memory in whole cache lines.
struct alignas(64) CacheLine {
  std::byte bytes[64];
};

// Below this a second thread costs more than it brings: waking it takes about a microsecond.
constexpr int64_t kMacsWorthThreads = 200'000;

std::string pixels(int rows, int columns) {
  return std::to_string(rows) + "x" + std::to_string(columns);
}

// T: uint8_t or int16_t for integer graphs, float.
template <class T>
class DensePlan final : public TypedPlan<DenseValue<T>> {
 public:
  using Value = DenseValue<T>;

  DensePlan(Graph graph, Isa isa, int threads, Executor executor)
      : TypedPlan<Value>(graph),
        graph_(std::move(graph)),
        placement_(place_tensors(graph_, sizeof(T))),
        memory_(static_cast<size_t>(placement_.bytes) / sizeof(CacheLine)),
        ops_(image_ops_for<T>(isa)),
        isa_(isa),
        executor_(executor) {
    if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads);
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
        layer.reason += "; " + pixels(part.end, part.columns == 0 ? width : part.columns) + " of " +
                        pixels(whole.end, width) + " pixels, no layer reads the rest";
      }
      choices_.push_back({node.name, std::string(op_name(node.op)), layer.kernel, layer.reason,
                          macs, executed_macs(macs, layer.executed_share), layer.packed_bytes,
                          layer.isa, layer.fallback});
      const bool shared = pool_ != nullptr && macs >= kMacsWorthThreads && !layer.fallback;
      layers_.push_back({std::move(layer.run), whole, part, shared && part.end > 1});
      // The layer has packed its own copy. What this frees holds those of the next: the first touch
      // of a page of new memory costs about 2 microseconds.
      graph_.nodes[i].parameters.clear();
    }
    return {};
  }

  void run_layer(size_t index) override { run_layer(layers_[index]); }
  void run_whole_layer(size_t index) override { run_part(layers_[index], layers_[index].whole); }

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

  // Padding stays as it is written here: an image with a border shares its bytes with its like
  // only.
  void fill_borders() {
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const Place& at = placement_.places[i];
      if (at.border.empty()) continue;
      // Of int16 and float it is zeros.
      std::memset(memory() + placement_.slot_offset[i], padding_byte(graph_.tensors[i]),
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

  void load(const Value* input) override {
    const Place& at = place(graph_.input);
    copy_in<T>(at, input, at.template image<T>(memory()));
  }
  void store(int index, Value* output) override {
    const Place& at = place(index);
    copy_out<T>(ops_, at, at.template image<T>(memory()), output);
  }

  Graph graph_;
  Placement placement_;
  std::vector<CacheLine> memory_;
  const ImageOps<T>& ops_;
  Isa isa_;
  Executor executor_;
  std::unique_ptr<ThreadPool> pool_;
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
  if (graph.wide()) return make<int16_t>(std::move(graph), isa, threads, executor);
  if (graph.quantized()) return make<uint8_t>(std::move(graph), isa, threads, executor);
  return make<float>(std::move(graph), isa, threads, executor);
}

}  // namespace coppice::exec
