#include "coppice/audio/mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "coppice/audio/log_mel.h"
#include "coppice/audio/mfcc.h"
#include "naive.h"

namespace coppice::audio {
namespace {

template <class Bank>
std::vector<std::vector<double>> dense(const Bank&) {
  std::vector<std::vector<double>> matrix(Bank::kBands, std::vector<double>(Bank::kBins));
  for (size_t b = 0; b < matrix.size(); ++b) {
    const auto band = Bank::bands()[b];
    for (size_t i = 0; i < band.count; ++i) {
      matrix[b][band.first + i] = Bank::weights()[band.offset + i];
    }
  }
  return matrix;
}

// The published formulas, written another way: mel frequencies by bisection of the forward formula.
double slaney_mel(double hz) {
  return hz < 1000 ? hz * 0.015 : 15 + std::log(hz / 1000) * 27 / std::log(6.4);
}
double htk_mel(double hz) {
  return 2595 * std::log10(1 + hz / 700) * (1127 / (2595 / std::log(10)));
}
template <class Mel>
double inverse(Mel mel, double value) {
  double low = 0, high = 20000;
  for (int i = 0; i < 100; ++i) (mel((low + high) / 2) < value ? low : high) = (low + high) / 2;
  return low;
}

TEST(MelBank, SlaneyEqualsItsFormula) {
  const auto matrix = dense(LogMel::Bank{});
  for (int b = 0; b < 40; ++b) {
    const double step = slaney_mel(8000) / 41;
    const double left = inverse(slaney_mel, b * step), centre = inverse(slaney_mel, (b + 1) * step);
    const double right = inverse(slaney_mel, (b + 2) * step);
    for (int bin = 0; bin <= 512; ++bin) {
      const double hz = bin * 15.625;
      const double triangle =
          std::max(0.0, std::min((hz - left) / (centre - left), (right - hz) / (right - centre)));
      EXPECT_NEAR(matrix[b][bin], triangle * 2 / (right - left), 1e-8) << b << " " << bin;
    }
  }
}

TEST(MelBank, SlaneyFiltersHaveUnitArea) {
  const auto matrix = dense(LogMel::Bank{});
  for (size_t b = 0; b < matrix.size(); ++b) {
    double area = 0, largest = 0;
    for (double weight : matrix[b]) {
      area += weight * 15.625;
      largest = std::max(largest, weight);
    }
    // Sampling a triangle every 15.625 Hz misses at most a quarter step at each of its three
    // corners.
    EXPECT_NEAR(area, 1.0, 0.75 * 15.625 * largest) << b;
  }
  // The number that the study reports.
  EXPECT_EQ(LogMel::Bank::weights().size(), 981u);
}

TEST(MelBank, HtkEqualsItsFormula) {
  const auto matrix = dense(Mfcc::Bank{});
  const double low = htk_mel(20), step = (htk_mel(4000) - low) / 41;
  for (int b = 0; b < 40; ++b) {
    const double left = low + b * step;
    for (int bin = 0; bin <= 256; ++bin) {
      const double mel = htk_mel(bin * 31.25);
      const double triangle =
          std::max(0.0, std::min((mel - left) / step, (left + 2 * step - mel) / step));
      EXPECT_NEAR(matrix[b][bin], bin == 0 ? 0 : triangle, 1e-6) << b << " " << bin;
    }
  }
}

TEST(MelBank, HtkFiltersSumToOneBetweenTheOuterCentres) {
  const auto matrix = dense(Mfcc::Bank{});
  const double low = htk_mel(20), step = (htk_mel(4000) - low) / 41;
  for (int bin = 1; bin <= 256; ++bin) {
    const double mel = htk_mel(bin * 31.25);
    if (mel < low + step || mel > low + 40 * step) continue;
    double sum = 0;
    for (const auto& band : matrix) sum += band[bin];
    EXPECT_NEAR(sum, 1.0, 2 * testing::kEpsilon) << bin;
  }
}

TEST(MelBank, SparseSumsEqualDenseOnes) {
  const auto matrix = dense(LogMel::Bank{});
  testing::Noise noise(3);
  std::array<float, LogMel::Bank::kBins> spectrum;
  for (auto& value : spectrum) value = std::abs(noise());
  std::array<float, 40> out;
  LogMel::Bank::apply(spectrum, out);
  for (size_t b = 0; b < out.size(); ++b) {
    double sum = 0;
    for (size_t bin = 0; bin < spectrum.size(); ++bin) sum += matrix[b][bin] * spectrum[bin];
    EXPECT_NEAR(out[b], sum, LogMel::Bank::bands()[b].count * testing::kEpsilon * sum) << b;
  }
  EXPECT_LE(LogMel::Bank::end_bin(), LogMel::Bank::kBins);
}

}  // namespace
}  // namespace coppice::audio
