#include "train/layers.h"

namespace coppice::train {

// Lowering gives the output the input's storage (see lowering.h): there is nothing to run.
LayerPtr make_layer(const Flatten&, const LayerSetup&) { return nullptr; }
LayerPtr make_layer(const Reshape&, const LayerSetup&) { return nullptr; }

}  // namespace coppice::train
