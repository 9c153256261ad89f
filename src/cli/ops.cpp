#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/verbs.h"
#include "coppice/data/front_end.h"
#include "coppice/deploy/generate.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/op.h"
#include "coppice/graph/zoo.h"
#include "coppice/prune/registry.h"
#include "coppice/quant/calibration.h"

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

// One line a list; each comes from the room that owns it.
std::vector<Section> all_sections() {
  return {
      section("ops", "Operations of a graph", listed_ops()),
      section("archs", "Architectures of the zoo", zoo()),
      section("front_ends", "Audio features", data::front_ends()),
      section("granularities", "Granularities of pruning", prune::granularities()),
      section("criteria", "Criteria of pruning", prune::criteria()),
      section("scopes", "Scopes of pruning", prune::scopes()),
      section("calibrations", "Calibrations of quantization", quant::calibrations()),
      section("executors", "Executors on this CPU", exec::executors()),
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
  auto json = std::make_shared<bool>(false);
  auto* verb =
      app.add_subcommand("ops", "List operations, architectures, front ends, executors, targets");
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([json, &status] {
    *json ? print_json() : print_text();
    status = kSuccess;
  });
}

}  // namespace coppice::cli
