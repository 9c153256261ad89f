#include "coppice/core/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace coppice {
namespace {

Error io_error(const std::filesystem::path& path, const char* verb) {
  return Error{ErrorCode::kIo, "cannot " + std::string(verb) + " " + path.string() + ": " +
                                   std::strerror(errno)};
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    return Error{ErrorCode::kIo, "cannot read " + path.string() + ": it is a folder"};
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    auto error = io_error(path, "open");
    error.code = ErrorCode::kNotFound;
    return error;
  }
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  if (stream.bad()) return io_error(path, "read");
  return std::move(bytes).str();
}

Status write_file_atomic(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code code;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), code);
  auto temporary = path;
  temporary += "." + std::to_string(::getpid()) + ".tmp";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io_error(temporary, "create");
  const bool written = write_all(file, bytes) && ::fsync(file) == 0;
  const auto error = io_error(temporary, "write");
  ::close(file);
  if (!written) {
    ::unlink(temporary.c_str());
    return error;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error(path, "replace");
  return {};
}

}  // namespace coppice
