// Whole files: written in one piece, read and mapped.

#include "coppice/core/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "coppice/core/mapped_file.h"

namespace coppice {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() { std::filesystem::create_directories(folder_); }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("coppice_file_test_" + std::to_string(::getpid()));
};

TEST_F(FileTest, ReadsAndMapsWhatWasWritten) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31) >> 3);
    const auto path = folder_ / std::to_string(size);
    ASSERT_TRUE(write_file_atomic(path, bytes).ok());
    const auto read = read_file(path);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, bytes);
    auto mapped = MappedFile::open(path);
    ASSERT_TRUE(mapped.ok());
    EXPECT_EQ(mapped->bytes(), bytes);
    const MappedFile moved = std::move(*mapped);
    EXPECT_EQ(moved.bytes(), bytes);
    EXPECT_TRUE(mapped->bytes().empty());
  }
}

// A pipe has no size and cannot be mapped.
TEST_F(FileTest, ReadsAPipeToItsEnd) {
  const std::string bytes(10000, 'x');
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  ::close(ends[1]);
  const auto mapped = MappedFile::open("/proc/self/fd/" + std::to_string(ends[0]));
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(mapped->bytes(), bytes);
  ::close(ends[0]);
}

TEST_F(FileTest, ErrorsNameThePath) {
  const auto missing = folder_ / "missing";
  for (const Error& error : {read_file(missing).error(), MappedFile::open(missing).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kNotFound);
    EXPECT_NE(error.message.find(missing.string()), std::string::npos);
  }
  for (const Error& error : {read_file(folder_).error(), MappedFile::open(folder_).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kIo);
    EXPECT_NE(error.message.find(folder_.string()), std::string::npos);
  }
}

}  // namespace
}  // namespace coppice
