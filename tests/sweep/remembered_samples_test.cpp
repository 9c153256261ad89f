#include "sweep/remembered_samples.h"

#include <gtest/gtest.h>

#include <atomic>

#include "coppice/core/thread_pool.h"
#include "train/memory_dataset.h"

namespace coppice::sweep {
namespace {

using data::Split;

/// Counts what it is asked; a sample tells split, index and epoch.
class CountingDataset : public testing::MemoryDataset {
 public:
  CountingDataset() : MemoryDataset({2}, 2) {
    for (int i = 0; i < 5; ++i) {
      add(Split::kTrain, {0, 0}, i % 2);
      add(Split::kTest, {0, 0}, 1);
    }
  }
  void sample(Split split, int index, int epoch, std::span<float> x) const override {
    ++asked;
    x[0] = static_cast<float>(index) + (split == Split::kTrain ? 0.0f : 0.5f);
    x[1] = static_cast<float>(epoch);
  }
  mutable std::atomic<int> asked = 0;
};

TEST(RememberedSamples, AreComputedOnceForEachEpoch) {
  const auto source = std::make_shared<CountingDataset>();
  const RememberedSamples dataset(source, 4 * 5 * 2 * sizeof(float));  // Epochs -1 to 2.
  EXPECT_EQ(dataset.size(Split::kTrain), 5);
  EXPECT_EQ(dataset.label(Split::kTrain, 3), 1);
  ThreadPool pool(4);
  const auto look = [&](int epoch) {
    for (int round = 0; round < 3; ++round) {
      pool.run(5, [&](int i) {
        std::array<float, 2> x{};
        dataset.sample(Split::kTrain, i, epoch, x);
        EXPECT_EQ(x[0], static_cast<float>(i));
        EXPECT_EQ(x[1], static_cast<float>(epoch));
      });
    }
  };
  for (int epoch = -1; epoch < 3; ++epoch) look(epoch);
  EXPECT_EQ(source->asked, 4 * 5);
  look(3);  // Beyond the budget.
  EXPECT_EQ(source->asked, 4 * 5 + 3 * 5);
}

TEST(RememberedSamples, LeaveOtherSplitsToTheDataset) {
  const auto source = std::make_shared<CountingDataset>();
  const RememberedSamples dataset(source, 1 << 20);
  std::array<float, 2> x{};
  dataset.sample(Split::kTest, 2, 0, x);
  EXPECT_EQ(x[0], 2.5f);
  EXPECT_EQ(source->asked, 1);
}

}  // namespace
}  // namespace coppice::sweep
