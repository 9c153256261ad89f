#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "coppice/data/dataset.h"

namespace coppice::sweep {

/// A dataset that computes a training sample once for each epoch and remembers it. Augmentation
/// depends on dataset seed, epoch and index alone, so the trials of a sweep, whatever their seeds
/// and steps, train on the same samples: of tiny_conv's training four fifths are features.
/// Remembered are the first epochs, as many as fit `budget_bytes`; memory is taken epoch by epoch.
class RememberedSamples final : public data::Dataset {
 public:
  RememberedSamples(std::shared_ptr<const data::Dataset> source, int64_t budget_bytes);

  const std::string& name() const override { return source_->name(); }
  Shape sample_shape() const override { return source_->sample_shape(); }
  const std::vector<std::string>& class_names() const override { return source_->class_names(); }
  const std::vector<data::SkippedFile>& skipped() const override { return source_->skipped(); }
  int size(data::Split split) const override { return source_->size(split); }
  int label(data::Split split, int index) const override { return source_->label(split, index); }
  void sample(data::Split split, int index, int epoch, std::span<float> x) const override;

 private:
  struct Epoch {
    std::once_flag begun;
    std::unique_ptr<std::once_flag[]> computed;  ///< Of each sample.
    std::vector<float> samples;
  };

  std::shared_ptr<const data::Dataset> source_;
  mutable std::vector<Epoch> epochs_;  ///< The first is kNotAugmented.
};

}  // namespace coppice::sweep
