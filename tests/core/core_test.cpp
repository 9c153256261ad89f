#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <vector>

#include "coppice/core/cpu.h"
#include "coppice/core/file.h"
#include "coppice/core/packed.h"
#include "coppice/core/process.h"
#include "coppice/core/thread_pool.h"

namespace coppice {
namespace {

TEST(Packed, RoundTripsAtEveryWidth) {
  for (int bits : {8, 4, 2}) {
    const int low = -(1 << (bits - 1)), high = (1 << (bits - 1)) - 1;
    for (size_t count : {0, 1, 3, 7, 8, 9, 63, 65}) {
      std::vector<uint8_t> bytes(packed_bytes(count, bits), 0);
      std::vector<int8_t> values;
      for (size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<int8_t>(low + static_cast<int>(i * 5) % (high - low + 1)));
        packed_set(bytes.data(), i, bits, values.back());
      }
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(packed_get(bytes.data(), i, bits), values[i]);
    }
  }
}

TEST(Packed, LowNibbleFirst) {
  std::vector<uint8_t> bytes(1, 0);
  packed_set(bytes.data(), 0, 4, -8);
  packed_set(bytes.data(), 1, 4, 7);
  EXPECT_EQ(bytes[0], 0x78);
}

TEST(ThreadPool, RunsEachIndexOnceManyTimes) {
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> seen(17);
    pool.run(17, [&](int i) { ++seen[static_cast<size_t>(i)]; });
    for (const auto& count : seen) ASSERT_EQ(count, 1);
  }
}

TEST(Cpu, ForceVariableLimitsTheChoice) {
  ::setenv("COPPICE_FORCE_ISA", "scalar", 1);
  ASSERT_TRUE(active_isa().ok());
  EXPECT_EQ(*active_isa(), Isa::kScalar);
  ::setenv("COPPICE_FORCE_ISA", "avx1024", 1);
  ASSERT_FALSE(active_isa().ok());
  EXPECT_NE(active_isa().error().message.find("avx1024"), std::string::npos);
  ::unsetenv("COPPICE_FORCE_ISA");
  ASSERT_TRUE(active_isa().ok());
  EXPECT_TRUE(isa_supported(*active_isa()));
}

TEST(File, AtomicWriteReplacesAndNamesErrors) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "coppice_file_test";
  const auto path = folder / "deep" / "a.txt";
  ASSERT_TRUE(write_file_atomic(path, "one").ok());
  ASSERT_TRUE(write_file_atomic(path, "two").ok());
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
  const auto missing = read_file(folder / "missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("missing"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(Process, CapturesStreamsInputAndExitCode) {
  const std::string input(300000, 'x');  // More than a pipe holds: both sides must keep moving.
  const auto cat = run_process({"cat"}, true, input);
  ASSERT_TRUE(cat.ok());
  EXPECT_EQ(cat->output, input);
  const auto fail = run_process({"sh", "-c", "echo oops >&2; exit 3"});
  ASSERT_TRUE(fail.ok());
  EXPECT_EQ(fail->exit_code, 3);
  EXPECT_EQ(fail->errors, "oops\n");
  EXPECT_FALSE(run_process({"coppice-no-such-program"}).ok());
  EXPECT_TRUE(program_exists("sh"));
  EXPECT_FALSE(program_exists("coppice-no-such-program"));
}

}  // namespace
}  // namespace coppice
