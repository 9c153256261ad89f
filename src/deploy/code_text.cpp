#include "deploy/code_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace coppice::deploy {
namespace {

std::string definition(std::string_view type, std::string_view name,
                       const std::vector<std::string>& values) {
  return fmt::format("constexpr {} {}[{}] = {{\n{}}};\n", type, name, values.size(),
                     wrapped_values(values));
}

}  // namespace

std::string identifier(std::string_view name) {
  std::string result;
  for (char c : name) {
    result += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  if (result.empty() || std::isdigit(static_cast<unsigned char>(result[0])) != 0) {
    result.insert(0, "layer_");
  }
  return result;
}

std::string comment_text(std::string_view text) {
  std::string result(text);
  std::replace_if(
      result.begin(), result.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\\'; }, ' ');
  return result;
}

std::string float_literal(float value) {
  const std::string digits = fmt::format("{:.9g}", value);
  const bool has_point = digits.find_first_of(".e") != std::string::npos;
  return digits + (has_point ? "f" : ".0f");
}

std::string rounding_text(kernels::Rounding rounding) {
  switch (rounding) {
    case kernels::Rounding::kSingle:
      return "kernels::Rounding::kSingle";
    case kernels::Rounding::kFloat:
      return "kernels::Rounding::kFloat";
    case kernels::Rounding::kDouble:
      break;
  }
  return "kernels::Rounding::kDouble";
}

std::string window_text(const kernels::Window2D& w) {
  return fmt::format(
      "{{.in_h = {}, .in_w = {}, .out_h = {}, .out_w = {}, .kernel_h = {}, .kernel_w = {},\n"
      "               .stride_h = {}, .stride_w = {}, .dilation_h = {}, .dilation_w = {},\n"
      "               .pad_top = {}, .pad_left = {}}}",
      w.in_h, w.in_w, w.out_h, w.out_w, w.kernel_h, w.kernel_w, w.stride_h, w.stride_w,
      w.dilation_h, w.dilation_w, w.pad_top, w.pad_left);
}

std::string wrapped_values(const std::vector<std::string>& values) {
  constexpr size_t kColumns = 100;
  std::string text, line = "   ";
  for (const auto& value : values) {
    if (line.size() + value.size() + 2 > kColumns) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + value + ",";
  }
  return text + line + "\n";
}

std::string array_definition(std::string_view type, std::string_view name,
                             const std::vector<int32_t>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (int32_t value : values) texts.push_back(std::to_string(value));
  return definition(type, name, texts);
}

std::string array_definition(std::string_view name, const std::vector<float>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (float value : values) texts.push_back(float_literal(value));
  return definition("float", name, texts);
}

}  // namespace coppice::deploy
