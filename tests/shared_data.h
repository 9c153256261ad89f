#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace coppice::testing {

/// The folder of shared test data (recordings, golden vectors, models): $COPPICE_SHARED, else
/// `shared` beside the source tree.
inline std::filesystem::path shared_path(const char* relative) {
  const char* root = std::getenv("COPPICE_SHARED");
  const std::filesystem::path base =
      root != nullptr ? root : std::filesystem::path(COPPICE_SOURCE_DIR).parent_path() / "shared";
  return base / relative;
}

}  // namespace coppice::testing

/// Skips the test, and says so, when the shared file or folder is not there.
#define COPPICE_REQUIRE_SHARED(variable, relative)                            \
  const auto variable = coppice::testing::shared_path(relative);              \
  if (!std::filesystem::exists(variable)) GTEST_SKIP() << variable << " is not here"
