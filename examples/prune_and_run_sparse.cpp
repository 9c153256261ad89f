// Prunes a network, quantizes it, and runs it by kernels that leave the zeros out, beside dense ones.
#include <cstdio>
#include <vector>

#include "coppice/exec/latency.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/prune.h"
#include "coppice/quant/quantize.h"

coppice::Status run() {
  using namespace coppice;
  COPPICE_TRY(auto graph, make_zoo_model("resnet8", {32, 32, 3}, 10, /*seed=*/0));
  COPPICE_TRY(auto pruned, prune::apply(graph, {.sparsity = 0.9}));
  const std::vector<std::vector<float>> samples(8, std::vector<float>(32 * 32 * 3, 0.5f));
  COPPICE_TRY(auto integer, quant::quantize(graph, samples, {.rounding = Rounding::kFloat}));
  COPPICE_TRY(auto dense, exec::compile(integer, {.executor = exec::Executor::kDense}));
  COPPICE_TRY(auto sparse, exec::compile(integer, {.executor = exec::Executor::kCsr}));

  std::vector<float> expected(10), found(10);
  dense->run(samples[0], expected);
  sparse->run(samples[0], found);
  if (found != expected) return Error{ErrorCode::kInvalidArgument, "the two plans disagree"};
  const exec::LatencyOptions quick{.repetitions = 5};
  std::printf("%.0f %% of the weights are zero: %.1f us dense, %.1f us without the zeros\n",
              100 * pruned.sparsity_achieved, exec::measure_latency(*dense, quick).median_us,
              exec::measure_latency(*sparse, quick).median_us);
  return {};
}

int main() {
  const auto status = run();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status.ok() ? 0 : 1;
}
