// Every int8 kernel with weights that this processor can run, against its specification.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::BorderedImage;
using testing::for_each_window;
using testing::kRoundings;
using testing::make_window;
using testing::Problem;

void reference(const Conv2DParams& p, const Requantize& to, const int8_t* x, const int8_t* w,
               const int32_t* bias, int8_t* y) {
  conv2d_ref(p, to, x, w, bias, y);
}
void reference(const DepthwiseConv2DParams& p, const Requantize& to, const int8_t* x,
               const int8_t* w, const int32_t* bias, int8_t* y) {
  depthwise_conv2d_ref(p, to, x, w, bias, y);
}
int in_channels(const Conv2DParams& p) { return p.in_channels; }
int out_channels(const Conv2DParams& p) { return p.out_channels; }
int in_channels(const DepthwiseConv2DParams& p) { return p.channels; }
int out_channels(const DepthwiseConv2DParams& p) { return p.out_channels(); }

template <class Params>
KernelList<LayerKernel<uint8_t, Params>> kernels_of() {
  if constexpr (std::is_same_v<Params, Conv2DParams>)
    return conv2d_kernels_u8();
  else
    return depthwise_conv2d_kernels_u8();
}

struct alignas(64) Line {
  std::byte bytes[64];
};

// A plan that reads fewer columns runs the layer, packed for all of them, with a smaller out_w.
template <class Kernel, class Params>
void expect_narrowed_equal(const Kernel& kernel, Params p, const void* packed,
                           BorderedImage<uint8_t>& in, const std::vector<int8_t>& whole) {
  const int height = p.window.out_h, width = --p.window.out_w, channels = out_channels(p);
  std::vector<int8_t> expected;
  for (int y = 0; y < height; ++y) {
    const auto row = whole.begin() + ptrdiff_t{y} * (width + 1) * channels;
    expected.insert(expected.end(), row, row + width * channels);
  }
  BorderedImage<uint8_t> out(height, width, channels, 1, 2, 1, 1, 77, 77);
  kernel.run(p, packed, in.image(), out.image(), {0, height});
  EXPECT_EQ(out.template get<int8_t>(), expected);
  EXPECT_TRUE(out.intact(77));
}

// One layer through every kernel, all rows at once, in two parts and without its last column;
// returns how many ran.
template <class Params>
int expect_equal(const Params& p, const std::string& name, double magnitude) {
  Problem problem(name);
  const Window2D& window = p.window;
  const auto x = problem.integers(window.in_h * window.in_w * in_channels(p));
  const auto w = problem.integers(p.weights());
  const auto bias = problem.biases(out_channels(p));
  problem.requantize(out_channels(p), magnitude);
  const auto padding = static_cast<uint8_t>(p.x_zero + 128);
  auto in = BorderedImage<uint8_t>::input_of(window, in_channels(p), padding);
  in.set(x);
  std::vector<int8_t> expected(static_cast<size_t>(window.out_h * window.out_w * out_channels(p)));
  int ran = 0;
  for (Requantize to : problem.outputs()) {
    const int32_t* b = ran % 3 == 2 ? nullptr : bias.data();
    reference(p, to, x.data(), w.data(), b, expected.data());
    for (const auto& kernel : kernels_of<Params>()) {
      if (!isa_supported(kernel.isa) || !kernel.accepts(p)) continue;
      SCOPED_TRACE(kernel.name);
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      EXPECT_TRUE(kernel.pack(p, to, w.data(), b, packed.data()));
      for (const int split : {0, window.out_h / 2}) {
        BorderedImage<uint8_t> out(window.out_h, window.out_w, out_channels(p), 1, 2, 1, 1, 77, 77);
        kernel.run(p, packed.data(), in.image(), out.image(), {0, split});
        kernel.run(p, packed.data(), in.image(), out.image(), {split, window.out_h});
        EXPECT_EQ(out.template get<int8_t>(), expected);
        EXPECT_TRUE(out.intact(77));
      }
      if (window.out_w > 1) expect_narrowed_equal(kernel, p, packed.data(), in, expected);
    }
    ++ran;
  }
  return ran;
}

TEST(DenseU8, ConvolutionsEqualReference) {
  struct Case {
    int in_channels, out_channels, groups;
  };
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const Case& size : {Case{1, 1, 1},
                             {3, 5, 1},
                             {4, 65, 1},
                             {8, 130, 2},
                             {6, 9, 3},
                             {17, 16, 1},
                             {5, 33, 1},
                             {2, 64, 1}}) {
      const std::string trace =
          fmt::format("{} {}->{} g{}", name, size.in_channels, size.out_channels, size.groups);
      SCOPED_TRACE(trace);
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups, -3};
      expect_equal(p, trace, 6000.0 * p.taps() * p.in_per_group());
    }
  });
}

// Windows gathered into words: rows that end within a vector, words that rows of the kernel share.
TEST(DenseU8, FewChannelsEqualReference) {
  struct Case {
    int kernel, stride, in_channels, out_channels;
  };
  for (int width = 5; width <= 43; ++width) {
    for (const Case& size : {Case{3, 1, 1, 6},
                             {3, 2, 3, 8},
                             {5, 1, 1, 5},
                             {3, 1, 3, 16},
                             {5, 2, 2, 3},
                             {2, 1, 4, 1},
                             {1, 1, 8, 2}}) {
      const std::string trace =
          fmt::format("{}x{} s{} {}->{} width {}", size.kernel, size.kernel, size.stride,
                      size.in_channels, size.out_channels, width);
      SCOPED_TRACE(trace);
      const int pad = size.kernel / 2;
      const Conv2DParams p{
          make_window(size.kernel + 3, width, size.kernel, size.kernel, size.stride, 1, pad),
          size.in_channels, size.out_channels, 1, 5};
      expect_equal(p, trace, 6000.0 * p.taps() * p.in_per_group());
    }
  }
}

// Each number of pixels of a tile beside each number of vectors.
TEST(DenseU8, EveryTileEqualsReference) {
  for (int width = 1; width <= 19; ++width) {
    for (const int channels : {8, 16, 24, 32, 40, 48, 56, 64, 100, 112}) {
      const std::string trace = fmt::format("width {} channels {}", width, channels);
      SCOPED_TRACE(trace);
      const Conv2DParams p{make_window(1, width, 1, 1, 1, 1, 0), 7, channels, 1, 11};
      expect_equal(p, trace, 6000.0 * 7);
    }
  }
}

TEST(DenseU8, FullyConnectedEqualsReference) {
  for (const auto& [in, out] : {std::pair{1, 1}, {7, 3}, {64, 12}, {129, 65}, {4000, 128}}) {
    const std::string trace = fmt::format("{} {}", in, out);
    SCOPED_TRACE(trace);
    expect_equal(Conv2DParams{{}, in, out, 1, -128}, trace, 6000.0 * in);
  }
}

TEST(DenseU8, DepthwiseConvolutionsEqualReference) {
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const auto& [channels, multiplier] : {std::pair{1, 1},
                                               {3, 1},
                                               {8, 1},
                                               {16, 1},
                                               {24, 1},
                                               {64, 1},
                                               {65, 1},
                                               {130, 1},
                                               {128, 1},
                                               {5, 2},
                                               {23, 3}}) {
      const std::string trace = fmt::format("{} {}*{}", name, channels, multiplier);
      SCOPED_TRACE(trace);
      const DepthwiseConv2DParams p{window, channels, multiplier, 7};
      expect_equal(p, trace, 6000.0 * p.taps());
    }
  });
}

// Factors of one half and more, where the vectors shift left first, and those that no sum may meet.
TEST(DenseU8, LargeFactors) {
  for (const int channels : {8, 20}) {
    const Conv2DParams p{make_window(5, 5, 1, 1, 1, 1, 0), 1, channels, 1, 0};
    expect_equal(p, "large factors", 40.0);
    for (const auto& kernel : conv2d_kernels_u8()) {
      if (!kernel.accepts(p)) continue;
      Problem problem("too large");
      problem.requantize(channels, 1e-6);
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      const auto w = problem.integers(p.weights(), 100);
      for (const Rounding rounding : kRoundings)
        EXPECT_FALSE(kernel.pack(p, problem.output(rounding), w.data(), nullptr, packed.data()));
    }
  }
}

}  // namespace
}  // namespace coppice::kernels
