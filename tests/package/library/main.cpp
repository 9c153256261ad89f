// A consumer of the whole library: builds a network of the zoo and tells what it costs.
#include <cstdio>

#include "coppice/graph/cost.h"
#include "coppice/graph/zoo.h"

int main() {
  const auto model = coppice::make_zoo_model("tiny_conv", {}, 4, 1);
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return 1;
  }
  const auto cost = coppice::measure_cost(*model);
  std::printf("%lld parameters, %lld MACs\n", static_cast<long long>(cost.parameters_total),
              static_cast<long long>(cost.macs_dense));
  return cost.macs_dense == 336000 ? 0 : 1;
}
