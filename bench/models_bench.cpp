// Whole networks of the zoo, one inference at a time: our executors and the peers, float and each
// integer rounding. Names are <network>/<type>/<contender>; docs/benchmarks.md explains the rules.
#include <fmt/format.h>

#include <cstdio>

#include "coppice/graph/zoo.h"
#include "support/entrants.h"
#include "support/harness.h"
#include "support/workload.h"

namespace coppice::bench {
namespace {

void add_network(std::string_view arch, std::optional<Rounding> rounding,
                 const std::vector<Entrant>& entrants) {
  const auto graph = make_workload(arch, rounding);
  if (!graph.ok()) {
    fmt::print(stderr, "{}: {}\n", arch, graph.error().message);
    return;
  }
  // The peers round once, in float.
  const bool for_peers = !rounding || *rounding == Rounding::kFloat;
  register_contenders(fmt::format("{}/{}", arch, type_name(*graph)), *graph,
                      select(entrants, [&](const Entrant& entrant) {
                        return entrant.ours || (for_peers && !entrant.sparse);
                      }));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice;
  const bench::Flags flags = bench::start(argc, argv);
  const auto entrants = bench::make_entrants(flags.isa);
  for (const ZooEntry& entry : zoo()) {
    for (const std::optional<Rounding> rounding :
         {std::optional<Rounding>{}, std::optional{Rounding::kFloat},
          std::optional{Rounding::kSingle}, std::optional{Rounding::kDouble}}) {
      bench::add_network(entry.name, rounding, entrants);
    }
  }
  return bench::finish();
}
