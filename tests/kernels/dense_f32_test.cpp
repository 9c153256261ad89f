// Every float kernel with weights that this processor can run, against its specification.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/bounded_sums.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::BorderedImage;
using testing::doubles;
using testing::Exact;
using testing::for_each_window;
using testing::Problem;

// What the two families differ in.
struct Convolution {
  const Conv2DParams& p;
  int in_channels() const { return p.in_channels; }
  int out_channels() const { return p.out_channels; }
  int terms() const { return p.taps() * p.in_per_group(); }
  static auto kernels() { return conv2d_kernels_f32(); }
  void reference(const Exact& to, const double* x, const double* w, const double* bias,
                 double* y) const {
    conv2d_ref(p, to, x, w, bias, y);
  }
};
struct Depthwise {
  const DepthwiseConv2DParams& p;
  int in_channels() const { return p.channels; }
  int out_channels() const { return p.out_channels(); }
  int terms() const { return p.taps(); }
  static auto kernels() { return depthwise_conv2d_kernels_f32(); }
  void reference(const Exact& to, const double* x, const double* w, const double* bias,
                 double* y) const {
    depthwise_conv2d_ref(p, to, x, w, bias, y);
  }
};

struct alignas(64) Line {
  std::byte bytes[64];
};

// The first columns of an image.
template <class Value>
std::vector<Value> left_part(const std::vector<Value>& values, int row, int part) {
  std::vector<Value> left;
  for (auto at = values.begin(); at != values.end(); at += row)
    left.insert(left.end(), at, at + part);
  return left;
}

// One layer through every kernel, in two parts; returns how many ran.
template <class Family>
int expect_close_to_reference(const Family& family, const std::string& name, bool with_bias) {
  SCOPED_TRACE(name);
  const auto& p = family.p;
  const Window2D& window = p.window;
  Problem problem(name);
  const auto x = problem.floats(window.in_h * window.in_w * family.in_channels());
  const auto w = problem.floats(p.weights());
  const auto bias = problem.floats(family.out_channels());
  std::vector<double> expected[2];
  for (const bool absolute : {false, true}) {
    expected[absolute].resize(
        static_cast<size_t>(window.out_h * window.out_w * family.out_channels()));
    family.reference(absolute ? Exact{} : Exact{0.0, 6.0}, doubles(x, absolute).data(),
                     doubles(w, absolute).data(),
                     with_bias ? doubles(bias, absolute).data() : nullptr,
                     expected[absolute].data());
  }
  auto in = BorderedImage<float>::input_of(window, family.in_channels(), 0.0f);
  in.set(x);
  int ran = 0;
  for (const auto& kernel : family.kernels()) {
    if (!isa_supported(kernel.isa) || !kernel.accepts(p)) continue;
    SCOPED_TRACE(kernel.name);
    std::vector<Line> packed(kernel.packed_bytes(p) / sizeof(Line) + 1);
    EXPECT_TRUE(
        kernel.pack(p, {0.0f, 6.0f}, w.data(), with_bias ? bias.data() : nullptr, packed.data()));
    const auto blank = [&] {
      return BorderedImage<float>(window.out_h, window.out_w, family.out_channels(), 1, 2, 2, 1,
                                  -77.0f, -77.0f);
    };
    auto out = blank();
    const int half = window.out_h / 2;
    kernel.run(p, packed.data(), in.image(), out.image(), {half, window.out_h});
    kernel.run(p, packed.data(), in.image(), out.image(), {0, half});
    testing::expect_close(out.template get<float>(), expected[0], expected[1], family.terms());
    EXPECT_TRUE(out.intact(-77.0f));

    // A plan may want the left columns alone; the kernel leaves the others as it likes.
    auto narrow = p;
    narrow.window.out_w = (window.out_w + 1) / 2;
    out = blank();
    kernel.run(narrow, packed.data(), in.image(), out.image(), {0, window.out_h});
    const int row = window.out_w * family.out_channels();
    const int part = narrow.window.out_w * family.out_channels();
    testing::expect_close(left_part(out.template get<float>(), row, part),
                          left_part(expected[0], row, part), left_part(expected[1], row, part),
                          family.terms());
    EXPECT_TRUE(out.intact(-77.0f));
    ++ran;
  }
  return ran;
}

struct ConvCase {
  int in_channels, out_channels, groups;
};
constexpr ConvCase kConvCases[] = {{1, 1, 1},   {3, 5, 1},   {4, 65, 1},  {8, 130, 2}, {6, 9, 3},
                                   {17, 16, 1}, {2, 100, 2}, {20, 33, 1}, {5, 48, 1},  {7, 20, 1}};

TEST(Conv2DF32, EqualsReferenceWithinItsBound) {
  int ran = 0;
  for_each_window([&](const Window2D& window, const std::string& geometry) {
    for (const ConvCase& size : kConvCases) {
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups};
      const std::string name =
          fmt::format("{} {}->{} g{}", geometry, p.in_channels, p.out_channels, p.groups);
      ran += expect_close_to_reference(Convolution{p}, name, size.groups != 3);
    }
  });
  EXPECT_GT(ran, 0);
}

// Few channels: rows that end anywhere in a vector, neighbours at each distance.
TEST(Conv2DF32, FewChannelsEqualReferenceWithinTheirBound) {
  for (int width = 6; width <= 50; ++width) {
    for (const auto& [inputs, stride] : {std::pair{1, 1}, {1, 2}, {3, 1}, {2, 2}, {5, 1}, {3, 2}}) {
      for (const auto& [outputs, kernel] : {std::pair{1, 3}, {2, 3}, {4, 2}, {6, 5}, {8, 3}}) {
        for (const int dilation : {1, 2}) {
          const Window2D window =
              testing::make_window(7, width, kernel, kernel, stride, dilation, kernel / 2);
          const Conv2DParams p{window, inputs, outputs, 1};
          expect_close_to_reference(Convolution{p},
                                    fmt::format("{}x{} s{} d{} {}->{} width {}", kernel, kernel,
                                                stride, dilation, inputs, outputs, width),
                                    true);
        }
      }
    }
  }
}

TEST(Conv2DF32, FullyConnectedEqualsReferenceWithinItsBound) {
  for (const auto& [h, w, channels] : {std::array{1, 1, 131}, {1, 1, 7}, {3, 2, 5}}) {
    for (const int outputs : {1, 5, 12, 16, 17, 40, 63, 84, 128, 130, 300}) {
      Window2D window = testing::make_window(h, w, h, w, 1, 1, 0);
      const Conv2DParams p{window, channels, outputs, 1};
      expect_close_to_reference(Convolution{p},
                                fmt::format("{}x{}x{}->{}", h, w, channels, outputs), true);
    }
  }
}

TEST(DepthwiseConv2DF32, EqualsReferenceWithinItsBound) {
  int ran = 0;
  for_each_window([&](const Window2D& window, const std::string& geometry) {
    for (const auto& [channels, multiplier] :
         {std::pair{1, 1}, {3, 1}, {8, 1}, {16, 1}, {65, 1}, {5, 2}, {23, 3}, {1, 37}, {2, 16}}) {
      const DepthwiseConv2DParams p{window, channels, multiplier};
      ran += expect_close_to_reference(
          Depthwise{p}, fmt::format("{} {}*{}", geometry, channels, multiplier), true);
    }
  });
  EXPECT_GT(ran, 0);
}

}  // namespace
}  // namespace coppice::kernels
