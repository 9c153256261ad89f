// Every sparse depthwise kernel that this processor can run, against the specification.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/sparse/kernel.h"
#include "kernels/bordered_image.h"
#include "kernels/bounded_sums.h"
#include "kernels/problem.h"
#include "kernels/windows.h"
#include "sparse/aligned_bytes.h"
#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using kernels::DepthwiseConv2DParams;
using kernels::Requantize;
using kernels::Window2D;
using testing::AlignedBytes;
using testing::BorderedImage;
using testing::doubles;
using testing::Exact;
using testing::for_each_window;
using testing::kRoundings;
using testing::make_window;
using testing::Problem;
using testing::random_sparse;

// Two calls of some rows each; no other element of the image is written.
template <class Kernel, class T = typename Kernel::Value>
BorderedImage<T> run(const Kernel& kernel, const DepthwiseConv2DParams& p,
                     const typename Kernel::Output& to, BorderedImage<T>& in,
                     const typename Kernel::Weight* w, const typename Kernel::Bias* bias, T fill) {
  AlignedBytes packed(kernel.packed_bytes(p, w), 0xa5);
  EXPECT_TRUE(kernel.pack(p, to, w, bias, packed.data()));
  const int rows = p.window.out_h;
  BorderedImage<T> out(rows, p.window.out_w, p.out_channels(), 1, 2, 1, 1, fill, fill);
  kernel.run(p, packed.data(), in.image(), out.image(), {0, rows / 2});
  kernel.run(p, packed.data(), in.image(), out.image(), {rows / 2, rows});
  EXPECT_TRUE(out.intact(fill));
  return out;
}

int outputs(const DepthwiseConv2DParams& p) {
  return p.window.out_h * p.window.out_w * p.out_channels();
}

int expect_equal(const DepthwiseConv2DParams& p, const std::string& name,
                 const std::vector<int8_t>& w) {
  SCOPED_TRACE(name);
  Problem problem(name);
  const auto x = problem.integers(p.window.in_h * p.window.in_w * p.channels);
  const auto bias = problem.biases(p.channels);
  problem.requantize(p.channels, 4000.0 * p.taps());
  std::vector<int8_t> expected(static_cast<size_t>(outputs(p)));
  auto in =
      BorderedImage<uint8_t>::input_of(p.window, p.channels, static_cast<uint8_t>(p.x_zero + 128));
  in.set(x);
  int ran = 0;
  for (const auto rounding : kRoundings) {
    for (const bool relu : {false, true}) {
      Requantize to = problem.output(rounding);
      if (relu) to.zero = to.min = -128, to.max = 127;
      depthwise_conv2d_ref(p, to, x.data(), w.data(), bias.data(), expected.data());
      for (const auto& kernel : sparse_depthwise_conv2d_u8()) {
        if (!isa_supported(kernel.isa) || !kernel.accepts(p, w.data())) continue;
        auto out =
            run<SparseDepthwise<uint8_t>>(kernel, p, to, in, w.data(), bias.data(), uint8_t{77});
        EXPECT_EQ(out.get<int8_t>(), expected) << kernel.name;
        ++ran;
      }
    }
  }
  return ran;
}

int expect_close(const DepthwiseConv2DParams& p, const std::string& name,
                 const std::vector<float>& w) {
  SCOPED_TRACE(name);
  Problem problem(name);
  const auto x = problem.floats(p.window.in_h * p.window.in_w * p.channels);
  const auto bias = problem.floats(p.channels);
  std::vector<double> expected[2];
  for (const bool absolute : {false, true}) {
    expected[absolute].resize(static_cast<size_t>(outputs(p)));
    depthwise_conv2d_ref(p, absolute ? Exact{} : Exact{0.0, 600.0}, doubles(x, absolute).data(),
                         doubles(w, absolute).data(), doubles(bias, absolute).data(),
                         expected[absolute].data());
  }
  auto in = BorderedImage<float>::input_of(p.window, p.channels, 0.0f);
  in.set(x);
  int ran = 0;
  for (const auto& kernel : sparse_depthwise_conv2d_f32()) {
    if (!isa_supported(kernel.isa) || !kernel.accepts(p, w.data())) continue;
    SCOPED_TRACE(kernel.name);
    auto out =
        run<SparseDepthwise<float>>(kernel, p, {0.0f, 600.0f}, in, w.data(), bias.data(), -77.0f);
    testing::expect_close(out.get<float>(), expected[0], expected[1], p.taps());
    ++ran;
  }
  return ran;
}

// Zeros in single weights, in whole kernels (a column of w is one), and in rows of w: taps that no
// channel has.
template <class T>
std::vector<std::vector<T>> patterns(const std::string& name, const DepthwiseConv2DParams& p,
                                     double sparsity) {
  return {random_sparse<T>(name, p.taps(), p.channels, sparsity),
          random_sparse<T>(name, p.taps(), p.channels, sparsity, p.taps()),
          random_sparse<T>(name, p.taps(), p.channels, sparsity, 1, p.channels)};
}

TEST(SparseDepthwise, EqualsReferenceOverWindows) {
  int cases = 0, integers = 0, floats = 0;
  for_each_window([&](const Window2D& window, const std::string& name) {
    const DepthwiseConv2DParams p{window, cases % 2 == 0 ? 70 : 37, 1, -3};
    const double sparsity = 0.3 * (cases++ % 4);
    for (const auto& w : patterns<int8_t>(name, p, sparsity)) integers += expect_equal(p, name, w);
    const DepthwiseConv2DParams real{window, p.channels, 1, 0};
    for (const auto& w : patterns<float>(name, p, sparsity)) floats += expect_close(real, name, w);
  });
  EXPECT_TRUE(integers > 0 || !isa_supported(Isa::kAvx512Vnni));
  EXPECT_TRUE(floats > 0 || !isa_supported(Isa::kAvx2));
}

TEST(SparseDepthwise, EqualsReferenceOverChannels) {
  for (const int channels : {1, 8, 16, 17, 32, 63, 64, 65, 96, 130, 256}) {
    for (const double sparsity : {0.0, 0.5, 0.8, 0.95, 1.0}) {
      for (const auto& [h, w, stride] : {std::tuple{5, 7, 1}, {6, 2, 1}, {7, 5, 2}}) {
        const DepthwiseConv2DParams p{make_window(h, w, 3, 3, stride, 1, 1), channels, 1, 11};
        const auto name =
            fmt::format("{} channels {} {}x{} / {}", channels, sparsity, h, w, stride);
        for (const auto& weights : patterns<int8_t>(name, p, sparsity))
          expect_equal(p, name, weights);
        const DepthwiseConv2DParams real{p.window, channels, 1, 0};
        for (const auto& weights : patterns<float>(name, p, sparsity))
          expect_close(real, name, weights);
      }
    }
  }
}

// What is executed and stored follows the zeros.
TEST(SparseDepthwise, LeavesZeroKernelsOut) {
  const DepthwiseConv2DParams p{make_window(25, 5, 3, 3, 1, 1, 1), 64, 1, -128};
  std::vector<int8_t> w(static_cast<size_t>(p.weights()), 1);
  for (int i = 0; i < p.weights(); ++i) {
    if (i % 64 % 4 != 0) w[static_cast<size_t>(i)] = 0;
  }
  const std::vector<int8_t> full(w.size(), 1);
  const std::vector<float> scales(64, 0.01f);
  Requantize to;
  to.rounding = kernels::Rounding::kFloat;
  to.scale = scales.data();
  for (const auto& kernel : sparse_depthwise_conv2d_u8()) {
    EXPECT_LT(kernel.packed_bytes(p, w.data()), kernel.packed_bytes(p, full.data()));
    AlignedBytes packed(kernel.packed_bytes(p, w.data()));
    ASSERT_TRUE(kernel.pack(p, to, w.data(), nullptr, packed.data()));
    EXPECT_EQ(kernel.executed_share(p, packed.data()), 0.25);
  }
}

}  // namespace
}  // namespace coppice::sparse
