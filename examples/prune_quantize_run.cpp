// Prunes and quantizes a keyword network and runs it: the README's library example.
#include <cstdio>
#include <vector>

#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/prune.h"
#include "coppice/quant/quantize.h"

coppice::Status run() {
  using namespace coppice;
  const std::vector<std::vector<float>> calibration(8, std::vector<float>(49 * 10, 0.5f));
  COPPICE_TRY(auto graph, make_zoo_model("ds_cnn", {49, 10, 1}, 12, /*seed=*/0));
  COPPICE_TRY(auto pruned, prune::apply(graph, {.sparsity = 0.8}));
  COPPICE_TRY(auto quantized, quant::quantize(graph, calibration, {.weight_bits = 8}));
  COPPICE_TRY(auto plan, exec::compile(quantized));
  std::vector<float> scores(12);
  plan->run(calibration[0], scores);
  std::printf("%.0f %% of the weights are zero; class 0 scores %.3f\n",
              100 * pruned.sparsity_achieved, static_cast<double>(scores[0]));
  return {};
}

int main() {
  const auto status = run();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status.ok() ? 0 : 1;
}
