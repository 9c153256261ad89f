#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::data {

/// The digest ("md5", "sha1" or "sha256") of these bytes.
std::vector<uint8_t> digest_bytes(std::string_view algorithm, std::string_view bytes);

/// The digest of a file as lower-case hexadecimal digits; the file is read in pieces.
Result<std::string> digest_file(std::string_view algorithm, const std::filesystem::path& path);

std::string hexadecimal(const std::vector<uint8_t>& bytes);

}  // namespace coppice::data
