#pragma once

#include <memory>

#include "train/layer.h"

namespace coppice::train {

/// The layer of an op. Flatten and Reshape share their input's storage and never become layers.
using LayerPtr = std::unique_ptr<Layer>;
LayerPtr make_layer(const Conv2D& op, const LayerSetup& setup);
LayerPtr make_layer(const DepthwiseConv2D& op, const LayerSetup& setup);
LayerPtr make_layer(const FullyConnected& op, const LayerSetup& setup);
LayerPtr make_layer(const BatchNorm& op, const LayerSetup& setup);
LayerPtr make_layer(const Relu& op, const LayerSetup& setup);
LayerPtr make_layer(const Relu6& op, const LayerSetup& setup);
LayerPtr make_layer(const Add& op, const LayerSetup& setup);
LayerPtr make_layer(const Concat& op, const LayerSetup& setup);
LayerPtr make_layer(const AvgPool2D& op, const LayerSetup& setup);
LayerPtr make_layer(const MaxPool2D& op, const LayerSetup& setup);
LayerPtr make_layer(const GlobalAvgPool& op, const LayerSetup& setup);
LayerPtr make_layer(const Flatten& op, const LayerSetup& setup);
LayerPtr make_layer(const Reshape& op, const LayerSetup& setup);
LayerPtr make_layer(const Dropout& op, const LayerSetup& setup);
LayerPtr make_layer(const Softmax& op, const LayerSetup& setup);

/// Before and after all others in a network that trains for integers: setup.output is the input's
/// and the logits' storage.
LayerPtr make_input_layer(const LayerSetup& setup);
LayerPtr make_output_layer(int tensor, const LayerSetup& setup);

}  // namespace coppice::train
