#include "coppice/sparse/formats.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sparse/random_weights.h"

namespace coppice::sparse {
namespace {

using testing::random_balanced;
using testing::random_sparse;

// Memory of a format, aligned, with a guard behind it that shows writes beyond bytes().
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes), lines_((bytes + 63) / 64 + 1) {
    std::fill_n(data(), lines_.size() * 64, kGuard);
  }
  uint8_t* data() { return lines_.front().bytes; }
  bool guard_intact() {
    return std::all_of(data() + bytes_, data() + lines_.size() * 64,
                       [](uint8_t byte) { return byte == kGuard; });
  }

 private:
  static constexpr uint8_t kGuard = 0xa5;
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  size_t bytes_;
  std::vector<Line> lines_;
};

struct Size {
  int rows, taps, depth;
};
constexpr Size kSizes[] = {{1, 1, 1},  {3, 9, 5},     {17, 1, 64}, {64, 9, 16},
                           {5, 6, 67}, {130, 1, 129}, {16, 40, 1}};

template <class T, class Check>
void for_each_weights(const Check& check) {
  for (const Size& size : kSizes) {
    for (const double sparsity : {0.0, 0.5, 0.9, 1.0}) {
      const std::string name =
          fmt::format("{}x{}x{} {}", size.rows, size.taps, size.depth, sparsity);
      SCOPED_TRACE(name);
      const auto w = random_sparse<T>(name, size.rows, size.taps * size.depth, sparsity);
      check(DenseWeights<T>{w.data(), size.rows, size.taps, size.depth, size.taps * size.depth, 1},
            w);
    }
  }
}

template <class Format, class T, class... Options>
void expect_round_trip(const DenseWeights<T>& w, const std::vector<T>& values, Options... options) {
  ASSERT_TRUE(Format::accepts(w, options...));
  Memory memory(Format::bytes(w, options...));
  const Format format = Format::pack(w, options..., memory.data());
  EXPECT_TRUE(memory.guard_intact());
  std::vector<T> back(values.size(), T{55});
  unpack(format, back.data());
  EXPECT_EQ(back, values);
}

template <class T>
void expect_plain_formats_round_trip() {
  for_each_weights<T>([](const DenseWeights<T>& w, const std::vector<T>& values) {
    expect_round_trip<ZeroTested<T>>(w, values);
    expect_round_trip<KeptFilters<T>>(w, values);
    expect_round_trip<CoordinateList<T>>(w, values);
    expect_round_trip<Csr<T>>(w, values);
    expect_round_trip<Block1x4<T>>(w, values);
    expect_round_trip<Vector4x1<T>>(w, values);
    expect_round_trip<Vector16x1<T>>(w, values);
    expect_round_trip<MaskedGroups<T>>(w, values, 1);
    expect_round_trip<MaskedGroups<T>>(w, values, w.taps);
    if (w.taps == 9) expect_round_trip<MaskedGroups<T>>(w, values, 3);
  });
}

TEST(Formats, RoundTripIntegers) { expect_plain_formats_round_trip<int8_t>(); }
TEST(Formats, RoundTripFloats) { expect_plain_formats_round_trip<float>(); }

TEST(Formats, RoundTripPermutes) {
  for_each_weights<int8_t>([](const DenseWeights<int8_t>& w, const std::vector<int8_t>& values) {
    for (const Runs& runs : {Runs{w.taps, w.depth}, Runs{1, w.columns()}}) {
      expect_round_trip<PermuteWeights>(w, values, runs);
      expect_round_trip<PermuteBlocks>(w, values, runs);
      expect_round_trip<CompactBlocks>(w, values, runs);
      expect_round_trip<ShuffleWeights>(w, values, runs);
      expect_round_trip<ShufflePairs>(w, values, runs);
    }
  });
}

TEST(Formats, DepthwiseWeightsAreReadWithSteps) {
  const kernels::DepthwiseConv2DParams p{{9, 9, 9, 9, 3, 3, 1, 1, 1, 1, 1, 1}, 7, 2, 0};
  const auto hwc = random_sparse<int8_t>("depthwise", 9, 14, 0.4);
  const auto w = dense_weights(p, hwc.data());
  Memory memory(Csr<int8_t>::bytes(w));
  std::vector<int8_t> back(hwc.size());
  unpack(Csr<int8_t>::pack(w, memory.data()), back.data());
  for (int row = 0; row < 14; ++row) {
    for (int tap = 0; tap < 9; ++tap) {
      EXPECT_EQ(back[static_cast<size_t>(row * 9 + tap)], hwc[static_cast<size_t>(tap * 14 + row)]);
    }
  }
}

TEST(Formats, BytesAreTheWholeTruth) {
  // 64 x 64 weights, 1024 of them not zero, in 256 blocks of four.
  const auto scattered = random_balanced("scattered", 64, 64, 64, 16);
  const DenseWeights<int8_t> w{scattered.data(), 64, 1, 64, 64, 1};
  EXPECT_EQ(count_nonzeros(w), 1024);
  EXPECT_EQ(ZeroTested<int8_t>::bytes(w), 4096u);
  EXPECT_EQ(Csr<int8_t>::bytes(w), 64 * 4 + 1024 * 2 + 1024u);
  EXPECT_EQ(CoordinateList<int8_t>::bytes(w), 64 * 4 + 1024 * 4 + 1024u);
  EXPECT_EQ(MaskedGroups<int8_t>::bytes(w, 1), 64 * 4 + 4096 / 8 + 1024u);
  // 4 groups of 16 lanes: 4 steps of 64 places and 64 weights; 1 segment, 1 end, 16 channels.
  EXPECT_EQ(PermuteWeights::bytes(w, {1, 64}), 4 * (4 * 128 + 8 + 4 + 16u));
  const auto blocks = random_balanced("blocks", 64, 16, 16, 4);
  std::vector<int8_t> blocked;
  for (const int8_t value : blocks) blocked.insert(blocked.end(), 4, value);
  const DenseWeights<int8_t> b{blocked.data(), 64, 1, 64, 64, 1};
  EXPECT_EQ(Block1x4<int8_t>::bytes(b), 64 * 4 + 256 * 2 + 1024u);
  EXPECT_EQ(PermuteBlocks::bytes(b, {1, 64}), 4 * (4 * 128 + 8 + 4 + 16u));
  EXPECT_EQ(CompactBlocks::bytes(b, {1, 64}), 4 * (4 * 80 + 8 + 4 + 16u));
  EXPECT_EQ((NOfM<int8_t>::bytes(b, 3, 4)), 64 * 16 * 3 + 64 * 16 * 3 / 4u);
}

TEST(Formats, NOfMHoldsItsPatternAndNoOther) {
  for (const auto& [n, m] : {std::pair{1, 4}, {2, 4}, {1, 8}, {4, 8}, {3, 16}}) {
    const auto values = random_balanced(fmt::format("{}:{}", n, m), 20, 10 * m, m, n);
    const DenseWeights<int8_t> w{values.data(), 20, 2, 5 * m, 10 * m, 1};
    expect_round_trip<NOfM<int8_t>>(w, values, n, m);
    // A last group that is not full.
    const DenseWeights<int8_t> cut{values.data(), 20, 1, 10 * m - 1, 10 * m, 1};
    EXPECT_TRUE(NOfM<int8_t>::accepts(cut, n, m));
    if (n > 1) {
      EXPECT_FALSE(NOfM<int8_t>::accepts(w, n - 1, m));
    }
  }
  const auto dense = random_sparse<int8_t>("dense", 4, 16, 0.0);
  EXPECT_FALSE((NOfM<int8_t>::accepts({dense.data(), 4, 1, 16, 16, 1}, 2, 4)));
  EXPECT_FALSE((NOfM<int8_t>::accepts({dense.data(), 4, 1, 16, 16, 1}, 3, 5)));
}

TEST(Permute, BalancedWeightsLeaveNoSlotEmpty) {
  for (const int count : {4, 12, 32}) {
    const auto values = random_balanced(fmt::format("balanced {}", count), 48, 9 * 64, 64, count);
    const DenseWeights<int8_t> w{values.data(), 48, 9, 64, 9 * 64, 1};
    Memory memory(PermuteWeights::bytes(w, {9, 64}));
    const auto format = PermuteWeights::pack(w, {9, 64}, memory.data());
    EXPECT_EQ(static_cast<int64_t>(format.slots()), count_nonzeros(w));
  }
}

TEST(Permute, PairsStayBelowTheSaturationOfTheirInstruction) {
  const auto values = random_sparse<int8_t>("pairs", 24, 640, 0.5);
  const DenseWeights<int8_t> w{values.data(), 24, 10, 64, 640, 1};
  Memory memory(ShufflePairs::bytes(w, {10, 64}));
  const auto format = ShufflePairs::pack(w, {10, 64}, memory.data());
  for (size_t step = 0; step < format.step_count(); ++step) {
    const auto* weights = reinterpret_cast<const int8_t*>(
        format.step + step * ShufflePairs::kStepBytes + ShufflePairs::kPlaceBytes);
    for (int i = 0; i < 32; i += 2) {
      const int first = weights[i], second = weights[i + 1];
      ASSERT_LE(std::abs(first) + std::abs(second), 128);
    }
  }
}

// What sorting lanes and windows that slide are for: without them 52, 64 and 80 % are used.
TEST(Permute, FewSlotsStayEmpty) {
  for (const auto& [sparsity, used] : {std::pair{0.9, 0.60}, {0.8, 0.74}, {0.5, 0.88}}) {
    const auto values = random_sparse<int8_t>("padding", 64, 9 * 64, sparsity);
    const DenseWeights<int8_t> w{values.data(), 64, 9, 64, 9 * 64, 1};
    Memory memory(PermuteWeights::bytes(w, {3, 192}));
    const auto format = PermuteWeights::pack(w, {3, 192}, memory.data());
    EXPECT_GT(static_cast<double>(count_nonzeros(w)), used * static_cast<double>(format.slots()))
        << sparsity;
  }
}

}  // namespace
}  // namespace coppice::sparse
