#include "cli/model_argument.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "coppice/core/file.h"
#include "coppice/core/random.h"
#include "coppice/core/text.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/graph_json.h"
#include "coppice/io/model_file.h"
#include "coppice/quant/quantize.h"

namespace coppice::cli {
namespace {

Error config_error(std::string message) { return Error{ErrorCode::kConfig, std::move(message)}; }

Result<Shape> parse_input(const std::string& text) {
  int sizes[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool fits = true;
  for (int axis = 0; axis < 3 && fits; ++axis) {
    if (axis > 0) fits = at != end && *at++ == 'x';
    const auto [next, error] = std::from_chars(at, end, sizes[axis]);
    fits = fits && error == std::errc() && sizes[axis] > 0;
    at = next;
  }
  if (!fits || at != end) {
    return config_error(
        fmt::format("--input {}: expected height x width x channels, such as 49x40x1", text));
  }
  return Shape{sizes[0], sizes[1], sizes[2]};
}

Result<Graph> open_layers(const std::string& path, uint64_t seed) {
  COPPICE_TRY(const std::string text, read_file(path));
  auto graph = io::graph_from_layers(text, seed);
  if (!graph.ok())
    return Error{graph.error().code, fmt::format("{}: {}", path, graph.error().message)};
  return graph;
}

Result<Graph> open_file(const ModelArgument& argument) {
  if (!argument.input.empty() || argument.classes != 0) {
    return config_error("--input and --classes are for architectures of the zoo; " +
                        argument.model + " is a file");
  }
  const bool layers = std::filesystem::path(argument.model).extension() == ".json";
  return layers ? open_layers(argument.model, argument.seed) : io::load_model(argument.model);
}

Result<Graph> random_quantized(const Graph& graph, int bits, uint64_t seed) {
  constexpr uint64_t kSamples = 8;
  std::vector<std::vector<float>> calibration;
  for (uint64_t sample = 0; sample < kSamples; ++sample) {
    Random random(seed, "bench calibration", sample);
    calibration.emplace_back(static_cast<size_t>(graph.input_shape().elements()));
    for (auto& value : calibration.back()) value = random.uniform(-1.0f, 1.0f);
  }
  quant::QuantizeOptions options;
  options.weight_bits = bits;
  options.seed = seed;
  return quant::quantize(graph, calibration, options);
}

}  // namespace

void ModelArgument::add_to(CLI::App& verb) {
  CLI::Option* positional =
      verb.add_option("model", model, "Model file, architecture of the zoo, or layers as .json")
          ->required();
  const auto take_name = [positional](const std::string& name) {
    positional->add_result(name);
    positional->run_callback();
  };
  verb.add_option_function<std::string>("--arch", take_name, "The same, by a flag");
  verb.add_option("--input", input, "Input shape of an architecture, such as 49x10x1");
  verb.add_option("--classes", classes, "Classes of an architecture")->check(CLI::Range(2, 4096));
  verb.add_option("--seed", seed, "Seed of fresh weights")->capture_default_str();
}

Result<Graph> open_model(const ModelArgument& argument) {
  std::vector<std::string_view> names;
  for (const auto& entry : zoo()) names.push_back(entry.name);
  if (std::find(names.begin(), names.end(), argument.model) != names.end()) {
    Shape input;
    if (!argument.input.empty()) {
      COPPICE_TRY(input, parse_input(argument.input));
    }
    return make_zoo_model(argument.model, input, argument.classes, argument.seed);
  }
  std::error_code ignored;
  if (std::filesystem::exists(argument.model, ignored)) return open_file(argument);
  return config_error(fmt::format("\"{}\" is neither a file nor an architecture of the zoo ({}){}",
                                  argument.model, fmt::join(names, ", "),
                                  did_you_mean(argument.model, names)));
}

Result<Graph> open_model(const ModelArgument& argument, int bits) {
  COPPICE_TRY(Graph graph, open_model(argument));
  if (bits == 0 || graph.quantized()) return graph;
  return random_quantized(graph, bits, argument.seed);
}

}  // namespace coppice::cli
