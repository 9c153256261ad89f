#include "coppice/core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace coppice {
namespace {

Error io_error(const std::filesystem::path& path, const char* verb) {
  return Error{ErrorCode::kIo,
               "cannot " + std::string(verb) + " " + path.string() + ": " + std::strerror(errno)};
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
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    auto error = io_error(path, "open");
    error.code = ErrorCode::kNotFound;
    return error;
  }
  struct stat status {};
  const bool sized = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  // One byte more than there should be, so that the end shows without growing.
  std::string bytes(sized ? static_cast<size_t>(status.st_size) + 1 : 4096, '\0');
  size_t end = 0;
  ssize_t got = 0;
  while ((got = ::read(file, bytes.data() + end, bytes.size() - end)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    end += static_cast<size_t>(got);
    if (end == bytes.size()) bytes.resize(2 * end);
  }
  const auto error = io_error(path, "read");
  ::close(file);
  if (got < 0) return error;
  bytes.resize(end);
  return bytes;
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
