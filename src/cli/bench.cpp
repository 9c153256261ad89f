#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/model_argument.h"
#include "cli/plan_table.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/deploy/generate.h"
#include "coppice/exec/latency.h"
#include "coppice/exec/plan.h"

namespace coppice::cli {
namespace {

struct BenchArguments {
  ModelArgument model;
  int bits = 0;
  std::string target = "cortex-m4";
  PlanFlags plan;
  bool json = false;
  std::string keep;
};

// A folder that disappears with its object.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make() {
    std::string path = (std::filesystem::temp_directory_path() / "coppice-bench-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) return Error{ErrorCode::kIo, "cannot make " + path};
    return TemporaryFolder(path);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

void print_json(const deploy::Measurement& measurement) {
  nlohmann::ordered_json json = {{"target", measurement.target},
                                 {"instructions", measurement.instructions},
                                 {"flash_bytes", measurement.flash_bytes},
                                 {"ram_peak_bytes", measurement.ram_peak_bytes},
                                 {"outputs_equal_host", measurement.outputs_equal_host},
                                 {"layers", nlohmann::ordered_json::array()}};
  for (const auto& layer : measurement.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"kernel", layer.kernel},
                              {"macs", layer.macs},
                              {"instructions", layer.instructions}});
  }
  fmt::print("{}\n", json.dump(2));
}

std::string per_mac(int64_t instructions, int64_t macs) {
  if (macs == 0) return "-";
  return fmt::format("{:.2f}", static_cast<double>(instructions) / static_cast<double>(macs));
}

void print_table(const std::string& name, const deploy::Measurement& measurement) {
  using Align = Table::Align;
  Table table({{"layer", Align::kLeft},
               {"kernel", Align::kLeft},
               {"MACs", Align::kRight},
               {"instructions", Align::kRight},
               {"per MAC", Align::kRight}});
  int64_t macs = 0;
  for (const auto& layer : measurement.layers) {
    macs += layer.macs;
    table.add_row({layer.name, layer.kernel, std::to_string(layer.macs),
                   std::to_string(layer.instructions), per_mac(layer.instructions, layer.macs)});
  }
  table.add_rule();
  table.add_row({"total", "", std::to_string(macs), std::to_string(measurement.instructions),
                 per_mac(measurement.instructions, macs)});
  fmt::print("{} on {}: executed instructions of one inference\n\n{}\n", name, measurement.target,
             table.text());
  fmt::print("flash {} bytes, peak RAM {} bytes\noutputs {} this machine's, bit for bit\n",
             measurement.flash_bytes, measurement.ram_peak_bytes,
             measurement.outputs_equal_host ? "equal" : "DIFFER from");
}

// This machine: the time of a plan instead of counts.
Status run_host(const BenchArguments& arguments) {
  COPPICE_TRY(const exec::Options options, arguments.plan.options());
  COPPICE_TRY(const Graph graph, open_model(arguments.model, arguments.bits));
  COPPICE_TRY(const auto plan, exec::compile(graph, options));
  warn_of_fallbacks(*plan);
  const auto latency = exec::measure_latency(*plan, {.clock = exec::clock_for(options)});
  const exec::PlanCost cost = exec::cost_of(*plan);
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"target", "host"},
                                         {"executor", arguments.plan.executor},
                                         {"median_us", latency.median_us},
                                         {"p10_us", latency.p10_us},
                                         {"p90_us", latency.p90_us},
                                         {"macs", cost.macs},
                                         {"macs_executed", cost.executed_macs},
                                         {"sparsity_executed", cost.executed_sparsity()},
                                         {"weight_bytes", cost.packed_bytes},
                                         {"ram_peak_bytes", plan->arena_bytes()}};
    fmt::print("{}\n", json.dump(2));
    return {};
  }
  fmt::print(
      "{} on this machine, {} kernels, {}: median {:.1f} us, 10 % below {:.1f}, 10 % above {:.1f}\n"
      "sparsity executed {:.1f} %; weights as packed {} bytes, arena {} bytes\n",
      graph.name, arguments.plan.executor,
      options.threads == 1 ? "one thread" : fmt::format("{} threads", options.threads),
      latency.median_us, latency.p10_us, latency.p90_us, 100 * cost.executed_sparsity(),
      cost.packed_bytes, plan->arena_bytes());
  return {};
}

Status run_bench(const BenchArguments& arguments) {
  if (arguments.target == "host") return run_host(arguments);
  COPPICE_TRY(const deploy::Target target, deploy::find_target(arguments.target));
  COPPICE_TRY_STATUS(deploy::toolchain_available());
  COPPICE_TRY(const Graph graph, open_model(arguments.model, arguments.bits));
  COPPICE_TRY(const auto temporary, TemporaryFolder::make());
  const std::filesystem::path folder =
      arguments.keep.empty() ? temporary.path() : std::filesystem::path(arguments.keep);
  COPPICE_TRY(const auto measurement, deploy::measure(graph, target, folder));
  if (arguments.json) {
    print_json(measurement);
  } else {
    print_table(graph.name, measurement);
  }
  if (measurement.outputs_equal_host) return {};
  return Error{ErrorCode::kCorrupt, fmt::format("{} on {}: {} differs from this machine's",
                                                graph.name, target.name, measurement.difference)};
}

}  // namespace

void add_bench(CLI::App& app, ExitStatus& status) {
  auto* verb = app.add_subcommand(
      "bench", "Measure a model on an emulated microcontroller, or on this machine");
  auto arguments = std::make_shared<BenchArguments>();
  arguments->model.add_to(*verb);
  verb->add_option("--bits", arguments->bits,
                   "Quantize a float model with random ranges: what it costs, not what it computes")
      ->check(CLI::IsMember({8, 4, 2}));
  verb->add_option("--target", arguments->target,
                   "Microcontroller (cortex-m4, cortex-m7), or host for this machine's time")
      ->capture_default_str();
  arguments->plan.add_to(*verb);
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->add_option("--keep", arguments->keep, "Folder to keep the firmware in");
  verb->footer("Example: coppice bench ds_cnn --bits 8 --target cortex-m4");
  verb->callback([arguments, &status] {
    const auto result = run_bench(*arguments);
    if (!result.ok()) status = report_error(result.error());
  });
}

}  // namespace coppice::cli
