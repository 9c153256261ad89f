#pragma once

#include <string>

#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// The JSON Schema of a sweep config, from the tables that the parser reads. It uses keywords that
/// mean the same in draft 7 and draft 2020-12.
Json config_schema();

/// The reference page of the config format (Markdown), from the same tables.
std::string config_reference();

}  // namespace coppice::sweep
