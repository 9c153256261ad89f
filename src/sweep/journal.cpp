#include "coppice/sweep/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "coppice/core/file.h"

namespace coppice::sweep {
namespace {

Error system_error(const char* verb, const std::filesystem::path& path) {
  return Error{ErrorCode::kIo,
               fmt::format("cannot {} {}: {}", verb, path.string(), std::strerror(errno))};
}

/// Bytes of `text` up to the end of its last whole record. A line is whole with its line feed; the
/// last one must also be JSON, for a file system may have grown the file before it had the bytes.
size_t whole_length(const std::string& text) {
  size_t length = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (length == 0) return 0;
  const size_t before = length >= 2 ? text.rfind('\n', length - 2) : std::string::npos;
  const size_t start = before == std::string::npos ? 0 : before + 1;
  return Json::accept(text.substr(start, length - start)) ? length : start;
}

}  // namespace

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::vector<Json>> Journal::read(const std::filesystem::path& path) {
  std::vector<Json> records;
  if (!std::filesystem::exists(path)) return records;
  COPPICE_TRY(std::string text, read_file(path));
  text.resize(whole_length(text));
  size_t number = 1;
  for (size_t start = 0; start < text.size(); ++number) {
    const size_t end = text.find('\n', start);
    Json record = Json::parse(text.substr(start, end - start), nullptr, /*allow_exceptions=*/false);
    if (!record.is_object()) {
      return Error{
          ErrorCode::kCorrupt,
          fmt::format("{}:{}: this line is not a record (a JSON object)", path.string(), number)};
    }
    records.push_back(std::move(record));
    start = end + 1;
  }
  return records;
}

Result<Journal> Journal::open(const std::filesystem::path& path) {
  Journal journal;
  journal.path_ = path;
  COPPICE_TRY(journal.records_, read(path));
  journal.file_ = FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (journal.file_.get() < 0) return system_error("open", path);
  COPPICE_TRY(const std::string text, read_file(path));
  if (const size_t length = whole_length(text); length < text.size()) {
    if (::ftruncate(journal.file_.get(), static_cast<off_t>(length)) != 0) {
      return system_error("repair", path);
    }
  }
  return journal;
}

Status Journal::append(const Json& record) {
  const std::string line = record.dump() + "\n";
  const off_t end = ::lseek(file_.get(), 0, SEEK_END);
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) {  // A full disk may take a part.
    const Error error = system_error("append to", path_);
    if (::ftruncate(file_.get(), end) != 0) return system_error("repair", path_);
    return error;
  }
  if (::fsync(file_.get()) != 0) return system_error("sync", path_);
  return {};
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  const auto path = folder / ".lock";
  FolderLock lock;
  lock.file_ = FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.file_.get() < 0) return system_error("create", path);
  if (::flock(lock.file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("lock", path);
    return Error{ErrorCode::kIo, fmt::format("another sweep is running in {}", folder.string())};
  }
  return lock;
}

}  // namespace coppice::sweep
