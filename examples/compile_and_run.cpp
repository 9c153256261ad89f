// Compiles a network for this processor and runs it: the plan says which kernel runs each layer.
#include <cstdio>
#include <vector>

#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"

coppice::Status run() {
  using namespace coppice;
  COPPICE_TRY(auto graph, make_zoo_model("ds_cnn", {49, 10, 1}, 12, /*seed=*/0));
  const std::vector<std::vector<float>> samples(8, std::vector<float>(49 * 10, 0.5f));
  COPPICE_TRY(auto integer, quant::quantize(graph, samples, {.rounding = Rounding::kFloat}));
  for (const Graph& model : {graph, integer}) {
    COPPICE_TRY(auto plan, exec::compile(model, {.executor = exec::Executor::kDense}));
    std::vector<float> scores(12);
    plan->run(samples[0], scores);  // Allocates nothing.
    std::printf("%s: class 0 scores %.4f; %lld bytes of activations\n",
                model.quantized() ? "int8" : "float", static_cast<double>(scores[0]),
                static_cast<long long>(plan->arena_bytes()));
    for (const auto& choice : plan->choices()) {
      std::printf("  %-14s %s\n", choice.layer.c_str(), choice.kernel.c_str());
    }
  }
  return {};
}

int main() {
  const auto status = run();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status.ok() ? 0 : 1;
}
