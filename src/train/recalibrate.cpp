#include <algorithm>

#include "coppice/core/random.h"
#include "coppice/train/fit.h"
#include "train/sample_source.h"

namespace coppice::train {

// The plain mean of the statistics of all batches, each of which sees the layers before it with its
// own statistics.
Status recalibrate_batch_norm(Graph& graph, const data::Dataset& dataset, int samples,
                              uint64_t seed) {
  COPPICE_TRY_STATUS(check_fits(graph, dataset));
  COPPICE_TRY(const Isa isa, active_isa());
  const int available = dataset.size(data::Split::kTrain);
  if (available == 0 || samples < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 dataset.name() + ": recalibrating batch norms needs training samples"};
  }
  Random random(seed, "recalibrate");
  std::vector<int> order = random_permutation(available, random);
  order.resize(static_cast<size_t>(std::min(samples, available)));
  const int total = static_cast<int>(order.size());
  const int batch = std::min(128, total);

  ThreadPool pool;
  ParameterStore parameters(graph);
  Network network(graph, parameters, kernels_for(isa), {batch, Mode::kStatistics});
  // A last batch that is not full would weigh as much as the others: it is left out.
  for (int step = 0; (step + 1) * batch <= total; ++step) {
    pool.run(batch, [&](int i) {
      dataset.sample(data::Split::kTrain, order[static_cast<size_t>(step * batch + i)],
                     data::kNotAugmented, network.input(i));
    });
    const auto before = static_cast<float>(step);
    network.infer(pool, batch, before / (before + 1.0f));
  }
  parameters.write_to(graph);
  return {};
}

}  // namespace coppice::train
