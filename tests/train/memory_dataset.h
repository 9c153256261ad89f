#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/data/dataset.h"

namespace coppice::testing {

/// A small dataset in memory, the same samples in each epoch.
class MemoryDataset : public data::Dataset {
 public:
  struct Sample {
    std::vector<float> x;
    int label = 0;
  };

  MemoryDataset(Shape shape, int classes) : shape_(shape) {
    for (int c = 0; c < classes; ++c) names_.push_back("class" + std::to_string(c));
  }

  void add(data::Split split, std::vector<float> x, int label) {
    splits_[static_cast<size_t>(split)].push_back({std::move(x), label});
  }

  const std::string& name() const override { return name_; }
  Shape sample_shape() const override { return shape_; }
  const std::vector<std::string>& class_names() const override { return names_; }
  int size(data::Split split) const override { return static_cast<int>(samples(split).size()); }
  int label(data::Split split, int index) const override {
    return samples(split)[static_cast<size_t>(index)].label;
  }
  void sample(data::Split split, int index, int, std::span<float> x) const override {
    const auto& from = samples(split)[static_cast<size_t>(index)].x;
    std::copy(from.begin(), from.end(), x.begin());
  }
  const std::vector<data::SkippedFile>& skipped() const override { return skipped_; }

 private:
  const std::vector<Sample>& samples(data::Split split) const {
    return splits_[static_cast<size_t>(split)];
  }

  std::string name_ = "memory";
  Shape shape_;
  std::vector<std::string> names_;
  std::array<std::vector<Sample>, 3> splits_;
  std::vector<data::SkippedFile> skipped_;
};

/// Noise around one random centre a class: separable when `noise` is small.
inline MemoryDataset blobs(Shape shape, int classes, int train, int validation, float noise,
                           uint64_t seed) {
  MemoryDataset dataset(shape, classes);
  const auto elements = static_cast<size_t>(shape.elements());
  const auto add = [&](data::Split split, int count) {
    for (int i = 0; i < count; ++i) {
      const int label = i % classes;
      Random centre(seed, "centre", static_cast<uint64_t>(label));
      Random random(seed, data::split_name(split), static_cast<uint64_t>(i));
      std::vector<float> x(elements);
      for (float& value : x) value = centre.uniform(-1.0f, 1.0f) + noise * random.normal();
      dataset.add(split, std::move(x), label);
    }
  };
  add(data::Split::kTrain, train);
  add(data::Split::kValidation, validation);
  add(data::Split::kTest, validation);
  return dataset;
}

}  // namespace coppice::testing
