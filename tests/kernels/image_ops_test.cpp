// The layers without weights on uint8 images, each instruction set against the specification.

#include "coppice/kernels/image_ops.h"

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/clamp/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/bordered_image.h"
#include "kernels/problem.h"
#include "kernels/windows.h"

namespace coppice::kernels {
namespace {

using testing::BorderedImage;
using testing::Problem;
using U8 = BorderedImage<uint8_t>;

constexpr int kChannels[] = {1, 3, 8, 16, 63, 64, 65, 130};

U8 fresh(int h, int w, int c) { return {h, w, c, 1, 2, 1, 1, 77, 77}; }

U8 filled(int h, int w, int c, const std::vector<int8_t>& values) {
  U8 image = fresh(h, w, c);
  image.set(values);
  return image;
}

// run(ops) for each instruction set that this processor has.
template <class Run>
void for_each_isa(const Run& run) {
  int ran = 0;
  for (const ImageOpsU8& ops : image_ops_u8()) {
    if (!isa_supported(ops.isa)) continue;
    SCOPED_TRACE(isa_name(ops.isa));
    run(ops);
    ++ran;
  }
  EXPECT_GE(ran, 1);
}

TEST(ImageOpsU8, CopyAndClamp) {
  for (const int channels : kChannels) {
    SCOPED_TRACE(channels);
    const int count = 3 * 5 * channels;
    const auto x = Problem("copy").integers(count);
    auto in = filled(3, 5, channels, x);
    std::vector<int8_t> clamped(x.size());
    clamp_ref<int8_t>(count, -7, 90, x.data(), clamped.data());
    for_each_isa([&](const ImageOpsU8& ops) {
      auto out = fresh(3, 5, channels);
      ops.copy({3, 5, channels}, 0, in.image(), out.image());
      EXPECT_EQ(out.get<int8_t>(), x);
      EXPECT_TRUE(out.intact(77));
      ops.clamp({3, 5, channels}, -7, 90, in.image(), out.image());
      EXPECT_EQ(out.get<int8_t>(), clamped);
      EXPECT_TRUE(out.intact(77));
      // From dense int8, into channels 2 .. of wider pixels.
      auto wide = filled(3, 5, channels + 4, std::vector<int8_t>(3 * 5 * (channels + 4), 9));
      auto part = wide.image();
      part.data += 2;
      ops.copy({3, 5, channels}, 0x80,
               {reinterpret_cast<const uint8_t*>(x.data()), 5 * channels, channels}, part);
      const auto all = wide.get<int8_t>();
      for (int i = 0; i < 15 * (channels + 4); ++i) {
        const int pixel = i / (channels + 4), c = i % (channels + 4) - 2;
        const int8_t expected =
            c < 0 || c >= channels ? 9 : x[static_cast<size_t>(pixel * channels + c)];
        ASSERT_EQ(all[static_cast<size_t>(i)], expected) << i;
      }
    });
  }
}

TEST(ImageOpsU8, AddEqualsReference) {
  struct Scales {
    float a, b, y;
  };
  for (const Scales& s :
       {Scales{0.02f, 0.02f, 0.04f}, {0.5f, 0.001f, 0.3f}, {0.01f, 0.9f, 0.01f}}) {
    for (const Rounding rounding : testing::kRoundings) {
      for (const int channels : kChannels) {
        const int count = 4 * 3 * channels;
        Problem problem("add");
        const auto a = problem.integers(count), b = problem.integers(count);
        auto a_image = filled(4, 3, channels, a), b_image = filled(4, 3, channels, b);
        for (const bool relu : {false, true}) {
          auto p = make_add_params(count, rounding, s.a, -5, s.b, 17, s.y, relu ? -128 : 40);
          if (!relu) p.min = -100, p.max = 99;
          std::vector<int8_t> expected(a.size());
          add_ref(p, a.data(), b.data(), expected.data());
          for_each_isa([&](const ImageOpsU8& ops) {
            auto out = fresh(4, 3, channels);
            ops.add({4, 3, channels}, p, a_image.image(), b_image.image(), out.image());
            EXPECT_EQ(out.get<int8_t>(), expected);
            EXPECT_TRUE(out.intact(77));
          });
        }
      }
    }
  }
}

// The factors of a sum, on every pair of inputs. A sum that has none is no error, but rare.
TEST(ImageOpsU8, AddByFactorsEqualsReference) {
  Random random(1, "add by factors");
  constexpr int kCases = 40;
  int searched = 0, found = 0;
  for (int i = 0; i < kCases; ++i) {
    const float a_scale = random.uniform(0.01f, 0.06f), b_scale = random.uniform(0.01f, 0.06f);
    const float y_scale = std::max(a_scale, b_scale) * random.uniform(0.5f, 2.0f);
    const auto zero = [&] { return static_cast<int>(random.below(256)) - 128; };
    auto p = make_add_params(1, i % 3 == 0 ? Rounding::kSingle : Rounding::kDouble, a_scale, zero(),
                             b_scale, zero(), y_scale, i % 2 == 0 ? -128 : zero());
    if (i % 4 == 1) p.min = -90, p.max = 70;
    for_each_isa([&](const ImageOpsU8& ops) {
      const auto factors = add_by_factors(ops, p);
      ++searched;
      if (!factors) return;
      ++found;
      int different = 0;
      std::vector<uint8_t> a(256 + kImageSlack), b(256 + kImageSlack), y(256 + kImageSlack);
      for (int k = 0; k < 256; ++k) b[static_cast<size_t>(k)] = static_cast<uint8_t>(k ^ 0x80);
      for (int k = -128; k < 128; ++k) {
        std::fill_n(a.begin(), 256, static_cast<uint8_t>(k + 128));
        ops.add({1, 1, 256}, *factors, {a.data(), 256, 256}, {b.data(), 256, 256},
                {y.data(), 256, 256});
        for (int l = 0; l < 256; ++l) {
          const auto expected = add_element(p, static_cast<int8_t>(k), static_cast<int8_t>(l));
          different += static_cast<int8_t>(y[static_cast<size_t>(l)] ^ 0x80) != expected;
        }
      }
      EXPECT_EQ(different, 0) << i;
    });
  }
  EXPECT_GE(found, searched * 9 / 10);
}

void expect_pools_equal(const PoolParams<int8_t>& p, int8_t low, int8_t high) {
  const Window2D& w = p.window;
  const auto x = Problem("pool").integers(w.in_h * w.in_w * p.channels, low, high);
  auto in = filled(w.in_h, w.in_w, p.channels, x);
  std::vector<int8_t> mean(static_cast<size_t>(w.out_h * w.out_w * p.channels)), largest = mean;
  avg_pool2d_ref(p, x.data(), mean.data());
  max_pool2d_ref(p, x.data(), largest.data());
  for_each_isa([&](const ImageOpsU8& ops) {
    for (const int split : {0, w.out_h / 2}) {
      auto out = fresh(w.out_h, w.out_w, p.channels);
      ops.avg_pool2d(p, in.image(), out.image(), {0, split});
      ops.avg_pool2d(p, in.image(), out.image(), {split, w.out_h});
      EXPECT_EQ(out.get<int8_t>(), mean);
      EXPECT_TRUE(out.intact(77));
      ops.max_pool2d(p, in.image(), out.image(), {0, split});
      ops.max_pool2d(p, in.image(), out.image(), {split, w.out_h});
      EXPECT_EQ(out.get<int8_t>(), largest);
      EXPECT_TRUE(out.intact(77));
    }
  });
}

TEST(ImageOpsU8, PoolsEqualReference) {
  for (const int channels : {1, 3, 6, 16, 24, 32, 63, 64, 65, 100, 130}) {
    testing::for_each_pool_window([&](const Window2D& window, const std::string& name) {
      SCOPED_TRACE(fmt::format("{} channels, {}", channels, name));
      expect_pools_equal({window, channels, -128, 127}, -128, 127);
      expect_pools_equal({window, channels, -20, 50}, -128, 127);
    });
  }
}

// As the part of a concatenation: what lies between its pixels belongs to others.
TEST(ImageOpsU8, MaxPoolWritesAPartOfThePixels) {
  const Window2D window = testing::make_window(6, 12, 2, 2, 2, 1, 0);
  const PoolParams<int8_t> p{window, 6, -128, 127};
  const auto x = Problem("part").integers(6 * 12 * 6);
  auto in = filled(6, 12, 6, x);
  std::vector<int8_t> expected(3 * 6 * 6);
  max_pool2d_ref(p, x.data(), expected.data());
  for_each_isa([&](const ImageOpsU8& ops) {
    auto wide = filled(3, 6, 10, std::vector<int8_t>(3 * 6 * 10, 9));
    auto part = wide.image();
    part.data += 2;
    ops.max_pool2d(p, in.image(), part, {0, 3});
    const auto all = wide.get<int8_t>();
    for (size_t i = 0; i < all.size(); ++i) {
      const size_t pixel = i / 10, c = i % 10;
      ASSERT_EQ(all[i], c < 2 || c >= 8 ? 9 : expected[pixel * 6 + c - 2]) << i;
    }
  });
}

TEST(ImageOpsU8, PoolsOfWholeImages) {
  for (const auto& [h, w] : {std::pair{25, 5}, {6, 6}, {49, 40}, {1, 3}}) {
    for (const auto& [low, high] : {std::pair{-128, 127}, {-128, -128}, {127, 127}, {-1, 1}}) {
      SCOPED_TRACE(fmt::format("{}x{} of {}..{}", h, w, low, high));
      expect_pools_equal({whole_image(h, w), 70, -128, 127}, static_cast<int8_t>(low),
                         static_cast<int8_t>(high));
    }
  }
}

}  // namespace
}  // namespace coppice::kernels
