#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/core/packed.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/conv2d/scalar.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/fully_connected/reference.h"
#include "coppice/kernels/packed_weights.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::for_each_window;
using testing::kRoundings;
using testing::make_window;
using testing::Problem;

struct ConvCase {
  int in_channels, out_channels, groups;
};
constexpr ConvCase kConvCases[] = {{1, 1, 1},   {3, 5, 1}, {4, 65, 1},
                                   {8, 130, 2}, {6, 9, 3}, {17, 16, 1}};

TEST(Conv2D, ScalarEqualsReference) {
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const ConvCase& size : kConvCases) {
      const std::string trace =
          fmt::format("{} {}->{} g{}", name, size.in_channels, size.out_channels, size.groups);
      SCOPED_TRACE(trace);
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups, -3};
      Problem problem(trace);
      const auto x = problem.integers(window.in_h * window.in_w * p.in_channels);
      const auto w = problem.integers(p.weights(), -127);
      const auto bias = problem.biases(p.out_channels);
      problem.requantize(p.out_channels, 6000.0 * p.taps() * p.in_per_group());
      std::vector<int8_t> packed(w.size());
      pack_conv2d_scalar(p, w.data(), packed.data());
      std::vector<int8_t> expected(
          static_cast<size_t>(window.out_h * window.out_w * p.out_channels)),
          y = expected;
      for (const Rounding rounding : kRoundings) {
        for (const int32_t* b : {bias.data(), static_cast<const int32_t*>(nullptr)}) {
          conv2d_ref(p, problem.output(rounding), x.data(), w.data(), b, expected.data());
          conv2d_scalar(p, problem.output(rounding), x.data(), packed.data(), b, y.data());
          EXPECT_EQ(y, expected);
        }
      }
    }
  });
}

TEST(Conv2D, FloatScalarEqualsReferenceBitForBit) {
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const ConvCase& size : kConvCases) {
      SCOPED_TRACE(name);
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups, 0};
      Problem problem(name);
      const auto x = problem.floats(window.in_h * window.in_w * p.in_channels);
      const auto w = problem.floats(p.weights());
      const auto bias = problem.floats(p.out_channels);
      std::vector<float> packed(w.size());
      pack_conv2d_scalar(p, w.data(), packed.data());
      std::vector<float> expected(
          static_cast<size_t>(window.out_h * window.out_w * p.out_channels)),
          y = expected;
      ClampFloat relu;
      relu.min = 0.0f;
      conv2d_ref(p, relu, x.data(), w.data(), bias.data(), expected.data());
      conv2d_scalar(p, relu, x.data(), packed.data(), bias.data(), y.data());
      EXPECT_EQ(y, expected);
    }
  });
}

TEST(Conv2D, ByHand) {
  // 2x2 image, 2x2 kernel, padding 1 at the top and left: the first output sees one pixel.
  const Conv2DParams p{{2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1}, 1, 1, 1, 10};
  const int8_t x[] = {11, 12, 13, 14}, w[] = {1, 2, 3, 4};
  const int32_t bias = 100, multiplier = 1 << 30, shift = 0;  // Halves.
  Requantize to;
  to.multiplier = &multiplier;
  to.shift = &shift;
  int8_t y[4];
  conv2d_ref(p, to, x, w, &bias, y);
  // Sums 4, 1*3+2*4 = 11, 1*2+3*4 = 14, 1+4+9+16 = 30, halved with the bias, halves up.
  EXPECT_EQ((std::vector<int>(y, y + 4)), (std::vector<int>{52, 56, 57, 65}));
}

TEST(DepthwiseConv2D, EqualsGroupedConvolution) {
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const auto& [channels, multiplier] :
         {std::pair{1, 1}, {3, 1}, {65, 1}, {130, 1}, {5, 2}, {23, 3}}) {
      const std::string trace = fmt::format("{} {}*{}", name, channels, multiplier);
      SCOPED_TRACE(trace);
      const DepthwiseConv2DParams p{window, channels, multiplier, 7};
      const Conv2DParams grouped{window, channels, p.out_channels(), channels, 7};
      Problem problem(trace);
      const auto x = problem.integers(window.in_h * window.in_w * channels);
      const auto w = problem.integers(p.weights());
      const auto bias = problem.biases(p.out_channels());
      problem.requantize(p.out_channels(), 6000.0 * p.taps());
      std::vector<int8_t> ohwi(w.size());
      for (int i = 0; i < p.weights(); ++i) {
        const int tap = i / p.out_channels(), o = i % p.out_channels();
        ohwi[static_cast<size_t>(o * p.taps() + tap)] = w[static_cast<size_t>(i)];
      }
      std::vector<int8_t> expected(
          static_cast<size_t>(window.out_h * window.out_w * p.out_channels())),
          y = expected;
      for (const Rounding rounding : kRoundings) {
        conv2d_ref(grouped, problem.output(rounding), x.data(), ohwi.data(), bias.data(),
                   expected.data());
        depthwise_conv2d_ref(p, problem.output(rounding), x.data(), w.data(), bias.data(),
                             y.data());
        EXPECT_EQ(y, expected);
      }
    }
  });
}

TEST(FullyConnected, EqualsPointwiseConvolution) {
  for (const auto& [in, out] : {std::pair{1, 1}, {7, 3}, {64, 12}, {129, 65}}) {
    const FullyConnectedParams p{in, out, -9, 0};
    const Conv2DParams pointwise{{}, in, out, 1, -9};
    Problem problem(fmt::format("{} {}", in, out));
    const auto x = problem.integers(in), w = problem.integers(in * out);
    const auto bias = problem.biases(out);
    problem.requantize(out, 6000.0 * in);
    std::vector<int8_t> expected(static_cast<size_t>(out)), y = expected;
    conv2d_ref(pointwise, problem.output(Rounding::kDouble), x.data(), w.data(), bias.data(),
               expected.data());
    fully_connected_ref(p, problem.output(Rounding::kDouble), x.data(), w.data(), bias.data(),
                        y.data());
    EXPECT_EQ(y, expected);
  }
}

template <int kBits>
void expect_packed_equals_plain() {
  const int low = -(1 << (kBits - 1)), high = -low - 1;
  const Conv2DParams conv{make_window(6, 5, 3, 2, 1, 1, 1), 5, 7, 1, 2};
  const DepthwiseConv2DParams depthwise{conv.window, 7, 1, 2};
  Problem problem(fmt::format("packed {}", kBits));
  const auto x = problem.integers(6 * 5 * 7);
  const auto w = problem.integers(conv.weights(), low, high);
  problem.requantize(7, 500.0);
  std::vector<uint8_t> storage(packed_bytes(w.size(), kBits), 0);
  for (size_t i = 0; i < w.size(); ++i) packed_set(storage.data(), i, kBits, w[i]);
  const PackedWeights<kBits> packed{storage.data()};
  const auto to = problem.output(Rounding::kDouble);
  std::vector<int8_t> expected(static_cast<size_t>(conv.window.out_h * conv.window.out_w * 7)),
      y = expected;
  conv2d_ref(conv, to, x.data(), w.data(), nullptr, expected.data());
  conv2d_ref(conv, to, x.data(), packed, nullptr, y.data());
  EXPECT_EQ(y, expected);
  depthwise_conv2d_ref(depthwise, to, x.data(), w.data(), nullptr, expected.data());
  depthwise_conv2d_ref(depthwise, to, x.data(), packed, nullptr, y.data());
  EXPECT_EQ(y, expected);
}

TEST(PackedWeights, EqualUnpackedOnes) {
  expect_packed_equals_plain<4>();
  expect_packed_equals_plain<2>();
}

}  // namespace
}  // namespace coppice::kernels
