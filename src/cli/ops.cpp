#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/plan_table.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/core/cpu.h"
#include "coppice/data/front_end.h"
#include "coppice/deploy/generate.h"
#include "coppice/exec/kernel_variants.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/op.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/registry.h"
#include "coppice/prune/schedule.h"
#include "coppice/quant/calibration.h"
#include "coppice/quant/mixed_precision.h"
#include "coppice/quant/quantize.h"

namespace coppice::cli {
namespace {

struct Entry {
  std::string name;
  std::string summary;
};

struct Section {
  std::string key;  // In the JSON object.
  std::string title;
  std::vector<Entry> entries;
};

// Any room's list: its entries have a name and a summary.
template <class List>
Section section(std::string key, std::string title, const List& list) {
  Section result{std::move(key), std::move(title), {}};
  for (const auto& entry : list) {
    result.entries.push_back({std::string(entry.name), std::string(entry.summary)});
  }
  return result;
}

std::vector<Listed> listed_ops() {
  std::vector<Listed> list;
  for (const Op& op : all_ops()) list.push_back({op_name(op), op_summary(op)});
  return list;
}

Section kernel_section() {
  Section result{"kernels", "Kernels of layers with weights", {}};
  for (const exec::KernelVariant& kernel : exec::kernel_variants()) {
    result.entries.push_back(
        {kernel.name,
         std::string(isa_name(kernel.isa)) + (kernel.available ? "" : ", not on this processor")});
  }
  return result;
}

// One line a list; each comes from the room that owns it.
std::vector<Section> all_sections() {
  return {
      section("ops", "Operations of a graph", listed_ops()),
      section("archs", "Architectures of the zoo", zoo()),
      section("front_ends", "Audio features", data::front_ends()),
      section("granularities", "Granularities of pruning", prune::granularities()),
      section("criteria", "Criteria of pruning", prune::criteria()),
      section("scopes", "Scopes of pruning", prune::scopes()),
      section("costs", "Costs that a global ranking divides by", prune::costs()),
      section("schedules", "Schedules of pruning", prune::schedules()),
      section("group_reductions", "Importance of channels that layers share",
              prune::group_reductions()),
      section("sensitivity_metrics", "Metrics of a sensitivity scan", prune::sensitivity_metrics()),
      section("calibrations", "Calibrations of quantization", quant::calibrations()),
      section("recipes", "Recipes of quantization", quant::recipes()),
      section("weight_roundings", "Weight roundings of quantization", quant::weight_roundings()),
      section("bias_corrections", "Bias corrections of quantization", quant::bias_corrections()),
      section("mixed_precision", "Solvers of mixed precision", quant::mixed_precision_solvers()),
      section("executors", "Executors on this CPU", exec::executors()),
      kernel_section(),
      section("targets", "Microcontrollers", deploy::targets()),
  };
}

void print_json() {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Section& part : all_sections()) {
    auto& list = json[part.key] = nlohmann::ordered_json::array();
    for (const Entry& entry : part.entries) {
      list.push_back({{"name", entry.name}, {"summary", entry.summary}});
    }
  }
  fmt::print("{}\n", json.dump(2));
}

void print_text() {
  Table table({{"name", Table::Align::kLeft}, {"what it is", Table::Align::kLeft}});
  for (const Section& part : all_sections()) {
    table.add_row({});
    table.add_row({part.title + ':'});
    for (const Entry& entry : part.entries) table.add_row({"  " + entry.name, entry.summary});
  }
  fmt::print("{}", table.text());
}

}  // namespace

void add_ops(CLI::App& app, ExitStatus& status) {
  auto plan = std::make_shared<PlanArguments>();
  auto* verb = app.add_subcommand(
      "ops", "List operations, architectures, kernels, executors; explain the plan of a model");
  verb->add_flag("--json", plan->json, "Print one JSON object");
  auto* of_plan = verb->add_option("--plan", plan->model,
                                   "Instead: the kernel of each layer of this model, and its time");
  plan->flags.add_to(*verb);
  for (const char* flag : {"--executor", "--isa", "--threads"}) {
    verb->get_option(flag)->needs(of_plan);
  }
  verb->add_option("--bits", plan->bits, "Of --plan: quantize a float model with random ranges")
      ->needs(of_plan)
      ->check(CLI::IsMember({8, 4, 2}));
  verb->footer("Example: coppice ops --plan ds_cnn --bits 8");
  verb->callback([plan, &status] {
    if (!plan->model.empty()) {
      const auto result = print_plan(*plan);
      status = result.ok() ? static_cast<ExitStatus>(kSuccess) : report_error(result.error());
      return;
    }
    plan->json ? print_json() : print_text();
    status = kSuccess;
  });
}

}  // namespace coppice::cli
