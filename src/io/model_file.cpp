#include "coppice/io/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <utility>

#include "coppice/core/file.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/packed.h"
#include "coppice/io/graph_json.h"
#include "io/safetensors.h"

namespace coppice::io {
namespace {

constexpr const char* kGraphKey = "coppice.graph";

Error file_error(const std::filesystem::path& path, const Error& error) {
  return Error{error.code, fmt::format("{}: {}", path.string(), error.message)};
}

Error corrupt(std::string what) { return Error{ErrorCode::kCorrupt, std::move(what)}; }

std::vector<int64_t> sizes_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// How integers of a width lie in the file.
struct IntegerStorage {
  const char* dtype;
  std::vector<int64_t> shape;
};

IntegerStorage integer_storage(const Shape& shape, int bits) {
  if (bits == 32) return {"I32", sizes_of(shape)};
  if (bits == 8) return {"I8", sizes_of(shape)};
  const auto count = static_cast<size_t>(shape.elements());
  return {"U8", {static_cast<int64_t>(packed_bytes(count, bits))}};
}

Result<std::string> pack_integers(const QuantizedValues& quantized) {
  const int bits = quantized.bits;
  if (bits == 32) return std::string(bytes_of(quantized.values));
  if (bits != 2 && bits != 4 && bits != 8) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("integers of {} bits; expected 2, 4, 8 or 32", bits)};
  }
  const int half = 1 << (bits - 1);
  std::string bytes(packed_bytes(quantized.values.size(), bits), '\0');
  for (size_t i = 0; i < quantized.values.size(); ++i) {
    const int32_t value = quantized.values[i];
    if (value < -half || value >= half) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} does not fit {} bits", value, bits)};
    }
    packed_set(reinterpret_cast<uint8_t*>(bytes.data()), i, bits, static_cast<int8_t>(value));
  }
  return bytes;
}

std::vector<int32_t> unpack_integers(std::string_view bytes, size_t count, int bits) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bits == 8) {
    const auto* signed_data = reinterpret_cast<const int8_t*>(data);
    return {signed_data, signed_data + count};
  }
  std::vector<int32_t> values(count);
  if (bits == 32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (size_t i = 0; i < count; ++i) values[i] = packed_get(data, i, bits);
  return values;
}

// The mask is 0 or 1, and what it prunes is zero.
Status check_pruned(const std::string& name, const Parameter& parameter) {
  for (size_t i = 0; i < parameter.mask.size(); ++i) {
    if (parameter.mask[i] > 1)
      return corrupt(fmt::format("the mask of \"{}\" holds {}", name, parameter.mask[i]));
    if (parameter.mask[i] == 1) continue;
    if (parameter.value[i] != 0.0f ||
        (parameter.quantized && parameter.quantized->values[i] != 0)) {
      return corrupt(fmt::format("\"{}\" is pruned at element {} but is not zero there", name, i));
    }
  }
  return {};
}

// `packed` keeps what the container's views point to.
Status store_parameter(const std::string& name, const Parameter& parameter, SafeTensors& container,
                       std::deque<std::string>& packed) {
  COPPICE_TRY_STATUS(check_pruned(name, parameter));
  container.tensors[name] = {"F32", sizes_of(parameter.shape), bytes_of(parameter.value)};
  if (!parameter.mask.empty()) {
    container.tensors[name + ".mask"] = {"U8", sizes_of(parameter.shape), bytes_of(parameter.mask)};
  }
  if (const auto& quantized = parameter.quantized) {
    auto integers = pack_integers(*quantized);
    if (!integers.ok()) {
      return Error{integers.error().code, fmt::format("{}: {}", name, integers.error().message)};
    }
    packed.push_back(std::move(*integers));
    auto storage = integer_storage(parameter.shape, quantized->bits);
    container.tensors[name + ".quantized"] = {storage.dtype, std::move(storage.shape),
                                              packed.back()};
    container.tensors[name + ".scale"] = {
        "F32", {static_cast<int64_t>(quantized->scales.size())}, bytes_of(quantized->scales)};
  }
  return {};
}

// Takes tensors out of a container by name, type and shape.
class TensorTaker {
 public:
  explicit TensorTaker(SafeTensors container) : container_(std::move(container)) {}

  Result<std::string_view> take(const std::string& name, const char* dtype,
                                const std::vector<int64_t>& shape) {
    const auto found = container_.tensors.find(name);
    if (found == container_.tensors.end())
      return corrupt(fmt::format("lacks the tensor \"{}\"", name));
    const StoredTensor tensor = std::move(found->second);
    container_.tensors.erase(found);
    if (tensor.dtype != dtype || tensor.shape != shape) {
      return corrupt(fmt::format("tensor \"{}\" is {} [{}], expected {} [{}]", name, tensor.dtype,
                                 fmt::join(tensor.shape, ", "), dtype, fmt::join(shape, ", ")));
    }
    return tensor.bytes;
  }

  template <class T>
  Status take_values(const std::string& name, const char* dtype, const std::vector<int64_t>& shape,
                     std::vector<T>& values) {
    COPPICE_TRY(const std::string_view bytes, take(name, dtype, shape));
    values.resize(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return {};
  }

  Status finish() const {
    if (container_.tensors.empty()) return {};
    return corrupt(
        fmt::format("tensor \"{}\" belongs to no layer", container_.tensors.begin()->first));
  }

 private:
  SafeTensors container_;
};

Status load_quantized(const std::string& name, Parameter& parameter, TensorTaker& tensors) {
  QuantizedValues& quantized = *parameter.quantized;
  const auto storage = integer_storage(parameter.shape, quantized.bits);
  COPPICE_TRY(const std::string_view bytes,
              tensors.take(name + ".quantized", storage.dtype, storage.shape));
  quantized.values =
      unpack_integers(bytes, static_cast<size_t>(parameter.shape.elements()), quantized.bits);
  const int64_t scales = quantized.axis < 0 ? 1 : parameter.shape[quantized.axis];
  COPPICE_TRY_STATUS(tensors.take_values(name + ".scale", "F32", {scales}, quantized.scales));
  for (float scale : quantized.scales) {
    if (!(scale > 0.0f && std::isfinite(scale)))
      return corrupt(fmt::format("\"{}\" has the scale {}", name, scale));
  }
  return {};
}

Status load_parameter(const std::string& name, Parameter& parameter, TensorTaker& tensors) {
  COPPICE_TRY_STATUS(tensors.take_values(name, "F32", sizes_of(parameter.shape), parameter.value));
  if (!parameter.mask.empty()) {
    COPPICE_TRY_STATUS(
        tensors.take_values(name + ".mask", "U8", sizes_of(parameter.shape), parameter.mask));
  }
  if (parameter.quantized) COPPICE_TRY_STATUS(load_quantized(name, parameter, tensors));
  return check_pruned(name, parameter);
}

}  // namespace

Result<std::string> model_to_bytes(const Graph& graph) {
  COPPICE_TRY_STATUS(validate(graph));
  SafeTensors container;
  std::deque<std::string> packed;
  for (const auto& node : graph.nodes) {
    for (const auto& parameter : node.parameters) {
      COPPICE_TRY_STATUS(
          store_parameter(node.name + "." + parameter.name, parameter, container, packed));
    }
  }
  COPPICE_TRY(std::string text, graph_to_json(graph));
  container.metadata = {{kGraphKey, std::move(text)}, {"coppice.version", COPPICE_VERSION}};
  return write_safetensors(container);
}

Result<Graph> model_from_bytes(std::string_view bytes) {
  COPPICE_TRY(SafeTensors container, read_safetensors(bytes));
  const auto text = container.metadata.find(kGraphKey);
  if (text == container.metadata.end()) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a safetensors file, but no Coppice model: its metadata lacks \"{}\"",
                             kGraphKey)};
  }
  auto graph = graph_from_json(std::exchange(text->second, {}));
  if (!graph.ok()) return corrupt(fmt::format("{}: {}", kGraphKey, graph.error().message));
  TensorTaker tensors(std::move(container));
  for (auto& node : graph->nodes) {
    for (auto& parameter : node.parameters) {
      COPPICE_TRY_STATUS(load_parameter(node.name + "." + parameter.name, parameter, tensors));
    }
  }
  COPPICE_TRY_STATUS(tensors.finish());
  if (const Status valid = validate(*graph); !valid.ok()) return corrupt(valid.error().message);
  return graph;
}

Status save_model(const Graph& graph, const std::filesystem::path& path) {
  const auto bytes = model_to_bytes(graph);
  if (!bytes.ok()) return file_error(path, bytes.error());
  return write_file_atomic(path, *bytes);
}

Result<Graph> load_model(const std::filesystem::path& path) {
  COPPICE_TRY(const MappedFile file, MappedFile::open(path));
  auto graph = model_from_bytes(file.bytes());
  if (!graph.ok()) return file_error(path, graph.error());
  return graph;
}

}  // namespace coppice::io
