#pragma once

#include <vector>

#include "train/parameter_store.h"

namespace coppice::train {

/// The rate of a dropout whose output `readers` read, once they are pruned: a layer of density d
/// has less capacity to restrain, its rate is multiplied by sqrt(d) (Han, Pool, Tran and Dally,
/// "Learning both weights and connections for efficient neural networks", NeurIPS 2015, eq. 4).
float dropout_rate(float dense_rate, const std::vector<size_t>& readers,
                   const ParameterStore& parameters);

}  // namespace coppice::train
