#include "support/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace coppice::bench {
namespace {

struct Name {
  std::string work, contender;
};
Name split(const std::string& name) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) return {"", name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

bool ours(const std::string& contender) { return contender.rfind("coppice:", 0) == 0; }

// Fastest times of a piece of work in one run.
struct Fastest {
  Measured our, peer;  // Names are contenders; empty if there is none.
};
void keep_faster(Measured& best, const std::string& contender, const Measured& measured) {
  if (!best.name.empty() && best.median_us <= measured.median_us) return;
  best = {contender, measured.median_us, measured.floor_us};
}

std::map<std::string, Fastest> fastest_by_work(const Medians& run) {
  std::map<std::string, Fastest> fastest;
  for (const Measured& measured : run) {
    const auto [work, contender] = split(measured.name);
    Fastest& of = fastest[work];
    keep_faster(ours(contender) ? of.our : of.peer, contender, measured);
  }
  return fastest;
}

double median(std::vector<double> values) {
  const size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(middle), values.end());
  return values[middle];
}

size_t nearest(const std::vector<double>& values, double wanted) {
  const auto closer = [wanted](double a, double b) {
    return std::abs(a - wanted) < std::abs(b - wanted);
  };
  return static_cast<size_t>(std::min_element(values.begin(), values.end(), closer) -
                             values.begin());
}

std::string time_text(double us) { return fmt::format("{:.{}f}", us, us < 10 ? 2 : 1); }

Result<nlohmann::json> read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::kNotFound, path + ": cannot be read"};
  auto json = nlohmann::json::parse(file, nullptr, false);
  if (json.is_discarded() || !json.contains("benchmarks") || !json.contains("context")) {
    return Error{ErrorCode::kCorrupt, path + ": not the JSON of a benchmark program"};
  }
  return Result<nlohmann::json>(std::move(json));
}

// The median of repetitions, or the only one.
bool is_median(const nlohmann::json& entry) {
  if (entry.value("run_type", "") == "aggregate")
    return entry.value("aggregate_name", "") == "median";
  return entry.value("repetitions", 1) == 1;
}

std::string floor_text(const Measured& our) {
  return our.floor_us > 0 ? fmt::format("{:.2f}", our.median_us / our.floor_us) : std::string();
}

}  // namespace

Result<Medians> read_run(const std::string& path) {
  COPPICE_TRY(const nlohmann::json json, read_json(path));
  const std::map<std::string, double> microseconds = {
      {"ns", 1e-3}, {"us", 1.0}, {"ms", 1e3}, {"s", 1e6}};
  Medians run;
  for (const auto& entry : json["benchmarks"]) {
    if (!is_median(entry)) continue;
    run.push_back({entry.value("run_name", ""),
                   entry.value("cpu_time", 0.0) * microseconds.at(entry.value("time_unit", "ns")),
                   entry.value("floor_us", 0.0)});
  }
  return run;
}

Result<std::string> describe_machine(const std::string& path) {
  COPPICE_TRY(const nlohmann::json json, read_json(path));
  const auto& context = json["context"];
  const auto giga = [&](const char* key) { return 1e-9 * std::stod(context.value(key, "0")); };
  return fmt::format(
      "{}, {}, {}; peaks of one core, measured then: {:.0f} GMAC/s in float, {:.0f} in int8.",
      context.value("date", "").substr(0, 10), context.value("cpu", ""), context.value("isa", ""),
      giga("peak_float_mac_per_s"), giga("peak_int8_mac_per_s"));
}

Result<std::string> limits_table(const std::string& path) {
  COPPICE_TRY(const nlohmann::json json, read_json(path));
  std::map<std::string, std::string> rows;
  for (const auto& entry : json["benchmarks"]) {
    if (!is_median(entry)) continue;
    const bool load = entry.contains("bytes/s");
    const double rate = entry.value(load ? "bytes/s" : "MAC/s", 0.0);
    const auto name = entry.value("run_name", "");
    rows[name] = fmt::format("| {} | {:.0f} {} |\n", name, 1e-9 * rate, load ? "GB/s" : "GMAC/s");
  }
  std::string text = "| loop | one core |\n|---|---|\n";
  for (const auto& [name, row] : rows) text += row;
  return text;
}

std::string comparison_table(const std::vector<Medians>& runs) {
  std::vector<std::string> works;  // In the order of their first appearance after sorting by name.
  std::set<std::string> peers;
  std::map<std::string, std::map<std::string, double>> lowest;
  std::map<std::string, Measured> best;
  std::map<std::string, std::vector<double>> ratios;
  for (const Medians& run : runs) {
    for (const Measured& measured : run) {
      const auto [work, contender] = split(measured.name);
      if (!ours(contender)) peers.insert(contender);
      const auto [at, added] = lowest[work].emplace(contender, measured.median_us);
      if (!added) at->second = std::min(at->second, measured.median_us);
    }
    for (const auto& [work, fastest] : fastest_by_work(run)) {
      if (!fastest.our.name.empty()) keep_faster(best[work], fastest.our.name, fastest.our);
      if (fastest.our.name.empty() || fastest.peer.name.empty()) continue;
      ratios[work].push_back(fastest.peer.median_us / fastest.our.median_us);
    }
  }
  std::string text = "| work | Coppice | by | times the floor |";
  std::string rule = "|---|---|---|---|";
  for (const auto& peer : peers) text += fmt::format(" {} |", peer), rule += "---|";
  text += " faster than the best peer |\n" + rule + "---|\n";
  for (const auto& [work, times] : lowest) {
    const Measured& our = best[work];
    text += our.name.empty() ? fmt::format("| {} | | | |", work)
                             : fmt::format("| {} | {} | {} | {} |", work, time_text(our.median_us),
                                           our.name.substr(std::string_view("coppice:").size()),
                                           floor_text(our));
    for (const auto& peer : peers) {
      const auto found = times.find(peer);
      text += found == times.end() ? " |" : fmt::format(" {} |", time_text(found->second));
    }
    const auto& of = ratios[work];
    text += of.empty() ? " |\n" : fmt::format(" {:.2f}x |\n", median(of));
  }
  return text;
}

std::vector<Curve> sparse_curves(const Medians& run) {
  std::map<std::string, Fastest> fastest = fastest_by_work(run);
  std::map<std::string, Curve> curves;  // By layer/type/granularity.
  for (const auto& [work, best] : fastest) {
    const auto [key, sparsity] = split(work);
    const auto [layer_type, granularity] = split(key);
    if (granularity == "dense" || best.our.name.empty()) continue;
    const auto [layer, type] = split(layer_type);
    Curve& curve = curves[key];
    curve.layer = layer, curve.type = type, curve.granularity = granularity;
    curve.sparsity.push_back(std::stod(sparsity));  // "0.50" sorts as 0.5 does.
    curve.time_us.push_back(best.our.median_us);
    curve.contender.push_back(best.our.name);
    const auto dense = fastest.find(layer_type + "/dense/0.00");
    if (dense == fastest.end()) continue;
    if (!dense->second.our.name.empty()) curve.our_dense_us = dense->second.our.median_us;
    if (!dense->second.peer.name.empty()) curve.peer_dense_us = dense->second.peer.median_us;
  }
  std::vector<Curve> sorted;
  for (auto& [key, curve] : curves) sorted.push_back(std::move(curve));
  return sorted;
}

std::string executors_table(const Medians& run) {
  // By layer/type/granularity, contender, sparsity.
  std::map<std::string, std::map<std::string, std::map<std::string, double>>> tables;
  std::map<std::string, std::set<std::string>> columns;
  for (const Measured& measured : run) {
    const auto [work, contender] = split(measured.name);
    const auto [key, sparsity] = split(work);
    tables[key][contender][sparsity] = measured.median_us;
    columns[key].insert(sparsity);
  }
  std::string text;
  for (const auto& [key, rows] : tables) {
    text += fmt::format("### {}\n\n| us at sparsity |", key);
    std::string rule = "|---|";
    for (const auto& sparsity : columns[key])
      text += fmt::format(" {} |", sparsity), rule += "---|";
    text += "\n" + rule + "\n";
    for (const auto& [contender, times] : rows) {
      text += fmt::format("| {} |", contender);
      for (const auto& sparsity : columns[key]) {
        const auto found = times.find(sparsity);
        text += found == times.end() ? " |" : fmt::format(" {} |", time_text(found->second));
      }
      text += "\n";
    }
    text += "\n";
  }
  return text;
}

std::optional<double> break_even(const Curve& curve, double dense_us) {
  for (size_t i = curve.time_us.size(); i-- > 0;) {
    if (curve.time_us[i] <= dense_us) continue;
    if (i + 1 == curve.time_us.size()) return std::nullopt;
    const double share = (curve.time_us[i] - dense_us) / (curve.time_us[i] - curve.time_us[i + 1]);
    return curve.sparsity[i] + share * (curve.sparsity[i + 1] - curve.sparsity[i]);
  }
  return curve.sparsity.front();  // Faster at all measured sparsities.
}

std::string break_even_table(const std::vector<Curve>& curves) {
  constexpr double kShown[] = {0.5, 0.7, 0.8, 0.9};
  const auto even = [](const Curve& curve, std::optional<double> dense) -> std::string {
    if (!dense) return "";
    const auto sparsity = break_even(curve, *dense);
    if (!sparsity) return "never";
    const bool always = *sparsity <= curve.sparsity.front();
    return fmt::format("{}{:.0f} %", always ? "<= " : "", 100 * *sparsity);
  };
  const auto time = [](std::optional<double> us) { return us ? time_text(*us) : std::string(); };
  const auto ratio = [](std::optional<double> dense, double us) {
    return dense ? fmt::format("{:.2f}x", *dense / us) : std::string("-");
  };
  std::string text =
      "| layer | type | granularity | our dense | peer dense | breaks even with ours | with the "
      "peer |";
  std::string rule = "|---|---|---|---|---|---|---|";
  for (const double shown : kShown) {
    text += fmt::format(" {:.0f} % |", 100 * shown);
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const Curve& curve : curves) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |", curve.layer, curve.type,
                        curve.granularity, time(curve.our_dense_us), time(curve.peer_dense_us),
                        even(curve, curve.our_dense_us), even(curve, curve.peer_dense_us));
    for (const double shown : kShown) {
      const size_t at = nearest(curve.sparsity, shown);
      const double us = curve.time_us[at];
      // A balanced pattern has 81 % where the others have 80.
      text += std::abs(curve.sparsity[at] - shown) > 0.02
                  ? std::string(" |")
                  : fmt::format(" {} ({}, {}) |", time_text(us), ratio(curve.our_dense_us, us),
                                ratio(curve.peer_dense_us, us));
    }
    text += "\n";
  }
  return text;
}

}  // namespace coppice::bench
