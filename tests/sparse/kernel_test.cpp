#include "coppice/sparse/kernel.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/problem.h"
#include "kernels/windows.h"
#include "sparse/aligned_bytes.h"
#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using kernels::Conv2DParams;
using kernels::Requantize;
using testing::AlignedBytes;
using testing::BorderedImage;
using testing::for_each_window;
using testing::kRoundings;
using testing::make_window;
using testing::Problem;
using testing::random_balanced;
using testing::random_sparse;

/// y of one kernel in two calls of some rows each, as int8; no other byte is written.
std::vector<int8_t> run(const SparseConv2DU8& kernel, const Conv2DParams& p, const Requantize& to,
                        const std::vector<int8_t>& x, const std::vector<int8_t>& w,
                        const int32_t* bias) {
  AlignedBytes packed(kernel.packed_bytes(p, w.data()));
  EXPECT_TRUE(kernel.pack(p, to, w.data(), bias, packed.data()));
  auto in = BorderedImage<uint8_t>::input_of(p.window, p.in_channels,
                                             static_cast<uint8_t>(p.x_zero + 128));
  in.set(x);
  const int rows = p.window.out_h;
  BorderedImage<uint8_t> out(rows, p.window.out_w, p.out_channels, 1, 2, 1, 1, 77, 77);
  kernel.run(p, packed.data(), in.image(), out.image(), {0, rows / 2});
  kernel.run(p, packed.data(), in.image(), out.image(), {rows / 2, rows});
  EXPECT_TRUE(out.intact(77));
  return out.get<int8_t>();
}

void expect_equal(const Conv2DParams& p, const std::string& name, const std::vector<int8_t>& w) {
  SCOPED_TRACE(name);
  Problem problem(name);
  const auto x = problem.integers(p.window.in_h * p.window.in_w * p.in_channels);
  const auto bias = problem.biases(p.out_channels);
  problem.requantize(p.out_channels, 4000.0 * p.taps() * p.in_per_group());
  std::vector<int8_t> expected(
      static_cast<size_t>(p.window.out_h * p.window.out_w * p.out_channels));
  for (const auto rounding : kRoundings) {
    for (const bool relu : {false, true}) {
      Requantize to = problem.output(rounding);
      if (relu) to.zero = to.min = -128, to.max = 127;
      conv2d_ref(p, to, x.data(), w.data(), bias.data(), expected.data());
      for (const SparseConv2DU8& kernel : sparse_conv2d_u8()) {
        if (!isa_supported(kernel.isa) || !kernel.accepts(p, w.data())) continue;
        EXPECT_EQ(run(kernel, p, to, x, w, bias.data()), expected) << kernel.name;
      }
    }
  }
}

TEST(SparseKernels, EqualReferenceOverWindows) {
  for_each_window([](const kernels::Window2D& window, const std::string& name) {
    const Conv2DParams p{window, 9, 37, 1, -3};
    expect_equal(p, name, random_sparse<int8_t>(name, 37, p.taps() * 9, 0.7));
    const Conv2DParams grouped{window, 12, 20, 2, 5};
    expect_equal(grouped, name, random_sparse<int8_t>(name, 20, p.taps() * 6, 0.7));
  });
}

TEST(SparseKernels, EqualReferenceOverChannels) {
  for (const int in : {4, 16, 33, 64, 65, 96, 128, 129}) {
    for (const int out : {4, 8, 16, 17, 33, 48, 63, 64, 65, 130}) {
      for (const double sparsity : {0.0, 0.5, 0.95, 1.0}) {
        const Conv2DParams p{make_window(5, 3, 1, 1, 1, 1, 0), in, out, 1, 11};
        const auto name = fmt::format("{}->{} {}", in, out, sparsity);
        expect_equal(p, name, random_sparse<int8_t>(name, out, in, sparsity));
      }
    }
  }
}

TEST(SparseKernels, EqualReferenceOnDeepLayers) {
  const Conv2DParams conv{make_window(6, 5, 3, 3, 1, 1, 1), 64, 64, 1, -128};
  expect_equal(conv, "3x3", random_sparse<int8_t>("3x3", 64, 576, 0.8));
  expect_equal(conv, "3x3 blocks", random_sparse<int8_t>("3x3 blocks", 64, 576, 0.8, 1, 4));
  expect_equal(conv, "3x3 balanced", random_balanced("3x3 balanced", 64, 576, 64, 12));
  expect_equal(conv, "3x3 2:4", random_balanced("3x3 2:4", 64, 576, 4, 2));
  // Fully connected: one window of one pixel.
  const Conv2DParams fc{{}, 4000, 128, 1, 4};
  expect_equal(fc, "fc", random_sparse<int8_t>("fc", 128, 4000, 0.9));
  expect_equal(fc, "fc 1:8", random_balanced("fc 1:8", 128, 4000, 8, 1));
}

// The first columns of y, row by row, of weights that were packed for all.
std::vector<int8_t> run_columns(const SparseConv2DU8& kernel, Conv2DParams p, int columns,
                                const Requantize& to, const std::vector<int8_t>& x,
                                const std::vector<int8_t>& w) {
  AlignedBytes packed(kernel.packed_bytes(p, w.data()));
  EXPECT_TRUE(kernel.pack(p, to, w.data(), nullptr, packed.data()));
  auto in = BorderedImage<uint8_t>::input_of(p.window, p.in_channels,
                                             static_cast<uint8_t>(p.x_zero + 128));
  in.set(x);
  p.window.out_w = columns;
  BorderedImage<uint8_t> out(p.window.out_h, columns, p.out_channels, 1, 2, 1, 1, 77, 77);
  for (int row = 0; row < p.window.out_h; ++row) {
    kernel.run(p, packed.data(), in.image(), out.image(), {row, row + 1});
  }
  EXPECT_TRUE(out.intact(77));
  return out.get<int8_t>();
}

// As a plan does whose pools leave columns out, on several threads.
TEST(SparseKernels, ComputeAnyRowsOfTheFirstColumns) {
  const Conv2DParams p{make_window(6, 9, 5, 3, 1, 1, 2), 5, 19, 1, 7};
  const auto row = static_cast<size_t>(p.window.out_w * 19);
  Problem problem("part");
  const auto x = problem.integers(6 * 9 * 5);
  const auto w = random_sparse<int8_t>("part", 19, 15 * 5, 0.5);
  problem.requantize(19, 4000.0 * 15 * 5);
  const Requantize to = problem.output(kernels::Rounding::kFloat);
  std::vector<int8_t> whole(row * static_cast<size_t>(p.window.out_h));
  conv2d_ref(p, to, x.data(), w.data(), static_cast<const int32_t*>(nullptr), whole.data());
  std::vector<int8_t> expected;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (i % row < 2 * 19) expected.push_back(whole[i]);
  }
  for (const SparseConv2DU8& kernel : sparse_conv2d_u8()) {
    if (!isa_supported(kernel.isa) || !kernel.accepts(p, w.data())) continue;
    EXPECT_EQ(run_columns(kernel, p, 2, to, x, w), expected) << kernel.name;
  }
}

TEST(SparseKernels, NOfMTakesOnlyItsPattern) {
  const Conv2DParams p{{}, 64, 16, 1, 0};
  const auto two_of_four = random_balanced("2:4", 16, 64, 4, 2);
  const auto dense = random_sparse<int8_t>("dense", 16, 64, 0.0);
  for (const SparseConv2DU8& kernel : sparse_conv2d_u8()) {
    EXPECT_TRUE(kernel.accepts(p, two_of_four.data())) << kernel.name;
    EXPECT_EQ(kernel.accepts(p, dense.data()), kernel.pattern != Pattern::kNOfM) << kernel.name;
  }
}

TEST(SparseKernels, RefusesSumsThatLeaveTheirRange) {
  const Conv2DParams p{{}, 64, 16, 1, 0};
  const auto w = random_sparse<int8_t>("range", 16, 64, 0.5);
  const std::vector<float> scales(16, 1e6f);
  Requantize to;
  to.rounding = kernels::Rounding::kFloat;
  to.scale = scales.data();
  for (const SparseConv2DU8& kernel : sparse_conv2d_u8()) {
    AlignedBytes packed(kernel.packed_bytes(p, w.data()));
    EXPECT_FALSE(kernel.pack(p, to, w.data(), nullptr, packed.data())) << kernel.name;
  }
}

}  // namespace
}  // namespace coppice::sparse
