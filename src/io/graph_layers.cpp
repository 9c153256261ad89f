#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "coppice/core/text.h"
#include "coppice/graph/builder.h"
#include "coppice/io/graph_json.h"
#include "io/op_archives.h"

namespace coppice::io {
namespace {

// A layer with more weights is a mistake: no memory for it.
constexpr int64_t kMaxWeights = int64_t{1} << 28;
constexpr int kMaxInputAxis = 4096;

bool has_bias(const Op& op) {
  const auto parameters = parameter_shapes(op, Shape{1, 1, 1});
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const auto& p) { return p.first == "bias"; });
}

bool fits(const Shape& shape) {
  return shape.elements() <= kMaxElements &&
         *std::max_element(shape.begin(), shape.end()) <= kMaxAxis;
}

// Grows the graph one layer at a time.
class LayerList {
 public:
  LayerList(std::string name, const Shape& input, uint64_t seed)
      : builder_(std::move(name), input, seed), last_(builder_.input()) {
    tensors_["input"] = last_;
  }

  Status add(const JsonValue& json, const std::string& pointer) {
    JsonReader reader(json, pointer);
    std::string op_text;
    reader.text("op", op_text, Presence::kRequired);
    Op op;
    if (auto made = make_op(op_text); made.ok()) {
      op = *made;
    } else {
      reader.fail("op", made.error().message);
    }
    std::string name = fmt::format("{}_{}", op_text, ++counts_[op_text]);
    reader.text("name", name, Presence::kOptional);
    if (name.empty()) reader.fail("name", "must not be empty");
    if (tensors_.count(name) != 0)
      reader.fail("name", fmt::format("\"{}\" is the name of an earlier layer", name));
    const auto inputs = read_inputs(reader);
    OpReader op_reader(reader, &builder_.shape(inputs[0]));
    std::visit([&](auto& typed) { fields(op_reader, typed); }, op);
    bool bias = true;
    if (has_bias(op)) reader.boolean("bias", bias, Presence::kOptional);
    COPPICE_TRY_STATUS(reader.finish());
    COPPICE_TRY_STATUS(check_size(op, inputs, pointer));
    last_ = builder_.add(op, inputs, name, bias);
    tensors_[name] = last_;
    unread_[last_] = pointer;
    for (const auto input : inputs) unread_.erase(input);
    return {};
  }

  Result<Graph> finish(const std::string& output) && {
    auto result = last_;
    if (!output.empty()) {
      if (tensors_.count(output) == 0)
        return Error{ErrorCode::kConfig, "/output: " + no_layer(output)};
      result = tensors_[output];
    }
    unread_.erase(result);
    if (!unread_.empty()) {
      return Error{ErrorCode::kConfig,
                   unread_.begin()->second + ": no layer reads this one's output"};
    }
    return std::move(builder_).finish(result);
  }

 private:
  using Tensor = GraphBuilder::Tensor;

  std::string no_layer(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [known, tensor] : tensors_) names.push_back(known);
    return fmt::format("no earlier layer is called \"{}\"{}", name, did_you_mean(name, names));
  }

  std::vector<Tensor> read_inputs(JsonReader& reader) {
    std::vector<std::string> names;
    std::vector<Tensor> inputs;
    reader.texts("inputs", names, Presence::kOptional);
    for (size_t i = 0; i < names.size(); ++i) {
      const auto found = tensors_.find(names[i]);
      if (found == tensors_.end()) {
        reader.fail(fmt::format("inputs/{}", i), no_layer(names[i]));
      } else {
        inputs.push_back(found->second);
      }
    }
    if (inputs.empty()) inputs.push_back(last_);
    return inputs;
  }

  Status check_size(const Op& op, const std::vector<Tensor>& inputs,
                    const std::string& pointer) const {
    std::vector<Shape> shapes;
    for (const auto input : inputs) shapes.push_back(builder_.shape(input));
    if (inputs.size() > kMaxNodeInputs)
      return Error{ErrorCode::kConfig, pointer + "/inputs: too many"};
    const auto output = infer_shape(op, shapes);
    std::string what = output.ok() ? "" : output.error().message;
    if (output.ok() && !fits(*output)) what = "its output is too large";
    if (what.empty()) {
      for (const auto& [name, shape] : parameter_shapes(op, shapes[0])) {
        if (shape.elements() > kMaxWeights)
          what = fmt::format("its {} has more than 2^28 elements", name);
      }
    }
    if (what.empty()) return {};
    return Error{ErrorCode::kConfig, fmt::format("{} ({}): {}", pointer, op_name(op), what)};
  }

  GraphBuilder builder_;
  Tensor last_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, int> counts_;
  std::map<Tensor, std::string> unread_;
};

}  // namespace

Result<Graph> graph_from_layers(std::string_view text, uint64_t seed) {
  COPPICE_TRY(const JsonDocument json, parse_json(text));
  JsonReader reader(json, "");
  std::string name = "layers", output, schema;
  std::vector<int> input;
  std::vector<std::string> class_names;
  reader.text("$schema", schema, Presence::kOptional);
  reader.text("name", name, Presence::kOptional);
  reader.integers("input", input, 3, 3, 1, kMaxInputAxis, Presence::kRequired);
  reader.texts("class_names", class_names, Presence::kOptional);
  reader.text("output", output, Presence::kOptional);
  if (!reader.ok()) return reader.finish().error();
  const Shape shape{input[0], input[1], input[2]};
  if (!fits(shape)) return Error{ErrorCode::kConfig, "/input: has more than 2^30 elements"};
  LayerList layers(name, shape, seed);
  reader.elements(
      "layers", Presence::kRequired,
      [&](const JsonValue& item, const std::string& pointer) { return layers.add(item, pointer); });
  COPPICE_TRY_STATUS(reader.finish());
  if (json["layers"].Empty())
    return Error{ErrorCode::kConfig, "/layers: a model needs at least one layer"};
  COPPICE_TRY(Graph graph, std::move(layers).finish(output));
  if (!class_names.empty() &&
      static_cast<int64_t>(class_names.size()) != graph.output_shape().elements()) {
    return Error{ErrorCode::kConfig,
                 fmt::format("/class_names: {} names for {} outputs", class_names.size(),
                             graph.output_shape().elements())};
  }
  graph.class_names = std::move(class_names);
  return graph;
}

}  // namespace coppice::io
