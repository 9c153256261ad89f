// The layers without weights on float images, each instruction set against the specification.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/clamp/reference.h"
#include "coppice/kernels/image_ops.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/bounded_sums.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::BorderedImage;
using testing::Problem;
using F32 = BorderedImage<float>;

constexpr int kChannels[] = {1, 3, 8, 16, 31, 65};
constexpr float kUntouched = -77.0f;

F32 fresh(int h, int w, int c) { return {h, w, c, 1, 2, 1, 1, kUntouched, kUntouched}; }

F32 filled(int h, int w, int c, const std::vector<float>& values) {
  F32 image = fresh(h, w, c);
  image.set(values);
  return image;
}

// run(ops, y) for each instruction set that this processor has; y must be `expected` after it.
template <class Run>
void expect_equal(int h, int w, int c, const std::vector<float>& expected, const Run& run) {
  for (const ImageOpsF32& ops : image_ops_f32()) {
    if (!isa_supported(ops.isa)) continue;
    SCOPED_TRACE(isa_name(ops.isa));
    F32 y = fresh(h, w, c);
    run(ops, y);
    EXPECT_EQ(y.get<float>(), expected);
    EXPECT_TRUE(y.intact(kUntouched));
  }
}

TEST(ImageOpsF32, CopyClampAndAdd) {
  for (const int channels : kChannels) {
    SCOPED_TRACE(channels);
    const ImageSize size{3, 5, channels};
    const int count = 15 * channels;
    Problem problem("elementwise");
    const auto a = problem.floats(count), b = problem.floats(count);
    F32 left = filled(3, 5, channels, a), right = filled(3, 5, channels, b);
    std::vector<float> expected(a.size());
    expect_equal(3, 5, channels, a,
                 [&](const ImageOpsF32& ops, F32& y) { ops.copy(size, left.image(), y.image()); });
    clamp_ref<float>(count, -0.5f, 0.25f, a.data(), expected.data());
    expect_equal(3, 5, channels, expected, [&](const ImageOpsF32& ops, F32& y) {
      ops.clamp(size, {-0.5f, 0.25f}, left.image(), y.image());
    });
    add_ref(count, ClampFloat{0.0f, 1.5f}, a.data(), b.data(), expected.data());
    expect_equal(3, 5, channels, expected, [&](const ImageOpsF32& ops, F32& y) {
      ops.add(size, {0.0f, 1.5f}, left.image(), right.image(), y.image());
    });
  }
}

// Half of the channels of wider pixels, as a part of a concatenation.
TEST(ImageOpsF32, CopiesAPartOfThePixels) {
  const auto x = Problem("part").floats(2 * 3 * 21);
  F32 in = filled(2, 3, 21, x);
  std::vector<float> expected(2 * 3 * 50, 0.0f);
  for (size_t pixel = 0; pixel < 6; ++pixel) {
    std::copy_n(x.data() + pixel * 21, 21, expected.data() + pixel * 50 + 20);
  }
  expect_equal(2, 3, 50, expected, [&](const ImageOpsF32& ops, F32& y) {
    y.set(std::vector<float>(expected.size(), 0.0f));
    Image<float> part = y.image();
    part.data += 20;
    ops.copy({2, 3, 21}, in.image(), part);
  });
}

// Sums are taken in the order of the specification, so that pools are equal to the last bit.
TEST(ImageOpsF32, Pools) {
  testing::for_each_pool_window([](const Window2D& window, const std::string& name) {
    for (const int channels : {1, 3, 6, 8, 16, 24, 31, 65, 130}) {
      SCOPED_TRACE(fmt::format("{} {}", name, channels));
      const PoolParams<float> p{window, channels, -0.75f, 0.5f};
      const auto x = Problem(name).floats(window.in_h * window.in_w * channels);
      F32 in = filled(window.in_h, window.in_w, channels, x);
      std::vector<float> expected(static_cast<size_t>(window.out_h * window.out_w * channels));
      const int half = window.out_h / 2;
      avg_pool2d_ref(p, x.data(), expected.data());
      expect_equal(window.out_h, window.out_w, channels, expected,
                   [&](const ImageOpsF32& ops, F32& y) {
                     ops.avg_pool2d(p, in.image(), y.image(), {half, window.out_h});
                     ops.avg_pool2d(p, in.image(), y.image(), {0, half});
                   });
      max_pool2d_ref(p, x.data(), expected.data());
      expect_equal(window.out_h, window.out_w, channels, expected,
                   [&](const ImageOpsF32& ops, F32& y) {
                     ops.max_pool2d(p, in.image(), y.image(), {half, window.out_h});
                     ops.max_pool2d(p, in.image(), y.image(), {0, half});
                   });
    }
  });
}

}  // namespace
}  // namespace coppice::kernels
