#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "coppice/graph/graph.h"

namespace coppice::cli {

/// What a user may give where a verb wants a model: a model file, an architecture of the zoo, or
/// layers written in JSON.
struct ModelArgument {
  std::string model;
  std::string input;  ///< "HxWxC" for an architecture; empty: its default.
  int classes = 0;    ///< For an architecture; 0: its default.
  uint64_t seed = 0;  ///< Of fresh weights.

  /// Adds the positional argument and the options to a verb.
  void add_to(CLI::App& verb);
};

/// The graph that the argument names. An unknown name or options that do not fit are kConfig
/// errors; those of files are the reader's.
Result<Graph> open_model(const ModelArgument& argument);

/// The same; with `bits` 8, 4 or 2 a float model is quantized with ranges from random inputs: what
/// it computes means nothing, what it costs does. 0: as it is.
Result<Graph> open_model(const ModelArgument& argument, int bits);

}  // namespace coppice::cli
