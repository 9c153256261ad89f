#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/model_argument.h"
#include "cli/verbs.h"
#include "coppice/deploy/generate.h"

namespace coppice::cli {
namespace {

struct DeployArguments {
  ModelArgument model;
  int bits = 0;
  std::string target = "cortex-m4";
  std::string out;
  deploy::GenerateOptions options;
};

Status run_deploy(const DeployArguments& arguments) {
  COPPICE_TRY(const deploy::Target target, deploy::find_target(arguments.target));
  COPPICE_TRY(const Graph graph, open_model(arguments.model, arguments.bits));
  COPPICE_TRY_STATUS(deploy::generate(graph, target, arguments.out, arguments.options));
  fmt::print(
      "{0}: C++ of {1} for {2}\n  {0}/build.sh && {0}/run.sh   builds and runs its self-test\n"
      "  {0}/README.txt             says how to use it\n",
      arguments.out, graph.name, target.name);
  return {};
}

}  // namespace

void add_deploy(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand("deploy", "Write a quantized model as C++ for a microcontroller");
  auto arguments = std::make_shared<DeployArguments>();
  arguments->model.add_to(*verb);
  verb->add_option("--bits", arguments->bits,
                   "Quantize a float model with random ranges: what it costs, not what it computes")
      ->check(CLI::IsMember({8, 4, 2}));
  verb->add_option("--target", arguments->target, "Microcontroller")->capture_default_str();
  verb->add_option("-o,--out", arguments->out, "Folder to write")->required();
  verb->add_option("--self-test-inputs", arguments->options.self_test_inputs,
                   "Stored inputs that the self-test checks")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--self-test-seed", arguments->options.seed, "Seed of those inputs")
      ->capture_default_str();
  verb->footer("Example: coppice deploy model.safetensors --target cortex-m4 -o firmware");
  verb->callback([arguments, &status] {
    const auto result = run_deploy(*arguments);
    if (!result.ok()) status = report_error(result.error());
  });
}

}  // namespace coppice::cli
