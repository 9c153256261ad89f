#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "coppice/io/json_reader.h"

namespace coppice::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as they lie in memory");

using Json = nlohmann::ordered_json;

// As the format's own reader.
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kLengthBytes = 8;

constexpr std::pair<std::string_view, int> kTypes[] = {
    {"F64", 8},  {"I64", 8}, {"U64", 8}, {"F32", 4}, {"I32", 4}, {"U32", 4}, {"F16", 2},
    {"BF16", 2}, {"I16", 2}, {"U16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};

std::optional<int> bytes_of_type(std::string_view dtype) {
  for (const auto& [name, bytes] : kTypes) {
    if (name == dtype) return bytes;
  }
  return std::nullopt;
}

Error corrupt(std::string what) { return Error{ErrorCode::kCorrupt, std::move(what)}; }

struct Span {
  uint64_t begin = 0, end = 0;
  std::string name;
};

bool is_size(const Json& json) {
  return json.is_number_unsigned() && json.get<uint64_t>() <= uint64_t{1} << 40;
}
bool are_sizes(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), is_size);
}

Result<Span> read_entry(const std::string& name, const Json& json, std::string_view data,
                        SafeTensors& container) {
  const auto wrong = [&](const std::string& what) {
    return corrupt(fmt::format("tensor \"{}\" {}", name, what));
  };
  const bool complete = json.is_object() && json.size() == 3 && json.contains("dtype") &&
                        json["dtype"].is_string() && json.contains("shape") &&
                        are_sizes(json["shape"]) && json.contains("data_offsets") &&
                        are_sizes(json["data_offsets"]) && json["data_offsets"].size() == 2;
  if (!complete) return wrong("needs dtype, shape and data_offsets, and nothing else");
  StoredTensor tensor{
      json["dtype"].get<std::string>(), json["shape"].get<std::vector<int64_t>>(), {}};
  const Span span{json["data_offsets"][0].get<uint64_t>(), json["data_offsets"][1].get<uint64_t>(),
                  name};
  const auto type_bytes = bytes_of_type(tensor.dtype);
  if (!type_bytes) return wrong(fmt::format("has the unknown dtype \"{}\"", tensor.dtype));
  uint64_t bytes = static_cast<uint64_t>(*type_bytes);
  for (int64_t size : tensor.shape) {
    if (size != 0 && bytes > data.size() / static_cast<uint64_t>(size))
      return wrong("is larger than the file, which is truncated or damaged");
    bytes *= static_cast<uint64_t>(size);
  }
  if (span.begin > span.end || span.end > data.size()) {
    return wrong(fmt::format("lies at bytes {} to {} of {}: the file is truncated or damaged",
                             span.begin, span.end, data.size()));
  }
  if (span.end - span.begin != bytes) {
    return wrong(fmt::format("has {} bytes, its shape needs {}", span.end - span.begin, bytes));
  }
  tensor.bytes = data.substr(span.begin, bytes);
  container.tensors[name] = std::move(tensor);
  return span;
}

Status check_layout(std::vector<Span> spans, uint64_t data_size) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t end = 0;
  for (const Span& span : spans) {
    if (span.begin != end) {
      return corrupt(fmt::format(
          "tensor \"{}\" begins at byte {}, {} the one before it, which ends at {}", span.name,
          span.begin, span.begin < end ? "inside" : "with a gap after", end));
    }
    end = span.end;
  }
  if (end != data_size)
    return corrupt(fmt::format("{} bytes after the last tensor", data_size - end));
  return {};
}

Status read_metadata(const Json& json, SafeTensors& container) {
  if (!json.is_object()) return corrupt("__metadata__ must be an object of strings");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string())
      return corrupt(fmt::format("__metadata__ \"{}\" must be a string", key));
    container.metadata[key] = value.get<std::string>();
  }
  return {};
}

}  // namespace

Result<std::string> write_safetensors(const SafeTensors& container) {
  std::vector<std::pair<const std::string*, const StoredTensor*>> order;
  for (const auto& [name, tensor] : container.tensors) order.emplace_back(&name, &tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return bytes_of_type(a.second->dtype) > bytes_of_type(b.second->dtype);
  });
  Json header = Json::object();
  header["__metadata__"] = Json::object();
  for (const auto& [key, value] : container.metadata) header["__metadata__"][key] = value;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : order) {
    const uint64_t end = offset + tensor->bytes.size();
    header[*name] = {
        {"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorCode::kInvalidArgument, "a name or a metadata text is not valid UTF-8"};
  }
  // Padding keeps the tensors on 8-byte boundaries of the file.
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const uint64_t length = text.size();
  std::string bytes(kLengthBytes, '\0');
  std::memcpy(bytes.data(), &length, kLengthBytes);
  bytes.reserve(kLengthBytes + text.size() + offset);
  bytes += text;
  for (const auto& [name, tensor] : order) bytes += tensor->bytes;
  return bytes;
}

Result<SafeTensors> read_safetensors(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return corrupt(fmt::format("{} bytes are too few for a safetensors file", bytes.size()));
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeader || length < 2) return corrupt("no safetensors file");
  if (length > bytes.size() - kLengthBytes) {
    return corrupt(fmt::format("a header of {} bytes does not fit a file of {}: truncated", length,
                               bytes.size()));
  }
  const std::string_view header = bytes.substr(kLengthBytes, length),
                         data = bytes.substr(kLengthBytes + length);
  if (header[0] != '{') return corrupt("the header is not JSON: no safetensors file");
  const auto json = parse_json(header, "header");
  if (!json.ok()) return corrupt(json.error().message);
  SafeTensors container;
  std::vector<Span> spans;
  for (const auto& [name, entry] : json->items()) {
    if (name == "__metadata__") {
      COPPICE_TRY_STATUS(read_metadata(entry, container));
      continue;
    }
    COPPICE_TRY(Span span, read_entry(name, entry, data, container));
    spans.push_back(std::move(span));
  }
  COPPICE_TRY_STATUS(check_layout(std::move(spans), data.size()));
  return container;
}

}  // namespace coppice::io
