#include "cli/plan_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/model_argument.h"
#include "cli/table.h"
#include "coppice/core/text.h"
#include "coppice/exec/latency.h"

namespace coppice::cli {
namespace {

Result<Graph> plan_graph(const PlanArguments& arguments) {
  ModelArgument model;
  model.model = arguments.model;
  return open_model(model, arguments.bits);
}

double macs_per_second(int64_t macs, double microseconds) {
  return microseconds > 0 ? static_cast<double>(macs) / microseconds * 1e-3 : 0.0;
}

void print_json(const exec::Plan& plan, const std::vector<exec::Latency>& layers,
                const exec::Latency& whole) {
  auto list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < layers.size(); ++i) {
    const exec::LayerChoice& choice = plan.choices()[i];
    list.push_back({{"layer", choice.layer},
                    {"op", choice.op},
                    {"kernel", choice.kernel},
                    {"isa", isa_name(choice.isa)},
                    {"fallback", choice.fallback},
                    {"reason", choice.reason},
                    {"macs", choice.macs},
                    {"macs_executed", choice.executed_macs},
                    {"weight_bytes", choice.packed_bytes},
                    {"median_us", layers[i].median_us}});
  }
  const exec::PlanCost cost = exec::cost_of(plan);
  const nlohmann::ordered_json json = {
      {"model", plan.graph().name},          {"macs", cost.macs},
      {"macs_executed", cost.executed_macs}, {"sparsity_executed", cost.executed_sparsity()},
      {"weight_bytes", cost.packed_bytes},   {"median_us", whole.median_us},
      {"arena_bytes", plan.arena_bytes()},   {"layers", list}};
  fmt::print("{}\n", json.dump(2));
}

void print_text(const exec::Plan& plan, const std::vector<exec::Latency>& layers,
                const exec::Latency& whole) {
  using Align = Table::Align;
  Table table({{"layer", Align::kLeft},
               {"kernel", Align::kLeft},
               {"isa", Align::kLeft},
               {"MACs", Align::kRight},
               {"executed", Align::kRight},
               {"weight B", Align::kRight},
               {"us", Align::kRight},
               {"GMAC/s", Align::kRight},
               {"reason", Align::kLeft}});
  const exec::PlanCost cost = exec::cost_of(plan);
  double sum = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const exec::LayerChoice& choice = plan.choices()[i];
    const double us = layers[i].median_us;
    const bool computes = choice.macs != 0;
    table.add_row({choice.layer, choice.kernel, std::string(isa_name(choice.isa)),
                   computes ? with_thousands(choice.macs) : "",
                   computes ? with_thousands(choice.executed_macs) : "",
                   computes ? with_thousands(choice.packed_bytes) : "", fmt::format("{:.2f}", us),
                   computes ? fmt::format("{:.0f}", macs_per_second(choice.macs, us)) : "",
                   choice.fallback ? "fallback: " + choice.reason : choice.reason});
    sum += us;
  }
  table.add_rule();
  table.add_row({"layers", "", "", with_thousands(cost.macs), with_thousands(cost.executed_macs),
                 with_thousands(cost.packed_bytes), fmt::format("{:.2f}", sum),
                 fmt::format("{:.0f}", macs_per_second(cost.macs, sum))});
  table.add_row({"whole plan", "", "", "", "", "", fmt::format("{:.2f}", whole.median_us),
                 fmt::format("{:.0f}", macs_per_second(cost.macs, whole.median_us))});
  fmt::print("{}\nsparsity executed {:.1f} %; memory of activations {} bytes\n", table.text(),
             100 * cost.executed_sparsity(), with_thousands(plan.arena_bytes()));
}

}  // namespace

void PlanFlags::add_to(CLI::App& verb) {
  verb.add_option("--executor", executor, "Kernels on this machine (coppice ops lists them)")
      ->capture_default_str();
  verb.add_option("--isa", isa, "Limit of the instruction set on this machine");
  verb.add_option("--threads", threads, "Threads of one inference on this machine")
      ->capture_default_str();
}

Result<exec::Options> PlanFlags::options() const {
  exec::Options options;
  COPPICE_TRY(options.executor, exec::parse_executor(executor));
  options.threads = threads;
  if (!isa.empty()) {
    COPPICE_TRY(options.isa, parse_isa(isa));
  }
  return options;
}

void warn_of_fallbacks(const exec::Plan& plan) {
  for (const exec::LayerChoice& choice : plan.choices()) {
    if (!choice.fallback) continue;
    fmt::print(stderr, "coppice: layer \"{}\" ({}) falls back to {}: {}\n", choice.layer, choice.op,
               choice.kernel, choice.reason);
  }
}

Status print_plan(const PlanArguments& arguments) {
  COPPICE_TRY(const exec::Options options, arguments.flags.options());
  COPPICE_TRY(const Graph graph, plan_graph(arguments));
  COPPICE_TRY(const auto plan, exec::compile(graph, options));
  warn_of_fallbacks(*plan);
  const exec::LatencyOptions timing = {.clock = exec::clock_for(options)};
  const exec::Latency whole = exec::measure_latency(*plan, timing);
  const auto layers = exec::measure_layer_latency(*plan, timing);
  arguments.json ? print_json(*plan, layers, whole) : print_text(*plan, layers, whole);
  return {};
}

}  // namespace coppice::cli
