// Single layers, taken from the networks of the zoo: our executors and the peers, float and int8
// with the rounding that the peers have. Names are <network>/<layer>/<type>/<contender>.
#include <fmt/format.h>

#include <cstdio>

#include "support/entrants.h"
#include "support/harness.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

void add_layers(const char* arch, std::optional<Rounding> rounding,
                const std::vector<Entrant>& entrants) {
  const auto network = make_workload(arch, rounding);
  if (!network.ok()) {
    fmt::print(stderr, "{}: {}\n", arch, network.error().message);
    return;
  }
  for (const LayerWorkload& layer : layers_of(*network)) {
    for (const Entrant& entrant : entrants) {
      if (entrant.sparse) continue;
      register_contender(fmt::format("{}/{}", layer.name, type_name(layer.graph)), layer.graph,
                         entrant);
    }
  }
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  const bench::Flags flags = bench::start(argc, argv);
  const auto entrants = bench::make_entrants(flags.isa);
  for (const char* arch : {"ds_cnn", "resnet8", "vww", "lenet", "alexnet"}) {
    bench::add_layers(arch, std::nullopt, entrants);
    bench::add_layers(arch, Rounding::kFloat, entrants);
  }
  return bench::finish();
}
