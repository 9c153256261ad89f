// Single layers: our executors, our kernels by themselves, and the peers, float and int8 with the
// rounding that the peers have. The layers are those of six networks of the zoo, and a few
// standard sizes, which come with 4 and 2 bits a weight too. Names are
// <network>/<layer>/<type>/<contender>.
#include <fmt/format.h>

#include <cstdio>

#include "support/entrants.h"
#include "support/harness.h"
#include "support/kernel_entrants.h"
#include "support/layers.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

void add_layer(const std::string& name, const Graph& graph, const std::vector<Entrant>& entrants) {
  const std::string type = type_name(graph);
  const bool low_bit = type.starts_with("int4") || type.starts_with("int2");
  register_contenders(fmt::format("{}/{}", name, type), graph,
                      select(entrants, [&](const Entrant& entrant) {
                        return entrant.ours || (!low_bit && !entrant.sparse);
                      }));
}

void add_network(const char* arch, std::optional<Rounding> rounding,
                 const std::vector<Entrant>& entrants) {
  const auto network = make_workload(arch, rounding);
  if (!network.ok()) {
    fmt::print(stderr, "{}: {}\n", arch, network.error().message);
    return;
  }
  for (const auto& layer : layers_of(*network)) add_layer(layer.name, layer.graph, entrants);
}

void add_standard_layers(const std::vector<Entrant>& entrants) {
  for (const LayerWorkload& layer : standard_layers()) {
    add_layer(layer.name, layer.graph, entrants);
    for (const int bits : {8, 4, 2}) {
      const auto integer = quantize_workload(layer.graph, Rounding::kFloat, bits);
      if (integer.ok()) add_layer(layer.name, *integer, entrants);
    }
  }
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  const bench::Flags flags = bench::start(argc, argv);
  auto entrants = bench::make_entrants(flags.isa);
  for (auto& kernel : bench::dense_kernel_entrants(flags.isa))
    entrants.push_back(std::move(kernel));
  for (const char* arch : {"ds_cnn", "resnet8", "vww", "lenet5", "lenet", "alexnet"}) {
    bench::add_network(arch, std::nullopt, entrants);
    bench::add_network(arch, Rounding::kFloat, entrants);
  }
  bench::add_standard_layers(entrants);
  return bench::finish();
}
