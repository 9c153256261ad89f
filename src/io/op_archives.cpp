#include "io/op_archives.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/text.h"

namespace coppice::io {
namespace {

constexpr std::pair<Activation, std::string_view> kActivations[] = {
    {Activation::kNone, "none"}, {Activation::kRelu, "relu"}, {Activation::kRelu6, "relu6"}};

}  // namespace

void OpWriter::activation(const char* key, Activation& value) {
  for (const auto& [activation, name] : kActivations) {
    if (activation == value) json_[key] = name;
  }
}

void OpWriter::shape(const char* key, Shape& value) {
  json_[key] = std::vector<int>(value.begin(), value.end());
}

Presence OpReader::presence(bool has_default) const {
  return has_default && input_ != nullptr ? Presence::kOptional : Presence::kRequired;
}

void OpReader::count(const char* key, int& value, int low, int high, std::optional<int> fallback) {
  value = fallback.value_or(value);
  reader_.integer(key, value, low, high, presence(fallback.has_value()));
}

void OpReader::size(const char* key, Size2& value, std::optional<Size2> fallback) {
  value = fallback.value_or(value);
  const auto* json = reader_.get(key, presence(fallback.has_value()));
  if (json == nullptr) return;
  if (input_ != nullptr && json->IsNumber()) {
    reader_.integer(key, value.h, 1, kMaxWindow, Presence::kRequired);
    value.w = value.h;
    return;
  }
  std::vector<int> both;
  reader_.integers(key, both, 2, 2, 1, kMaxWindow, Presence::kRequired);
  if (both.size() == 2) value = {both[0], both[1]};
}

void OpReader::number(const char* key, float& value, double low, double high) {
  reader_.number(key, value, low, high, presence(true));
}

void OpReader::activation(const char* key, Activation& value) {
  std::string text = "none";
  reader_.text(key, text, presence(true));
  for (const auto& [activation, name] : kActivations) {
    if (name != text) continue;
    value = activation;
    return;
  }
  reader_.fail(key, fmt::format("unknown activation \"{}\"; expected none, relu or relu6", text));
}

void OpReader::shape(const char* key, Shape& value) {
  std::vector<int> sizes;
  reader_.integers(key, sizes, 1, 3, 1, kMaxAxis, Presence::kRequired);
  if (sizes.size() == 1) value = {sizes[0]};
  if (sizes.size() == 2) value = {sizes[0], sizes[1]};
  if (sizes.size() == 3) value = {sizes[0], sizes[1], sizes[2]};
}

void OpReader::read_padding(const char* key, Padding& padding, Size2 kernel, Size2 stride,
                            Size2 dilation) {
  const auto* json = reader_.get(key, presence(true));
  if (json == nullptr) return;
  if (input_ == nullptr || !json->IsString()) {
    std::vector<int> sides;
    reader_.integers(key, sides, 4, 4, 0, kMaxWindow, Presence::kRequired);
    if (sides.size() == 4) padding = {sides[0], sides[1], sides[2], sides[3]};
    return;
  }
  const auto name = std::string(text_of(*json));
  if (name != "same" && name != "valid") {
    return reader_.fail(
        key,
        fmt::format("expected \"same\", \"valid\" or [top, bottom, left, right], found \"{}\"{}",
                    name, did_you_mean(name, std::vector<std::string>{"same", "valid"})));
  }
  if (name == "same" && input_->rank() == 3) {
    padding = same_padding({(*input_)[0], (*input_)[1]}, kernel, stride, dilation);
  }
}

}  // namespace coppice::io
