#include "coppice/sweep/grid.h"

#include <openssl/evp.h>

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "coppice/core/file.h"
#include "coppice/sweep/tables.h"

namespace coppice::sweep {
namespace {

/// Digits of a trial's id and of the name of a cached model: 64 bits, so that two of a million
/// trials are equal with a probability of 3e-8.
constexpr size_t kIdDigits = 16;

struct Axis {
  std::string pointer;
  Json values;
};

void find_axes(const Json& value, const std::string& pointer, std::vector<Axis>& axes) {
  if (is_swept(value)) {
    axes.push_back({pointer, value["values"]});
  } else if (value.is_object()) {
    for (const auto& [key, entry] : value.items())
      find_axes(entry, child_pointer(pointer, key), axes);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) find_axes(value[i], child_pointer(pointer, i), axes);
  }
}

/// Keys in alphabetical order, so that the order of the text does not change the hash.
std::string canonical_text(const Json& value) { return nlohmann::json(value).dump(); }

std::string hash_of(const Json& value) { return sha256_hex(canonical_text(value), kIdDigits); }

Json named(const TrialStep& step) { return Json{{step.name, step.options}}; }

/// Which steps of one point are switched on.
std::vector<bool> active_steps(const Json& steps) {
  std::vector<bool> active;
  bool pruned = false, quantized = false;
  for (const Json& step : steps) {
    const std::string& name = step.begin().key();
    const Json& options = *step.begin();
    const StepKind& kind = *find_step_kind(name);
    bool on = kind.switch_key == nullptr || options[kind.switch_key] != kind.off_value;
    if (options.value(kOnlyAfterPruning, false) && !pruned) on = false;
    if (kind.table == &qat_table() && !quantized) on = false;
    const bool prunes = kind.table == &prune_table() || kind.table == &sparsify_table();
    if (on && prunes) pruned = true;
    if (on && kind.table == &quantize_table()) quantized = true;
    active.push_back(on);
  }
  return active;
}

/// The value of a swept setting as the record shows it.
Json shown_value(const Axis& axis, const Json& value, const Json& steps,
                 const std::vector<bool>& active) {
  for (size_t i = 0; i < active.size(); ++i) {
    if (active[i]) continue;
    const std::string& name = steps[i].begin().key();
    const std::string step_pointer = fmt::format("/steps/{}/{}/", i, name);
    if (axis.pointer.rfind(step_pointer, 0) != 0) continue;
    const StepKind& kind = *find_step_kind(name);
    return axis.pointer == step_pointer + kind.switch_key ? kind.off_value : Json();
  }
  return value;
}

/// Content hashes of model files, each read once.
class FileHashes {
 public:
  Status add_to(Json& model) {
    if (!model.contains("file")) return {};
    const auto path = model["file"].get<std::string>();
    auto found = known_.find(path);
    if (found == known_.end()) {
      COPPICE_TRY(const std::string bytes, read_file(path));
      found = known_.emplace(path, sha256_hex(bytes)).first;
    }
    model["sha256"] = found->second;
    return {};
  }

 private:
  std::map<std::string, std::string> known_;
};

Trial make_trial(const Json& point, uint64_t seed, const std::vector<bool>& active) {
  Trial trial;
  trial.seed = seed;
  trial.dataset = point["dataset"];
  trial.model = point["model"];
  Json prefix = trial.canonical();
  trial.initial_key = hash_of(prefix);
  for (size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) continue;
    TrialStep step{point["steps"][i].begin().key(), *point["steps"][i].begin(), i, {}};
    step.options.erase(kOnlyAfterPruning);
    if (find_step_kind(step.name)->changes_model) prefix["steps"].push_back(named(step));
    step.key = hash_of(prefix);
    trial.steps.push_back(std::move(step));
  }
  trial.id = hash_of(trial.canonical());
  return trial;
}

}  // namespace

Json Trial::canonical() const {
  Json result = {{"dataset", dataset}, {"model", model}, {"seed", seed}, {"steps", Json::array()}};
  for (const TrialStep& step : steps) result["steps"].push_back(named(step));
  return result;
}

Result<std::vector<Trial>> expand(const Config& config) {
  Json base;
  for (const char* part : {"dataset", "model", "steps"}) base[part] = config.resolved[part];
  std::vector<Axis> axes;
  find_axes(base, "", axes);
  size_t points = 1;
  for (const Axis& axis : axes) points *= axis.values.size();
  constexpr size_t kMostPoints = 1000000;
  if (points > kMostPoints) {
    return Error{ErrorCode::kConfig, fmt::format("the grid has {} points; at most {} are allowed",
                                                 points, kMostPoints)};
  }

  FileHashes files;
  std::vector<Trial> trials;
  std::set<std::string> ids;
  for (const uint64_t seed : config.seeds) {
    for (size_t index = 0; index < points; ++index) {
      Json point = base;
      std::vector<Json> values(axes.size());
      for (size_t a = axes.size(), rest = index; a-- > 0; rest /= axes[a].values.size()) {
        values[a] = axes[a].values[rest % axes[a].values.size()];
        point[Json::json_pointer(axes[a].pointer)] = values[a];
      }
      COPPICE_TRY_STATUS(files.add_to(point["model"]));
      const std::vector<bool> active = active_steps(point["steps"]);
      Trial trial = make_trial(point, seed, active);
      if (!ids.insert(trial.id).second) continue;
      for (size_t a = 0; a < axes.size(); ++a) {
        trial.swept.emplace_back(axes[a].pointer,
                                 shown_value(axes[a], values[a], point["steps"], active));
      }
      trials.push_back(std::move(trial));
    }
  }
  return trials;
}

std::string sha256_hex(std::string_view text, size_t digits) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex.substr(0, digits);
}

}  // namespace coppice::sweep
