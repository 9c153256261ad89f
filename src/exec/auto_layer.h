#pragma once

#include "exec/dense_layer.h"

namespace coppice::exec {

/// A convolution or fully connected layer by the executor whose kernel ran it fastest in the plan's
/// memory. Layers without zeros to leave out are dense without a measurement; what was measured
/// once in this process is kept by shape, instruction set, weight bits and sparsity (in percent).
template <class T>
Result<DenseLayer> make_auto_layer(const DenseContext& context);

}  // namespace coppice::exec
