#pragma once

#include "coppice/graph/graph.h"

namespace coppice {

/// Folds each BatchNorm into the convolution or fully connected layer before it (running
/// statistics) and removes it. A BatchNorm that follows anything else is an error. Masks stay.
Result<Graph> fold_batch_norm(Graph graph);

/// The graph as it is deployed: batch norms folded, Dropout removed, ReLU / ReLU6 fused into the
/// operation before them where it has an `activation` field and no other reader.
Result<Graph> fuse_for_inference(Graph graph);

}  // namespace coppice
