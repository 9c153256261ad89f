// Kernels of packed weights (4 and 2 bits) against the specification.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/lut/lut.h"
#include "kernels/bordered_image.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::BorderedImage;
using testing::for_each_window;
using testing::Problem;

struct alignas(64) Line {
  std::byte bytes[64];
};

// Unpacked in registers, and by lookup in tables of the activations.
std::vector<Conv2DKernelU8> kernels_of(int bits) {
  std::vector<Conv2DKernelU8> all;
  for (const auto& list : {conv2d_kernels_u8_packed(bits), conv2d_kernels_u8_lut(bits)})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

void expect_equal(const Conv2DParams& p, const std::string& name, int bits) {
  const std::string trace = fmt::format("{} {} bits", name, bits);
  SCOPED_TRACE(trace);
  const Window2D& window = p.window;
  Problem problem(trace);
  const auto x = problem.integers(window.in_h * window.in_w * p.in_channels);
  const auto w = problem.integers(p.weights(), -(1 << (bits - 1)), (1 << (bits - 1)) - 1);
  const auto bias = problem.biases(p.out_channels);
  problem.requantize(p.out_channels, 100.0 * p.taps() * p.in_per_group());
  auto in =
      BorderedImage<uint8_t>::input_of(window, p.in_channels, static_cast<uint8_t>(p.x_zero + 128));
  in.set(x);
  std::vector<int8_t> expected(static_cast<size_t>(window.out_h * window.out_w * p.out_channels));
  for (const Requantize& to : problem.outputs()) {
    conv2d_ref(p, to, x.data(), w.data(), bias.data(), expected.data());
    for (const auto& kernel : kernels_of(bits)) {
      if (!isa_supported(kernel.isa) || !kernel.accepts(p)) continue;
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      ASSERT_TRUE(kernel.pack(p, to, w.data(), bias.data(), packed.data()));
      BorderedImage<uint8_t> out(window.out_h, window.out_w, p.out_channels, 1, 2, 1, 1, 77, 77);
      kernel.run(p, packed.data(), in.image(), out.image(), {0, window.out_h});
      EXPECT_EQ(out.get<int8_t>(), expected) << kernel.name;
      EXPECT_TRUE(out.intact(77));
    }
  }
}

TEST(PackedConv2D, EqualsReference) {
  for (const int bits : {4, 2}) {
    for_each_window([&](const Window2D& window, const std::string& name) {
      expect_equal({window, 5, 37, 1, -3}, name, bits);
      expect_equal({window, 12, 20, 2, 9}, name, bits);
      expect_equal({window, 16, 70, 1, 9}, name, bits);
    });
    for (const int in : {1, 4, 16, 17, 64, 129}) {
      for (const int out : {1, 16, 33, 64, 130}) {
        expect_equal({{}, in, out, 1, 11}, fmt::format("{}->{}", in, out), bits);
      }
    }
    expect_equal({{}, 1111, 40, 1, -128}, "1111->40", bits);
  }
}

TEST(LutDot2x2, EqualsProductsOfLevels) {
  // Levels that are no uniform grid.
  const int levels_a[] = {0, 1, 4, 9}, levels_w[] = {-3, -1, 1, 7};
  int8_t table[16];
  for (int i = 0; i < 16; ++i) table[i] = static_cast<int8_t>(levels_a[i / 4] * levels_w[i % 4]);
  for (const int count : {1, 3, 127, 128, 129, 640, 4096}) {
    Problem problem(fmt::format("lut {}", count));
    const auto bytes_a = problem.integers(count / 4 + 1), bytes_w = problem.integers(count / 4 + 1);
    const auto* a = reinterpret_cast<const uint8_t*>(bytes_a.data());
    const auto* w = reinterpret_cast<const uint8_t*>(bytes_w.data());
    int32_t expected = 0;
    for (int i = 0; i < count; ++i) {
      expected += levels_a[a[i / 4] >> (i % 4 * 2) & 3] * levels_w[w[i / 4] >> (i % 4 * 2) & 3];
    }
    EXPECT_EQ(lut_dot_2x2_scalar(table, a, w, static_cast<size_t>(count)), expected);
#if defined(__x86_64__)
    if (isa_supported(Isa::kAvx2)) {
      EXPECT_EQ(lut_dot_2x2_avx2(table, a, w, static_cast<size_t>(count)), expected);
    }
#endif
  }
}

TEST(PackedConv2D, TakesFourAndTwoBits) {
  EXPECT_EQ(conv2d_kernels_u8_packed(8).count, 0);
#if defined(__x86_64__)
  const Conv2DParams p{{}, 4096, 64, 1, 0};
  const size_t bytes = conv2d_kernels_u8().first->packed_bytes(p);
  EXPECT_LT(conv2d_kernels_u8_packed(4).first->packed_bytes(p), bytes * 51 / 100);
  EXPECT_LT(conv2d_kernels_u8_packed(2).first->packed_bytes(p), bytes * 26 / 100);
#endif
}

}  // namespace
}  // namespace coppice::kernels
