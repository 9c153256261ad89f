#pragma once

#include <memory>

#include "cli/field_flags.h"
#include "coppice/data/dataset.h"
#include "coppice/graph/graph.h"

namespace coppice::cli {

/// Opens the dataset of a resolved "dataset" object and tells on stderr what was skipped. A missing
/// path is an error that names the flag.
Result<std::shared_ptr<const data::Dataset>> open_configured_dataset(const sweep::Json& config);

/// The dataset that a model was trained on, as its file says, changed by the flags given. A model
/// that does not know its dataset takes the defaults. Warns on stderr when the classes differ.
Result<std::shared_ptr<const data::Dataset>> open_model_dataset(const Graph& graph,
                                                                const FieldFlags& flags);

}  // namespace coppice::cli
