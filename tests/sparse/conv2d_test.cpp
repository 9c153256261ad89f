#include "coppice/sparse/conv2d.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/fully_connected/reference.h"
#include "coppice/sparse/formats.h"
#include "kernels/problem.h"
#include "kernels/windows.h"
#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using kernels::Conv2DParams;
using kernels::Window2D;
using testing::for_each_window;
using testing::kRoundings;
using testing::Problem;
using testing::random_sparse;

// Convolves in both orders through one format and compares with what the specification says.
template <class Format, class Output, class T, class Bias, class... Options>
void expect_equal(const Conv2DParams& p, const Output& to, const std::vector<T>& x,
                  const DenseWeights<T>& w, const Bias* bias, const std::vector<T>& expected,
                  Options... options) {
  ASSERT_TRUE(Format::accepts(w, options...));
  std::vector<uint64_t> memory(Format::bytes(w, options...) / 8 + 9);
  void* aligned = memory.data();
  size_t space = memory.size() * 8;
  std::align(kStorageAlignment, 1, aligned, space);
  const Format format = Format::pack(w, options..., aligned);
  std::vector<uint64_t> workspace(
      std::max(output_stationary_workspace<T>(p), weight_stationary_workspace<Bias>(p)) / 8 + 1);
  std::vector<T> y(expected.size());
  conv2d_output_stationary(p, to, x.data(), format, bias, workspace.data(), y.data());
  EXPECT_EQ(y, expected) << "output-stationary";
  std::fill(y.begin(), y.end(), T{});
  conv2d_weight_stationary(p, to, x.data(), format, bias, workspace.data(), y.data());
  EXPECT_EQ(y, expected) << "weight-stationary";
}

template <class Output, class T, class Bias>
void expect_all_equal(const Conv2DParams& p, const Output& to, const std::vector<T>& x,
                      const DenseWeights<T>& w, const Bias* bias, const std::vector<T>& expected) {
  expect_equal<ZeroTested<T>>(p, to, x, w, bias, expected);
  expect_equal<KeptFilters<T>>(p, to, x, w, bias, expected);
  expect_equal<CoordinateList<T>>(p, to, x, w, bias, expected);
  expect_equal<Csr<T>>(p, to, x, w, bias, expected);
  expect_equal<Block1x4<T>>(p, to, x, w, bias, expected);
  expect_equal<Vector4x1<T>>(p, to, x, w, bias, expected);
  expect_equal<Vector16x1<T>>(p, to, x, w, bias, expected);
  expect_equal<MaskedGroups<T>>(p, to, x, w, bias, expected, 1);
  expect_equal<MaskedGroups<T>>(p, to, x, w, bias, expected, p.window.kernel_w);
  expect_equal<MaskedGroups<T>>(p, to, x, w, bias, expected, p.taps());
}

struct Channels {
  int in, out, groups;
};

TEST(SparseConv2D, EqualsReference) {
  for_each_window([](const Window2D& window, const std::string& name) {
    SCOPED_TRACE(name);
    for (const auto& [in, out, groups] : {Channels{1, 3, 1}, {5, 18, 1}, {6, 8, 2}}) {
      const Conv2DParams p{window, in, out, groups, -3};
      Problem problem(name);
      const auto x = problem.integers(9 * 7 * in);
      const auto w = random_sparse<int8_t>(name, out, p.taps() * p.in_per_group(), 0.6);
      const auto bias = problem.biases(out);
      problem.requantize(out, 6000.0 * p.taps() * p.in_per_group());
      std::vector<int8_t> y(static_cast<size_t>(window.out_h * window.out_w * out));
      for (const auto rounding : kRoundings) {
        const auto to = problem.output(rounding);
        conv2d_ref(p, to, x.data(), w.data(), bias.data(), y.data());
        expect_all_equal(p, to, x, dense_weights(p, w.data()), bias.data(), y);
      }
      conv2d_ref(p, problem.output(kRoundings[0]), x.data(), w.data(), nullptr, y.data());
      expect_all_equal<kernels::Requantize, int8_t, int32_t>(
          p, problem.output(kRoundings[0]), x, dense_weights(p, w.data()), nullptr, y);
    }
  });
}

TEST(SparseConv2D, FloatEqualsReferenceBitForBit) {
  for_each_window([](const Window2D& window, const std::string& name) {
    SCOPED_TRACE(name);
    const Conv2DParams p{window, 5, 18, 1, 0};
    Problem problem(name);
    const auto x = problem.floats(9 * 7 * 5);
    const auto w = random_sparse<float>(name, 18, p.taps() * 5, 0.6);
    const auto bias = problem.floats(18);
    std::vector<float> y(static_cast<size_t>(window.out_h * window.out_w * 18));
    kernels::ClampFloat relu;
    relu.min = 0.0f;
    conv2d_ref(p, relu, x.data(), w.data(), bias.data(), y.data());
    // The orders of the sums differ from the specification's where a format goes by channels.
    const auto dense = dense_weights(p, w.data());
    expect_equal<ZeroTested<float>>(p, relu, x, dense, bias.data(), y);
    expect_equal<KeptFilters<float>>(p, relu, x, dense, bias.data(), y);
    expect_equal<CoordinateList<float>>(p, relu, x, dense, bias.data(), y);
    expect_equal<Csr<float>>(p, relu, x, dense, bias.data(), y);
    expect_equal<Block1x4<float>>(p, relu, x, dense, bias.data(), y);
    expect_equal<MaskedGroups<float>>(p, relu, x, dense, bias.data(), y, 1);
  });
}

TEST(SparseConv2D, RunsDepthwiseLayers) {
  for_each_window([](const Window2D& window, const std::string& name) {
    SCOPED_TRACE(name);
    for (const auto& [channels, multiplier] : {std::pair{1, 1}, {19, 1}, {5, 3}}) {
      const kernels::DepthwiseConv2DParams p{window, channels, multiplier, 7};
      Problem problem(name);
      const auto x = problem.integers(9 * 7 * channels);
      const auto w = random_sparse<int8_t>(name, p.taps(), p.out_channels(), 0.5);
      const auto bias = problem.biases(p.out_channels());
      problem.requantize(p.out_channels(), 6000.0 * p.taps());
      const auto to = problem.output(kernels::Rounding::kDouble);
      std::vector<int8_t> y(static_cast<size_t>(window.out_h * window.out_w * p.out_channels()));
      depthwise_conv2d_ref(p, to, x.data(), w.data(), bias.data(), y.data());
      expect_all_equal(as_conv2d(p), to, x, dense_weights(p, w.data()), bias.data(), y);
    }
  });
}

TEST(SparseConv2D, RunsFullyConnectedLayers) {
  for (const auto& [in, out] : {std::pair{1, 1}, {7, 3}, {64, 12}, {129, 65}}) {
    const kernels::FullyConnectedParams p{in, out, -9, 0};
    Problem problem(fmt::format("{} {}", in, out));
    const auto x = problem.integers(in);
    const auto w = random_sparse<int8_t>("fc", out, in, 0.7);
    const auto bias = problem.biases(out);
    problem.requantize(out, 6000.0 * in);
    const auto to = problem.output(kernels::Rounding::kSingle);
    std::vector<int8_t> y(static_cast<size_t>(out));
    fully_connected_ref(p, to, x.data(), w.data(), bias.data(), y.data());
    expect_all_equal(as_conv2d(p), to, x, dense_weights(p, w.data()), bias.data(), y);
  }
}

}  // namespace
}  // namespace coppice::sparse
