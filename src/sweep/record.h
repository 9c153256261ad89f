#pragma once

#include "coppice/data/dataset.h"
#include "coppice/sweep/grid.h"
#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// A record with every key that is known before the trial has run; the others are null.
Json start_record(const Trial& trial, const data::Dataset& dataset);

/// Fills in what the finished model says about itself.
Status add_model(const Graph& graph, Json& record);

/// Turns a record into that of a failed trial.
void mark_failed(const Error& error, Json& record);

}  // namespace coppice::sweep
