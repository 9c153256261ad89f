#include "io/safetensors.h"

#include <fmt/format.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/json_reader.h"

namespace coppice::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as they lie in memory");

using Json = nlohmann::ordered_json;

// As the format's own reader.
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kLengthBytes = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

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

// Fills a container from the header's events: no tree of values is built. The first event that does
// not belong where it comes ends the reading.
class HeaderReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, HeaderReader> {
 public:
  HeaderReader(std::string_view data, SafeTensors& container)
      : data_(data), container_(container) {}

  const std::optional<Error>& error() const { return error_; }

  bool Default() { return refuse(); }
  bool Uint(unsigned value) { return Uint64(value); }
  bool Uint64(uint64_t value) {
    if (place_ != Place::kSizes || value > uint64_t{1} << 40) return refuse();
    sizes_->push_back(static_cast<int64_t>(value));
    return true;
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (text_ == nullptr) return refuse();
    std::exchange(text_, nullptr)->assign(text, length);
    return true;
  }
  bool StartObject() {
    if (place_ != Place::kFile && place_ != Place::kHeader) return refuse();
    place_ = place_ == Place::kFile  ? Place::kHeader
             : name_ == kMetadataKey ? Place::kMetadata
                                     : Place::kTensor;
    return true;
  }
  bool StartArray() {
    if (place_ != Place::kTensor || sizes_ == nullptr) return refuse();
    place_ = Place::kSizes;
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    sizes_ = nullptr;
    place_ = Place::kTensor;
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    const Place place = std::exchange(place_, Place::kHeader);
    return place != Place::kTensor || add_tensor();
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    const std::string_view name(text, length);
    if (place_ == Place::kTensor) return open_field(name);
    name_ = name;
    if (place_ == Place::kHeader && name == kMetadataKey)
      return !std::exchange(has_metadata_, true) || stands_twice(name);
    if (place_ == Place::kMetadata) {
      const auto [value, is_new] = container_.metadata.try_emplace(name_);
      text_ = &value->second;
      return is_new || stands_twice(name);
    }
    const auto [tensor, is_new] = container_.tensors.try_emplace(name_);
    tensor_ = &tensor->second;
    offsets_.clear();
    fields_ = 0;
    return is_new || stands_twice(name);
  }

 private:
  enum class Place { kFile, kHeader, kMetadata, kTensor, kSizes };

  bool fail(std::string what) {
    error_ = corrupt(std::move(what));
    return false;
  }
  bool wrong(const std::string& what) { return fail(fmt::format("tensor \"{}\" {}", name_, what)); }
  bool stands_twice(std::string_view key) {
    return fail(fmt::format("header: key \"{}\" stands twice in one object", key));
  }
  bool refuse() {
    if (place_ == Place::kMetadata)
      return fail(fmt::format("{} \"{}\" must be a string", kMetadataKey, name_));
    if (place_ == Place::kHeader && name_ == kMetadataKey)
      return fail(fmt::format("{} must be an object of strings", kMetadataKey));
    return wrong("needs dtype, shape and data_offsets, and nothing else");
  }

  // The value that follows may go there and nowhere else.
  bool open_field(std::string_view name) {
    const int field = name == "dtype" ? 1 : name == "shape" ? 2 : name == "data_offsets" ? 4 : 0;
    if (field == 0) return refuse();
    text_ = field == 1 ? &tensor_->dtype : nullptr;
    sizes_ = field == 2 ? &tensor_->shape : field == 4 ? &offsets_ : nullptr;
    return (std::exchange(fields_, fields_ | field) & field) == 0 || stands_twice(name);
  }

  bool add_tensor() {
    if (fields_ != 7 || offsets_.size() != 2) return refuse();
    const auto type_bytes = bytes_of_type(tensor_->dtype);
    if (!type_bytes) return wrong(fmt::format("has the unknown dtype \"{}\"", tensor_->dtype));
    uint64_t bytes = static_cast<uint64_t>(*type_bytes);
    for (int64_t size : tensor_->shape) {
      if (size != 0 && bytes > data_.size() / static_cast<uint64_t>(size))
        return wrong("is larger than the file, which is truncated or damaged");
      bytes *= static_cast<uint64_t>(size);
    }
    const auto begin = static_cast<uint64_t>(offsets_[0]), end = static_cast<uint64_t>(offsets_[1]);
    if (begin > end || end > data_.size()) {
      return wrong(fmt::format("lies at bytes {} to {} of {}: the file is truncated or damaged",
                               begin, end, data_.size()));
    }
    if (end - begin != bytes)
      return wrong(fmt::format("has {} bytes, its shape needs {}", end - begin, bytes));
    tensor_->bytes = data_.substr(begin, bytes);
    return true;
  }

  std::string_view data_;
  SafeTensors& container_;
  std::optional<Error> error_;
  Place place_ = Place::kFile;
  std::string name_;  // The last key that is not a tensor's field.
  StoredTensor* tensor_ = nullptr;
  std::vector<int64_t> offsets_;
  bool has_metadata_ = false;
  int fields_ = 0;  // Of the tensor, one bit each: those that were there.
  std::string* text_ = nullptr;
  std::vector<int64_t>* sizes_ = nullptr;
};

Status check_layout(const SafeTensors& container, std::string_view data) {
  std::vector<std::pair<std::string_view, const std::string*>> order;
  for (const auto& [name, tensor] : container.tensors) order.emplace_back(tensor.bytes, &name);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first.data() != b.first.data() ? a.first.data() < b.first.data()
                                            : a.first.size() < b.first.size();
  });
  size_t end = 0;
  for (const auto& [bytes, name] : order) {
    const auto begin = static_cast<size_t>(bytes.data() - data.data());
    if (begin != end) {
      return corrupt(
          fmt::format("tensor \"{}\" begins at byte {}, {} the one before it, which ends at {}",
                      *name, begin, begin < end ? "inside" : "with a gap after", end));
    }
    end += bytes.size();
  }
  if (end != data.size())
    return corrupt(fmt::format("{} bytes after the last tensor", data.size() - end));
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
  Json& metadata = header[std::string(kMetadataKey)] = Json::object();
  for (const auto& [key, value] : container.metadata) metadata[key] = value;
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
  SafeTensors container;
  HeaderReader handler(data, container);
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(header.data(), header.size());
  if (!reader.Parse<kJsonFlags>(stream, handler) || stream.Tell() != header.size()) {
    const auto json = parse_json(header);  // Broken syntax says more than what it leads to.
    return json.ok() ? *handler.error() : corrupt("header: " + json.error().message);
  }
  COPPICE_TRY_STATUS(check_layout(container, data));
  return container;
}

}  // namespace coppice::io
