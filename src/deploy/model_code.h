#pragma once

#include <string>
#include <vector>

#include "coppice/deploy/generate.h"

namespace coppice::deploy {

/// A layer that the firmware runs, in order. Reshapes cost nothing and are none.
struct ModelLayer {
  std::string name;
  std::string kernel;
  int tensor = -1;  ///< What it writes: an index into Graph::tensors.
};

/// The generated model.
struct ModelCode {
  std::string model_h;               ///< Sizes, scales and the C entry point.
  std::string model_cpp;             ///< Arena, a function a layer, the entry point.
  std::string weights_h;             ///< Weights, biases and tables.
  std::vector<std::string> headers;  ///< Kernel headers that model.cpp includes.
  std::vector<ModelLayer> layers;
};

/// Writes the code of a fused, quantized graph.
Result<ModelCode> write_model_code(const Graph& graph, const Target& target);

}  // namespace coppice::deploy
