#include <fmt/format.h>

#include <cstdio>

#include "cli/verbs.h"
#include "coppice/core/cpu.h"

namespace coppice::cli {

int report_error(const Error& error) {
  fmt::print(stderr, "coppice: {}\n", error.message);
  return error.code == ErrorCode::kConfig ? kUsageError : kRunFailed;
}

namespace {

constexpr AddVerb kVerbs[] = {
    add_data,    add_features, add_train, add_prune,  add_quantize, add_sensitivity, add_eval,
    add_inspect, add_deploy,   add_bench, add_report, add_sweep,    add_validate,    add_ops,
};

std::string version_text() {
  const auto isa = active_isa();
  return fmt::format("coppice {}\nkernels use {} (this processor: {})", COPPICE_VERSION,
                     isa.ok() ? isa_name(*isa) : isa.error().message, supported_isa_list());
}

int run(int argc, char** argv) {
  CLI::App app{"Prune and quantize small CNNs, and measure what you really get.", "coppice"};
  app.set_version_flag("--version", version_text);
  app.require_subcommand(1);
  app.footer("Example: coppice inspect ds_cnn");
  ExitStatus status = kSuccess;
  for (const auto& add : kVerbs) add(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsageError;
  }
  return status;
}

}  // namespace
}  // namespace coppice::cli

int main(int argc, char** argv) { return coppice::cli::run(argc, argv); }
