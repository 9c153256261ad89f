#include "coppice/core/gnuplot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "coppice/core/file.h"
#include "coppice/core/process.h"

namespace coppice {
namespace {

TEST(Gnuplot, MissingProgramNamesThePackage) {
  const char* path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ::setenv("PATH", "/nonexistent", 1);
  const auto status = run_gnuplot("print 1");
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  EXPECT_NE(status.error().message.find("gnuplot-nox"), std::string::npos);
}

TEST(Gnuplot, DrawsOrTellsGnuplotsReason) {
  if (!program_exists("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  const auto file = std::filesystem::temp_directory_path() /
                    ("coppice_gnuplot_" + std::to_string(::getpid()) + ".svg");
  const auto status = run_gnuplot("set terminal svg\nset output '" + file.string() +
                                  "'\n$data << EOD\n1 2\n3 4\nEOD\nplot $data with lines\n");
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(read_file(file)->compare(0, 5, "<?xml"), 0);
  std::filesystem::remove(file);
  const auto broken = run_gnuplot("set terminal svg\nplot undefined_thing\n");
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("undefined"), std::string::npos) << broken.error().message;
}

}  // namespace
}  // namespace coppice
