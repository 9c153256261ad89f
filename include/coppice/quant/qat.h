#pragma once

#include <vector>

#include "coppice/train/fit.h"

namespace coppice::quant {

/// Quantization-aware training of a quantized graph (train::fit) in stages: first with weights of
/// at least stages[0] bits, then stages[1], ..., last in the graph's own format, an equal share of
/// the epochs each. A network that starts at 2 bits has further to go than one that comes from 4
/// (progressive quantization: Zhuang et al., "Towards effective low-bitwidth convolutional neural
/// networks", CVPR 2018). A float teacher may take part, its outputs are followed in each stage.
/// Errors: those of fit(), a graph that is not quantized.
Result<train::FitReport> train_in_stages(Graph& quantized, const data::Dataset& dataset,
                                         const train::TrainOptions& options,
                                         const std::vector<int>& stages,
                                         const train::TrainCallbacks& callbacks = {},
                                         const Graph* teacher = nullptr);

}  // namespace coppice::quant
