// From which sparsity on are zeros worth it? Single layers with pruned weights: our executors on
// the pruned weights, against the fastest dense contenders, ours and the peers', on the dense ones.
// Names are <layer>/<type>/<granularity>/<sparsity>/<contender>. After the run it prints the
// break-even sparsities, and draws the curves with --figures=FOLDER.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "coppice/prune/prune.h"
#include "support/entrants.h"
#include "support/harness.h"
#include "support/kernel_entrants.h"
#include "support/layers.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

constexpr double kSparsities[] = {0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};
constexpr const char* kGranularities[] = {"weight",      "vector:1x4", "vector:4x1",
                                          "vector:16x1", "kernel",     "balanced:64"};

// A balanced pattern keeps a multiple of 4 of each 64, at least 4: what the kernels take whole.
double reachable(std::string_view granularity, double sparsity) {
  if (granularity != "balanced:64") return sparsity;
  const double fours = std::max(1.0, std::round(16 * (1 - sparsity)));
  return 1 - fours / 16;
}

// The layer with so many zeros, in float and in int8; what the pruner cannot do is an error.
Result<std::vector<Graph>> pruned(const Graph& layer, const char* granularity, double sparsity) {
  Graph graph = layer;
  prune::PruneOptions options;
  options.sparsity = sparsity;
  options.granularity = granularity;
  if (const auto done = prune::apply(graph, options); !done.ok()) return done.error();
  COPPICE_TRY(Graph integer, quantize_workload(graph, Rounding::kFloat));
  return std::vector<Graph>{std::move(graph), std::move(integer)};
}

// Who runs the dense weights, and who the pruned ones.
struct Contenders {
  std::vector<Entrant> dense, sparse;
};

Contenders make_contenders(std::optional<Isa> isa) {
  Contenders contenders{dense_kernel_entrants(isa), sparse_kernel_entrants(isa)};
  for (Entrant& entrant : make_entrants(isa)) {
    const bool dense = entrant.ours ? entrant.name == "coppice:dense" : !entrant.sparse;
    if (entrant.name == "coppice:reference") continue;
    (dense ? contenders.dense : contenders.sparse).push_back(std::move(entrant));
  }
  return contenders;
}

void add_dense(const LayerWorkload& layer, const std::vector<Entrant>& entrants) {
  const auto graphs = pruned(layer.graph, "weight", 0);
  if (!graphs.ok()) return;
  for (const Graph& graph : *graphs) {
    register_contenders(fmt::format("{}/{}/dense/0.00", layer.name, type_name(graph)), graph,
                        entrants);
  }
}

// False, with a word, if the pruner does not know the granularity.
bool add_sparse(const LayerWorkload& layer, const char* granularity,
                const std::vector<Entrant>& entrants) {
  double last = -1;
  for (const double wanted : kSparsities) {
    const double sparsity = reachable(granularity, wanted);
    // Without zeros all granularities are one.
    if (sparsity <= last || (sparsity == 0 && granularity != kGranularities[0])) continue;
    last = sparsity;
    const auto graphs = pruned(layer.graph, granularity, sparsity);
    if (!graphs.ok()) {
      fmt::print(stderr, "{}: {}: {}\n", layer.name, granularity, graphs.error().message);
      return false;
    }
    for (const Graph& graph : *graphs) {
      register_contenders(
          fmt::format("{}/{}/{}/{:.2f}", layer.name, type_name(graph), granularity, sparsity),
          graph, select(entrants, [&](const Entrant& entrant) {
            return entrant.ours || !graph.quantized();
          }));
    }
  }
  return true;
}

// The standard sizes, the layers of the networks by which zero-skipping loops were first judged,
// and a depthwise layer.
std::vector<LayerWorkload> all_layers() {
  auto layers = standard_layers();
  for (const std::string_view arch : {"cnn_one_fstride4", "tiny_conv", "ds_cnn"}) {
    const auto network = make_workload(std::string(arch), std::nullopt);
    if (!network.ok()) continue;
    for (auto& layer : layers_of(*network)) {
      const bool depthwise = std::holds_alternative<DepthwiseConv2D>(layer.graph.nodes[0].op);
      if (arch != "ds_cnn" || depthwise) layers.push_back(std::move(layer));
    }
  }
  return layers;
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  const bench::Flags flags = bench::start(argc, argv);
  const auto contenders = bench::make_contenders(flags.isa);
  const auto layers = bench::all_layers();
  for (const auto& layer : layers) bench::add_dense(layer, contenders.dense);
  for (const char* granularity : bench::kGranularities) {
    for (const auto& layer : layers) {
      if (!bench::add_sparse(layer, granularity, contenders.sparse)) break;
    }
  }
  bench::Medians run;
  const int status = bench::finish(&run);
  const auto curves = bench::sparse_curves(run);
  fmt::print(stderr, "\n{}", bench::break_even_table(curves));
  if (!flags.figures.empty()) {
    if (const auto drawn = bench::draw_curves(curves, flags.figures); !drawn.ok()) {
      fmt::print(stderr, "error: {}\n", drawn.error().message);
      return 1;
    }
  }
  return status;
}
