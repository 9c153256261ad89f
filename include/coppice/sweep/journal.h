#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// A file descriptor that closes itself.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// results.jsonl: one JSON object a line, only ever appended to. A record is written with one
/// write and synced before append() returns, so that a stop at any moment loses at most the record
/// that was being written, and that one is then not there at all.
class Journal {
 public:
  /// The records of a file, which is left alone; none when it is not there. A last line that was
  /// cut off does not count.
  static Result<std::vector<Json>> read(const std::filesystem::path& path);

  /// Opens or creates the file. A last line that was cut off is removed from it; any other line
  /// that is not a JSON object is an error that names it.
  static Result<Journal> open(const std::filesystem::path& path);

  /// The records that were there when the file was opened, in order.
  const std::vector<Json>& records() const { return records_; }

  /// Adds a line. Callers from several threads hold their own lock.
  Status append(const Json& record);

 private:
  std::filesystem::path path_;
  FileHandle file_;
  std::vector<Json> records_;
};

/// Holds a run's folder for one sweep at a time. The system lets go of it when the process ends,
/// however it ends.
class FolderLock {
 public:
  /// An error when another process holds the folder. The folder is created.
  static Result<FolderLock> take(const std::filesystem::path& folder);

 private:
  FileHandle file_;
};

}  // namespace coppice::sweep
