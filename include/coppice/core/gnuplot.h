#pragma once

#include <string>

#include "coppice/core/result.h"

namespace coppice {

/// Runs gnuplot with `script` on its standard input. The script sets its own terminal and output
/// file, and carries its data as datablocks or binary-free inline records. Errors: kNotFound, with
/// the Debian package to install, when gnuplot is missing; kIo with gnuplot's own words when the
/// script fails.
Status run_gnuplot(const std::string& script);

}  // namespace coppice
