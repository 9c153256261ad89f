#pragma once

#include <CLI/CLI.hpp>

#include "coppice/core/result.h"

namespace coppice::cli {

/// Exit codes of the command.
enum ExitCode : int {
  kSuccess = 0,
  kRunFailed = 1,   ///< The work itself failed.
  kUsageError = 2,  ///< The command line or a configuration is wrong.
};

/// The exit code of the verb that ran; verbs set it from their callback.
using ExitStatus = int;

/// Each verb adds its subcommand to `app` and writes its exit code to `status` when it ran.
using AddVerb = void (*)(CLI::App& app, ExitStatus& status);

// One line a verb, in the order of --help; each lives in src/cli/<verb>.cpp.
void add_data(CLI::App& app, ExitStatus& status);
void add_features(CLI::App& app, ExitStatus& status);
void add_train(CLI::App& app, ExitStatus& status);
void add_prune(CLI::App& app, ExitStatus& status);
void add_sensitivity(CLI::App& app, ExitStatus& status);
void add_quantize(CLI::App& app, ExitStatus& status);
void add_eval(CLI::App& app, ExitStatus& status);
void add_inspect(CLI::App& app, ExitStatus& status);
void add_deploy(CLI::App& app, ExitStatus& status);
void add_bench(CLI::App& app, ExitStatus& status);
void add_report(CLI::App& app, ExitStatus& status);
void add_sweep(CLI::App& app, ExitStatus& status);
void add_validate(CLI::App& app, ExitStatus& status);
void add_ops(CLI::App& app, ExitStatus& status);

/// Prints "coppice: <message>" to stderr and returns the exit code that fits the error.
int report_error(const Error& error);

}  // namespace coppice::cli
