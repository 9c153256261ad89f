#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "coppice/core/result.h"

namespace coppice {

/// The whole file as bytes. Errors name the path and the system's reason.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes through a temporary file beside `path`, syncs it and renames it, so that a reader (or a
/// crash) sees the old file or the new one and never a part. Parent folders are created.
Status write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

}  // namespace coppice
