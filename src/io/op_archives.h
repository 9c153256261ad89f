#pragma once

#include <nlohmann/json.hpp>

#include "io/json_reader.h"
#include "io/op_fields.h"

namespace coppice::io {

/// Writes an op's fields.
class OpWriter {
 public:
  explicit OpWriter(nlohmann::ordered_json& json) : json_(json) {}

  void count(const char* key, int& value, int, int, std::optional<int>) { json_[key] = value; }
  void size(const char* key, Size2& value, std::optional<Size2>) {
    json_[key] = {value.h, value.w};
  }
  void number(const char* key, float& value, double, double) { json_[key] = value; }
  void activation(const char* key, Activation& value);
  void shape(const char* key, Shape& value);
  template <class Op>
  void padding(const char* key, Op& op, Size2) {
    json_[key] = {op.padding.top, op.padding.bottom, op.padding.left, op.padding.right};
  }

 private:
  nlohmann::ordered_json& json_;
};

/// Reads an op's fields. In a model file every field stands in full. Layers written by hand
/// may leave out what has a default, write one number for a square, and name their padding.
class OpReader {
 public:
  /// `input`: shape of the first input of a layer written by hand; null for a model file.
  OpReader(JsonReader& reader, const Shape* input) : reader_(reader), input_(input) {}

  void count(const char* key, int& value, int low, int high, std::optional<int> fallback);
  void size(const char* key, Size2& value, std::optional<Size2> fallback);
  void number(const char* key, float& value, double low, double high);
  void activation(const char* key, Activation& value);
  void shape(const char* key, Shape& value);
  template <class Op>
  void padding(const char* key, Op& op, Size2 dilation) {
    read_padding(key, op.padding, op.kernel, op.stride, dilation);
  }

 private:
  Presence presence(bool has_default) const;
  void read_padding(const char* key, Padding& padding, Size2 kernel, Size2 stride, Size2 dilation);

  JsonReader& reader_;
  const Shape* input_;
};

}  // namespace coppice::io
