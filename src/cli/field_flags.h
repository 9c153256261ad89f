#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/verbs.h"
#include "coppice/sweep/field.h"

namespace coppice::cli {

/// Flags made from the table that configs are read with: --epochs, --dataset.path, ... Names,
/// values, ranges and defaults are those of a config.
class FieldFlags {
 public:
  /// Adds one flag a field to `verb`, named --<prefix><field>. `table` must outlive this.
  void add_to(CLI::App& verb, const sweep::Table& table, const std::string& prefix = {});

  /// `base` with each given flag in its place. A value that does not fit is an error.
  Result<sweep::Json> apply(sweep::Json base) const;

 private:
  struct Flag {
    const sweep::Field* field;
    std::string name;
    std::shared_ptr<std::string> text;
    const CLI::Option* option;
  };
  std::vector<Flag> flags_;
};

/// Prints an error; one of a config or a flag says itself where it is, and is printed as it stands.
ExitStatus report_config_error(const Error& error);

}  // namespace coppice::cli
