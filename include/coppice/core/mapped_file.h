#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "coppice/core/result.h"

namespace coppice {

/// A file in memory without a copy of it: what is looked at comes from the system's cache. Whoever
/// truncates the file meanwhile ends the program (SIGBUS), so keep it no longer than reading takes.
class MappedFile {
 public:
  /// Errors as those of read_file(). What cannot be mapped (a pipe) is read.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const {
    return data_ == nullptr ? read_ : std::string_view(static_cast<const char*>(data_), size_);
  }

 private:
  MappedFile() = default;

  void* data_ = nullptr;
  size_t size_ = 0;
  std::string read_;
};

}  // namespace coppice
