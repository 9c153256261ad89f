#pragma once

#include "coppice/train/fit.h"
#include "train/sample_source.h"

namespace coppice::train {

/// Runs all samples of a source through a network in inference mode, `batch` at a time.
Evaluation evaluate_network(Network& network, int batch, const SampleSource& source,
                            ThreadPool& pool);

/// Batch size of evaluation; the result does not depend on it beyond rounding.
inline constexpr int kEvaluationBatch = 64;

}  // namespace coppice::train
