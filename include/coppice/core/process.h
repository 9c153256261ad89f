#pragma once

#include <string>
#include <vector>

#include "coppice/core/result.h"

namespace coppice {

/// What a finished program left behind.
struct ProcessOutput {
  int exit_code = 0;    ///< 128 + signal number when a signal ended it.
  std::string output;   ///< Standard output, when captured.
  std::string errors;   ///< Standard error, when captured.
};

/// Runs a program found on PATH with these arguments (no shell) and waits for it. With `capture`
/// its streams are returned, else they are the caller's. A program that is not there is an error;
/// one that fails is a ProcessOutput with its exit code.
Result<ProcessOutput> run_process(const std::vector<std::string>& arguments, bool capture = true,
                                  const std::string& input = {});

/// Whether a program of this name is on PATH.
bool program_exists(const std::string& name);

}  // namespace coppice
