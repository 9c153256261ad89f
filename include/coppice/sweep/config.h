#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// A sweep as a person wrote it, checked, with every default filled in.
struct Config {
  std::string name;
  std::vector<uint64_t> seeds;
  /// All keys. A swept value is {"values": [...]}, also where the text gave a range.
  Json resolved;
  /// The text, for errors that are found later.
  LocatedJson source;
};

/// Checks `text` strictly and resolves it. `source` names it in errors; `assignments` are applied
/// first, in order ("steps.1.prune.sparsity=0.5"). All faults are reported at once, one a line:
/// `configs/x.json:14:9: /steps/1/prune/sparsty: unknown key; did you mean "sparsity"?`.
Result<Config> parse_config(std::string_view text, const std::string& source,
                            const std::vector<std::string>& assignments = {});

/// The same for a file.
Result<Config> load_config(const std::filesystem::path& path,
                           const std::vector<std::string>& assignments = {});

/// Whether `value` stands for several values: {"values": [...]} or {"min", "max", "n", "scale"}.
bool is_swept(const Json& value);

/// Builds the model of a resolved "model" object ({"arch"}, {"layers"} or {"file"}), without swept
/// values. An empty `input` or `classes` 0 takes the default of the architecture.
Result<Graph> build_model(const Json& model, const Shape& input, int classes, uint64_t seed);

/// Checks that each layer pattern of the steps matches a layer of each model that the sweep builds.
/// Done by parse_config's callers before any work; separate, because it builds the models.
Status check_layer_patterns(const Config& config);

}  // namespace coppice::sweep
