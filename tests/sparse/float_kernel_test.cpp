// Every sparse float kernel that this processor can run, against the specification in double.

#include <gtest/gtest.h>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/sparse/float_permute.h"
#include "coppice/sparse/float_stream.h"
#include "coppice/sparse/float_vectors.h"
#include "coppice/sparse/kernel.h"
#include "kernels/bordered_image.h"
#include "kernels/bounded_sums.h"
#include "kernels/problem.h"
#include "kernels/windows.h"
#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using kernels::Conv2DParams;
using kernels::Window2D;
using testing::doubles;
using testing::Exact;
using testing::for_each_window;
using testing::make_window;
using testing::Problem;
using testing::random_sparse;
using Image = testing::BorderedImage<float>;

class AlignedBytes {
 public:
  explicit AlignedBytes(size_t bytes) : lines_(bytes / sizeof(Line) + 1) {
    std::memset(data(), 0xa5, lines_.size() * sizeof(Line));
  }
  uint8_t* data() { return lines_.front().bytes; }

 private:
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  std::vector<Line> lines_;
};

// One layer through every kernel, in two parts; returns how many ran.
int expect_close_to_reference(const Conv2DParams& p, const std::string& name,
                              const std::vector<float>& w) {
  SCOPED_TRACE(name);
  const Window2D& window = p.window;
  Problem problem(name);
  const auto x = problem.floats(window.in_h * window.in_w * p.in_channels);
  const auto bias = problem.floats(p.out_channels);
  std::vector<double> expected[2];
  for (const bool absolute : {false, true}) {
    expected[absolute].resize(static_cast<size_t>(window.out_h * window.out_w * p.out_channels));
    conv2d_ref(p, absolute ? Exact{} : Exact{0.0, 600.0}, doubles(x, absolute).data(),
               doubles(w, absolute).data(), doubles(bias, absolute).data(),
               expected[absolute].data());
  }
  auto in = Image::input_of(window, p.in_channels, 0.0f);
  in.set(x);
  int ran = 0;
  for (const SparseConv2DF32& kernel : sparse_conv2d_f32()) {
    if (!isa_supported(kernel.isa) || !kernel.accepts(p, w.data())) continue;
    SCOPED_TRACE(kernel.name);
    AlignedBytes packed(kernel.packed_bytes(p, w.data()));
    EXPECT_TRUE(kernel.pack(p, {0.0f, 600.0f}, w.data(), bias.data(), packed.data()));
    Image out(window.out_h, window.out_w, p.out_channels, 1, 2, 2, 1, -77.0f, -77.0f);
    const int half = window.out_h / 2;
    kernel.run(p, packed.data(), in.image(), out.image(), {half, window.out_h});
    kernel.run(p, packed.data(), in.image(), out.image(), {0, half});
    testing::expect_close(out.get<float>(), expected[0], expected[1], p.taps() * p.in_per_group());
    EXPECT_TRUE(out.intact(-77.0f));
    ++ran;
  }
  return ran;
}

struct ConvCase {
  int in_channels, out_channels, groups;
};
constexpr ConvCase kConvCases[] = {{1, 1, 1}, {3, 5, 1},   {4, 65, 1},  {8, 130, 2},
                                   {6, 9, 3}, {17, 16, 1}, {70, 33, 1}, {5, 5, 5}};

TEST(SparseConv2DF32, EqualsReferenceWithinItsBound) {
  int ran = 0, cases = 0;
  for_each_window([&](const Window2D& window, const std::string& geometry) {
    for (const ConvCase& size : kConvCases) {
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups};
      const double sparsity = 0.25 * (cases % 5);
      const auto name = fmt::format("{} {}->{} g{} {}", geometry, p.in_channels, p.out_channels,
                                    p.groups, sparsity);
      const auto w = random_sparse<float>(name, p.out_channels, p.taps() * p.in_per_group(),
                                          sparsity, cases % 3 == 0 ? 4 : 1);
      ran += expect_close_to_reference(p, name, w);
      ++cases;
    }
  });
  EXPECT_TRUE(ran > 0 || !isa_supported(Isa::kAvx2));
}

// Large enough for tiles of many lanes and chunks of channels.
TEST(SparseConv2DF32, LargerImages) {
  for (const auto& [h, w, kernel] :
       {std::tuple{25, 5, 1}, {8, 8, 3}, {4, 16, 3}, {16, 16, 3}, {33, 19, 3}, {20, 40, 5}}) {
    for (const int stride : {1, 2}) {
      const Window2D window = make_window(h, w, kernel, kernel, stride, 1, kernel / 2);
      const Conv2DParams p{window, 40, 37, 1};
      const auto name = fmt::format("{}x{} {}x{} s{}", h, w, kernel, kernel, stride);
      expect_close_to_reference(
          p, name, random_sparse<float>(name, 37, p.taps() * 40, 0.8, stride == 1 ? 1 : 4));
    }
  }
}

TEST(SparseConv2DF32, FullyConnected) {
  for (const int inputs : {1, 16, 33, 300}) {
    for (const int outputs : {1, 12, 16, 50, 130}) {
      for (const double sparsity : {0.0, 0.5, 0.9, 1.0}) {
        const Conv2DParams p{Window2D{}, inputs, outputs, 1};
        const auto name = fmt::format("{}->{} {}", inputs, outputs, sparsity);
        const auto w = random_sparse<float>(name, outputs, inputs, sparsity);
        EXPECT_TRUE(expect_close_to_reference(p, name, w) > 0 || !isa_supported(Isa::kAvx2));
      }
    }
  }
}

template <int kRows>
void expect_round_trip(const Conv2DParams& p, const StreamShape& shape,
                       const std::vector<float>& w) {
  ASSERT_TRUE(FloatStream<kRows>::accepts(p, shape, w.data()));
  const size_t bytes = FloatStream<kRows>::bytes(p, shape, w.data());
  AlignedBytes memory(bytes + 64);
  const auto stream = FloatStream<kRows>::pack(p, shape, {}, w.data(), nullptr, memory.data());
  std::vector<float> dense(w.size());
  unpack(stream, dense.data());
  EXPECT_EQ(dense, w);
  // All memory is counted, and no more: offsets come last.
  const auto* end = reinterpret_cast<const uint8_t*>(stream.offset + stream.header->entries);
  EXPECT_EQ(static_cast<size_t>(end - memory.data()), bytes);
  EXPECT_EQ(*end, 0xa5);
}

TEST(FloatStream, RoundTrip) {
  for_each_window([&](const Window2D& window, const std::string& geometry) {
    for (const ConvCase& size : {ConvCase{3, 5, 1}, {70, 18, 1}, {6, 9, 3}}) {
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups};
      SCOPED_TRACE(fmt::format("{} {}->{}", geometry, p.in_channels, p.out_channels));
      const auto w =
          random_sparse<float>(geometry, p.out_channels, p.taps() * p.in_per_group(), 0.7);
      for (const StreamShape& shape : {StreamShape{8, 16}, {16, 32}}) {
        expect_round_trip<1>(p, shape, w);
        expect_round_trip<4>(p, shape, w);
      }
    }
  });
}

TEST(FloatStream, RowsThatFillLanesAreStrips) {
  struct Case {
    int h, w, columns;
  };
  for (const auto& [h, w, columns] : {Case{8, 8, 8}, {16, 16, 8}, {4, 16, 16}}) {
    const Conv2DParams p{make_window(h, w, 3, 3, 1, 1, 1), 64, 64, 1};
    const StreamTile tile = choose_tile(p, {16, 32}, 4, 2000);
    EXPECT_TRUE(tile.strips) << w;
    EXPECT_EQ(tile.lane_columns, columns) << w;
    // With one multiply-add a load, operands must be aligned.
    EXPECT_FALSE(choose_tile(p, {16, 32}, 1, 8000).strips) << w;
  }
}

TEST(FloatVectors, RoundTrip) {
  for_each_window([&](const Window2D& window, const std::string& geometry) {
    for (const ConvCase& size : {ConvCase{3, 5, 1}, {7, 38, 1}, {6, 54, 3}}) {
      const Conv2DParams p{window, size.in_channels, size.out_channels, size.groups};
      SCOPED_TRACE(fmt::format("{} {}->{}", geometry, p.in_channels, p.out_channels));
      const auto w =
          random_sparse<float>(geometry, p.out_channels, p.taps() * p.in_per_group(), 0.7, 16);
      const size_t bytes = FloatVectors::bytes(p, w.data());
      AlignedBytes memory(bytes + 64);
      const auto vectors = FloatVectors::pack(p, {}, w.data(), nullptr, memory.data());
      std::vector<float> dense(w.size());
      unpack(vectors, dense.data());
      EXPECT_EQ(dense, w);
      const auto* end = reinterpret_cast<const uint8_t*>(vectors.offset + vectors.head->entries);
      EXPECT_EQ(static_cast<size_t>(end - memory.data()), bytes);
      EXPECT_EQ(*end, 0xa5);
    }
  });
}

TEST(FloatPermute, RoundTrip) {
  for (const int inputs : {16, 33, 300}) {
    for (const int outputs : {1, 16, 50, 130}) {
      SCOPED_TRACE(fmt::format("{}->{}", inputs, outputs));
      const Conv2DParams p{Window2D{}, inputs, outputs, 1};
      const auto w = random_sparse<float>("permute", outputs, inputs, 0.8);
      const size_t bytes = FloatPermute<16>::bytes(p, w.data());
      AlignedBytes memory(bytes + 64);
      const auto permute = FloatPermute<16>::pack(p, {}, w.data(), nullptr, memory.data());
      std::vector<float> dense(w.size());
      unpack(permute, dense.data());
      EXPECT_EQ(dense, w);
      const auto* end = permute.place + size_t{permute.head->steps} * 16;
      EXPECT_EQ(static_cast<size_t>(end - memory.data()), bytes);
      EXPECT_EQ(*end, 0xa5);
    }
  }
}

}  // namespace
}  // namespace coppice::sparse
