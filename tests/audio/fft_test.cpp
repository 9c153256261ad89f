#include "coppice/audio/fft.h"

#include <gtest/gtest.h>

#include "coppice/audio/fixed_fft.h"
#include "naive.h"

namespace coppice::audio {
namespace {

using testing::Noise;

template <class Size>
class Fft : public ::testing::Test {};

template <int N>
using Int = std::integral_constant<int, N>;
using Sizes = ::testing::Types<Int<8>, Int<16>, Int<32>, Int<64>, Int<128>, Int<256>, Int<512>,
                               Int<1024>, Int<2048>>;
TYPED_TEST_SUITE(Fft, Sizes);

TYPED_TEST(Fft, FloatEqualsTheDefinitionWithinItsBound) {
  constexpr int kSize = TypeParam::value;
  using Transform = RealFft<kSize>;
  typename Transform::Workspace workspace;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    Noise noise(seed);
    std::array<float, kSize> input;
    // Noise, a constant, a single sample.
    for (auto& value : input) value = seed == 0 ? noise() : seed == 1 ? 0.7f : 0.0f;
    if (seed == 2) input[kSize / 2 + 1] = -1.0f;
    const std::vector<double> exact(input.begin(), input.end());
    const auto expected = testing::naive_dft(exact);
    const double bound = testing::fft_error_bound(exact);
    const auto spectrum = Transform::forward(input, workspace);
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(spectrum.real[k], expected[k].real(), bound) << k;
      EXPECT_NEAR(spectrum.imaginary[k], expected[k].imag(), bound) << k;
    }
  }
}

TYPED_TEST(Fft, FixedPointIsNearTheDefinition) {
  constexpr int kSize = TypeParam::value;
  using Transform = FixedRealFft<kSize>;
  typename Transform::Workspace workspace;
  Noise noise(7);
  std::array<int16_t, kSize> input;
  for (auto& value : input) value = static_cast<int16_t>(noise() * 32767);
  const auto expected = testing::naive_dft(std::vector<double>(input.begin(), input.end()));
  std::array<ComplexQ15, Transform::kBins> output;
  Transform::forward(input, output, workspace);
  // A pass joins four values, each rounded twice (1/2 in both parts) and scaled by 32764/32768
  // instead of 1: less than 4 sqrt(2) + 4 units. Later passes do not magnify what earlier ones
  // lost.
  const double bound = 10 * (std::log2(kSize) / 2 + 1);
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_NEAR(output[k].real, expected[k].real() / kSize, bound) << k;
    EXPECT_NEAR(output[k].imaginary, expected[k].imag() / kSize, bound) << k;
  }
}

TEST(FixedFft, ScalesByTheNumberOfPoints) {
  using Transform = FixedRealFft<512>;
  Transform::Workspace workspace;
  std::array<int16_t, 512> input;
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] =
        static_cast<int16_t>(std::lround(30000 * cos_turn(static_cast<int64_t>(20 * i), 512)));
  }
  std::array<ComplexQ15, Transform::kBins> output;
  Transform::forward(input, output, workspace);
  EXPECT_NEAR(output[20].real, 15000, 15);
  for (size_t k = 0; k < output.size(); ++k) {
    if (k == 20) continue;
    EXPECT_LE(std::abs(output[k].real) + std::abs(output[k].imaginary), 8) << k;
  }
}

}  // namespace
}  // namespace coppice::audio
