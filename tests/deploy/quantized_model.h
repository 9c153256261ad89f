#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"

namespace coppice::testing {

/// The graph with integers, its ranges taken from random inputs.
inline Result<Graph> quantize_on_random_inputs(const Graph& graph, int bits = 8,
                                               Rounding rounding = Rounding::kDouble) {
  std::vector<std::vector<float>> calibration;
  for (uint64_t sample = 0; sample < 4; ++sample) {
    Random random(7, "calibration", sample);
    calibration.emplace_back(static_cast<size_t>(graph.input_shape().elements()));
    for (auto& value : calibration.back()) value = random.uniform(-1.0f, 1.0f);
  }
  quant::QuantizeOptions options;
  options.weight_bits = bits;
  options.rounding = rounding;
  return quant::quantize(graph, calibration, options);
}

inline Result<Graph> quantized_zoo_model(std::string_view arch, int bits = 8,
                                         Rounding rounding = Rounding::kDouble) {
  COPPICE_TRY(const Graph graph, make_zoo_model(arch, {}, 0, 1));
  return quantize_on_random_inputs(graph, bits, rounding);
}

/// A folder of the test that is running; empty at its start, removed at its end.
class TestFolder {
 public:
  TestFolder() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(info->test_suite_name()) + "." + info->name();
    for (auto& c : name) c = c == '/' ? '_' : c;
    path_ = std::filesystem::path(::testing::TempDir()) / ("coppice_" + name);
    std::filesystem::remove_all(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace coppice::testing

/// Binds a value or fails the test with the error's message.
#define COPPICE_ASSERT_OK(declaration, expression)          \
  auto COPPICE_CONCAT(outcome, __LINE__) = (expression);    \
  ASSERT_TRUE(COPPICE_CONCAT(outcome, __LINE__).ok())       \
      << COPPICE_CONCAT(outcome, __LINE__).error().message; \
  declaration = std::move(COPPICE_CONCAT(outcome, __LINE__)).value()

/// Skips the test when the cross compiler or the emulator is missing.
#define COPPICE_REQUIRE_TOOLCHAIN()                                          \
  if (const auto available = deploy::toolchain_available(); !available.ok()) \
  GTEST_SKIP() << available.error().message
