#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "coppice/exec/plan.h"

namespace coppice::cli {

/// How a verb compiles a model for this machine; defaults are those of exec::Options.
struct PlanFlags {
  std::string executor = "dense";
  std::string isa;  ///< Empty: what this processor has.
  int threads = 1;

  /// Adds --executor, --isa and --threads.
  void add_to(CLI::App& verb);
  /// An unknown name is an error that lists the known ones.
  Result<exec::Options> options() const;
};

/// What `coppice ops --plan` is asked.
struct PlanArguments {
  std::string model;
  PlanFlags flags;
  int bits = 0;  ///< 8, 4, 2: quantize a float model with random ranges; 0: as it is.
  bool json = false;
};

/// Compiles the model, measures each layer and prints what was chosen for it, and why.
Status print_plan(const PlanArguments& arguments);

/// A line on stderr for each layer that no kernel of the chosen executor could run.
void warn_of_fallbacks(const exec::Plan& plan);

}  // namespace coppice::cli
