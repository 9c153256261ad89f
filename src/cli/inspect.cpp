#include "cli/verbs.h"

namespace coppice::cli {

void add_inspect(CLI::App& app, ExitStatus& status) {
  app.add_subcommand("inspect", "Shapes, parameters, MACs, flash and RAM of a model");
  status = kSuccess;
}

}  // namespace coppice::cli
