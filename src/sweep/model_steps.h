#pragma once

#include <string_view>

#include "coppice/sweep/step.h"

namespace coppice::sweep {

/// A step that changes the model: it takes resolved options and returns what the provenance and the
/// record say about it.
struct ModelStep {
  const char* name;
  Result<Json> (*run)(const Json& options, const StepContext& context, Graph& graph);
};

/// nullptr when there is none of that name.
const ModelStep* find_model_step(std::string_view name);

}  // namespace coppice::sweep
