#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/kernels/rounding.h"
#include "coppice/kernels/window.h"

namespace coppice::deploy {

/// A name as a C++ identifier: letters, digits and '_', not beginning with a digit.
std::string identifier(std::string_view name);

/// Text that may stand in a // comment: one line.
std::string comment_text(std::string_view text);

/// A float literal that reads back as the same value.
std::string float_literal(float value);

/// Kernel parameters as C++ expressions.
std::string rounding_text(kernels::Rounding rounding);
std::string window_text(const kernels::Window2D& window);

/// `constexpr <type> <name>[<n>] = {...};` in lines of at most 100 characters.
std::string array_definition(std::string_view type, std::string_view name,
                             const std::vector<int32_t>& values);
std::string array_definition(std::string_view name, const std::vector<float>& values);

/// Comma separated values, wrapped, each line indented.
std::string wrapped_values(const std::vector<std::string>& values);

}  // namespace coppice::deploy
