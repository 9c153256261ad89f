// Every kernel on int16 images that this processor can run, against its specification.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/clamp/reference.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/image_ops.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::for_each_window;
using testing::make_window;
using testing::Problem;
using Image16 = testing::BorderedImage<int16_t>;
using Values = std::vector<int16_t>;

struct alignas(64) Line {
  std::byte bytes[64];
};

// All of the range, its ends often.
Values random_values(int count, const std::string& name) {
  Random random(3, name);
  Values values(static_cast<size_t>(count));
  for (auto& value : values) {
    const auto bits = static_cast<int>(random.below(65536 + 8192));
    value = static_cast<int16_t>(bits < 65536 ? bits - 32768 : bits % 2 == 0 ? -32768 : 32767);
  }
  return values;
}

template <class Params>
struct Family;
template <>
struct Family<Conv2DParams> {
  static auto kernels() { return conv2d_kernels_i16(); }
  static int in(const Conv2DParams& p) { return p.in_channels; }
  static int out(const Conv2DParams& p) { return p.out_channels; }
  template <class... Arguments>
  static void reference(const Arguments&... arguments) {
    conv2d_ref(arguments...);
  }
};
template <>
struct Family<DepthwiseConv2DParams> {
  static auto kernels() { return depthwise_conv2d_kernels_i16(); }
  static int in(const DepthwiseConv2DParams& p) { return p.channels; }
  static int out(const DepthwiseConv2DParams& p) { return p.out_channels(); }
  template <class... Arguments>
  static void reference(const Arguments&... arguments) {
    depthwise_conv2d_ref(arguments...);
  }
};

// One layer through every kernel, all rows at once and in two parts; returns how many took it.
template <class Params>
int expect_equal(const Params& p, const std::string& name, int inputs, int largest_weight = 127) {
  using F = Family<Params>;
  Problem problem(name);
  const Window2D& window = p.window;
  const auto x = random_values(window.in_h * window.in_w * F::in(p), name);
  const auto w = problem.integers(p.weights(), -largest_weight - 1, largest_weight);
  const auto bias = problem.biases(F::out(p));
  const std::vector<int64_t> wide_bias(bias.begin(), bias.end());
  // Outputs are 256 times as fine as those of int8.
  problem.requantize(F::out(p), 6000.0 * std::sqrt(inputs));
  const auto factors = problem.output(Rounding::kDouble);
  auto in = Image16::input_of(window, F::in(p), 0);
  in.set(x);
  Values expected(static_cast<size_t>(window.out_h * window.out_w * F::out(p)));
  int taken = 0;
  for (const bool relu : {false, true}) {
    const RequantizeWide to{factors.multiplier, factors.shift, 1, relu ? 0 : -32768,
                            relu ? 20000 : 32767};
    F::reference(p, to, x.data(), w.data(), relu ? nullptr : wide_bias.data(), expected.data());
    for (const auto& kernel : F::kernels()) {
      if (!isa_supported(kernel.isa) || !kernel.accepts(p)) continue;
      SCOPED_TRACE(kernel.name);
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      EXPECT_TRUE(kernel.pack(p, to, w.data(), relu ? nullptr : bias.data(), packed.data()));
      for (const int split : {0, window.out_h / 2}) {
        Image16 out(window.out_h, window.out_w, F::out(p), 1, 2, 1, 1, 77, 77);
        kernel.run(p, packed.data(), in.image(), out.image(), {0, split});
        kernel.run(p, packed.data(), in.image(), out.image(), {split, window.out_h});
        EXPECT_EQ(out.template get<int16_t>(), expected);
        EXPECT_TRUE(out.intact(77));
      }
      ++taken;
    }
  }
  return taken;
}

TEST(DenseI16, ConvolutionsEqualReference) {
  struct Case {
    int in_channels, out_channels, groups;
  };
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const Case& size :
         {Case{1, 1, 1}, {3, 5, 1}, {4, 65, 1}, {8, 130, 2}, {6, 9, 3}, {17, 16, 1}, {5, 33, 1}}) {
      const std::string trace =
          fmt::format("{} {}->{} g{}", name, size.in_channels, size.out_channels, size.groups);
      SCOPED_TRACE(trace);
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups, 0};
      expect_equal(p, trace, p.taps() * p.in_per_group());
    }
  });
}

// Each number of pixels of a tile beside each number of vectors.
TEST(DenseI16, EveryTileEqualsReference) {
  for (int width = 1; width <= 19; ++width) {
    for (const int channels : {8, 16, 24, 32, 40, 48, 56, 64, 100, 112}) {
      const std::string trace = fmt::format("width {} channels {}", width, channels);
      SCOPED_TRACE(trace);
      expect_equal(Conv2DParams{make_window(1, width, 1, 1, 1, 1, 0), 7, channels, 1, 0}, trace, 7);
    }
  }
}

TEST(DenseI16, FullyConnectedEqualsReference) {
  for (const auto& [in, out] : {std::pair{1, 1}, {7, 3}, {64, 12}, {129, 65}, {4000, 128}}) {
    const std::string trace = fmt::format("{} {}", in, out);
    SCOPED_TRACE(trace);
    const int taken = expect_equal(Conv2DParams{{}, in, out, 1, 0}, trace, in, in > 500 ? 15 : 127);
    EXPECT_TRUE(taken > 0 || !isa_supported(Isa::kAvx2));
  }
}

TEST(DenseI16, DepthwiseConvolutionsEqualReference) {
  for_each_window([](const Window2D& window, const std::string& name) {
    for (const int channels : {1, 3, 8, 16, 24, 64, 65}) {
      const std::string trace = fmt::format("{} {}", name, channels);
      SCOPED_TRACE(trace);
      const DepthwiseConv2DParams p{window, channels, 1, 0};
      expect_equal(p, trace, p.taps());
    }
  });
}

// Sums, or outputs, that some inputs could bring beyond 32 bits are refused; those just below run.
TEST(DenseI16, RefusesWhatMightOverflow) {
  const int32_t multiplier[] = {1 << 30}, shift[] = {-10}, left[] = {4};
  const Conv2DParams p{{}, 600, 1, 1, 0};
  const auto packs = [&](int8_t weight, int32_t bias, const int32_t* by) {
    const std::vector<int8_t> w(600, weight);
    for (const auto& kernel : conv2d_kernels_i16()) {
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      return kernel.pack(p, {multiplier, by, 0}, w.data(), &bias, packed.data());
    }
    return false;
  };
  if (conv2d_kernels_i16().count == 0) GTEST_SKIP() << "no kernel on this architecture";
  EXPECT_TRUE(packs(109, 0, shift));  // 600 * 109 * 32768 = 2^31 - 4352 * 2^10.
  EXPECT_FALSE(packs(110, 0, shift));
  EXPECT_FALSE(packs(-110, 0, shift));
  EXPECT_FALSE(packs(109, 1 << 23, shift));
  EXPECT_TRUE(packs(3, 0, left));  // The sum is doubled once more than the factor says.
  EXPECT_FALSE(packs(4, 0, left));
}

template <class Run>
void for_each_ops(const Run& run) {
  for (const auto& ops : image_ops_i16()) {
    if (!isa_supported(ops.isa)) continue;
    SCOPED_TRACE(isa_name(ops.isa));
    run(ops);
  }
}

TEST(ImageOpsI16, ElementwiseEqualsReference) {
  struct Scales {
    float a, b, y;
  };
  for (const auto& [height, width, channels] :
       {std::tuple{1, 1, 1}, {2, 3, 5}, {3, 4, 16}, {2, 5, 33}}) {
    const int count = height * width * channels;
    const ImageSize size{height, width, channels};
    const auto left = random_values(count, fmt::format("a{}", count));
    const auto right = random_values(count, fmt::format("b{}", count));
    Values expected(left.size());
    const auto image = [&](const Values& values, int border) {
      Image16 made(height, width, channels, border, border, border, border, 9, 9);
      if (!values.empty()) made.set(values);
      return made;
    };
    for (const int border : {0, 1}) {
      auto a = image(left, border), b = image(right, 0);
      for_each_ops([&](const ImageOpsI16& ops) {
        auto y = image({}, border);
        ops.copy(size, a.image(), y.image());
        EXPECT_EQ(y.get<int16_t>(), left);
        EXPECT_TRUE(y.intact(9));
        ops.clamp(size, -3, 20000, a.image(), y.image());
        clamp_ref<int16_t>(count, -3, 20000, left.data(), expected.data());
        EXPECT_EQ(y.get<int16_t>(), expected);
        for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
          for (const Scales& s : {Scales{1, 1, 1}, {0.3f, 0.01f, 0.2f}, {0.001f, 2, 1.7f}}) {
            auto p = make_add_params(count, rounding, s.a, 0, s.b, 0, s.y, 0, kAddLeftShiftWide);
            p.min = -30000, p.max = 32767;
            add_ref(p, left.data(), right.data(), expected.data());
            ops.add(size, p, a.image(), b.image(), y.image());
            EXPECT_EQ(y.get<int16_t>(), expected);
            EXPECT_TRUE(y.intact(9));
          }
        }
      });
    }
  }
}

TEST(ImageOpsI16, PoolsEqualReference) {
  const auto check = [](const Window2D& window, int channels, const std::string& name) {
    const PoolParams<int16_t> p{window, channels, -32768, 30000};
    const auto x = random_values(window.in_h * window.in_w * channels, name);
    Image16 in(window.in_h, window.in_w, channels, 1, 1, 1, 1, 1234, 1234);
    in.set(x);
    Values expected(static_cast<size_t>(window.out_h * window.out_w * channels));
    for_each_ops([&](const ImageOpsI16& ops) {
      Image16 out(window.out_h, window.out_w, channels, 0, 1, 0, 1, 9, 9);
      avg_pool2d_ref(p, x.data(), expected.data());
      ops.avg_pool2d(p, in.image(), out.image(), {0, window.out_h});
      EXPECT_EQ(out.get<int16_t>(), expected);
      max_pool2d_ref(p, x.data(), expected.data());
      ops.max_pool2d(p, in.image(), out.image(), {0, window.out_h});
      EXPECT_EQ(out.get<int16_t>(), expected);
      EXPECT_TRUE(out.intact(9));
    });
  };
  for (const int channels : {1, 7, 16, 40}) {
    for (const int stride : {1, 2}) {
      const auto name = fmt::format("pool {} {}", channels, stride);
      check(make_window(9, 7, 3, 2, stride, 1, 1), channels, name);
    }
    check(whole_image(7, 73), channels, fmt::format("whole {}", channels));  // 511 pixels.
  }
}

}  // namespace
}  // namespace coppice::kernels
