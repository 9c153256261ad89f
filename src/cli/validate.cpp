#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/verbs.h"
#include "coppice/sweep/grid.h"
#include "coppice/sweep/reference.h"

namespace coppice::cli {
namespace {

struct Arguments {
  std::vector<std::string> configs;
  std::vector<std::string> assignments;
  bool schema = false;
  bool reference = false;
};

Status validate_file(const std::string& path, const std::vector<std::string>& assignments) {
  COPPICE_TRY(const auto config, sweep::load_config(path, assignments));
  COPPICE_TRY_STATUS(sweep::check_layer_patterns(config));
  COPPICE_TRY(const auto trials, sweep::expand(config));
  fmt::print("{}: {}: {} trials ({} seeds)\n", path, config.name, trials.size(),
             config.seeds.size());
  return {};
}

ExitStatus validate(const Arguments& arguments) {
  if (arguments.schema) fmt::print("{}\n", sweep::config_schema().dump(2));
  if (arguments.reference) fmt::print("{}", sweep::config_reference());
  if (arguments.configs.empty() && !arguments.schema && !arguments.reference) {
    fmt::print(stderr, "coppice validate: no config given; see coppice validate --help\n");
    return kUsageError;
  }
  ExitStatus status = kSuccess;
  for (const std::string& path : arguments.configs) {
    if (const auto result = validate_file(path, arguments.assignments); !result.ok()) {
      fmt::print(stderr, "{}\n", result.error().message);
      status = kUsageError;
    }
  }
  return status;
}

}  // namespace

void add_validate(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("validate", "Check configs without running them");
  verb->footer("Example: coppice validate configs/kws_quickstart.json");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("config", arguments->configs, "Config files");
  verb->add_option("--set", arguments->assignments, "Change a value first: path.to.key=value")
      ->allow_extra_args(false);
  verb->add_flag("--schema", arguments->schema, "Print the JSON Schema of configs");
  verb->add_flag("--reference", arguments->reference, "Print the reference page of configs");
  verb->callback([arguments, &status] { status = validate(*arguments); });
}

}  // namespace coppice::cli
