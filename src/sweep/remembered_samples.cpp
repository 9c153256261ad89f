#include "sweep/remembered_samples.h"

#include <algorithm>

namespace coppice::sweep {
namespace {

constexpr int kMostEpochs = 10000;

size_t epochs_within(const data::Dataset& source, int64_t budget_bytes) {
  const int64_t epoch_bytes = source.size(data::Split::kTrain) * source.sample_shape().elements() *
                              static_cast<int64_t>(sizeof(float));
  if (epoch_bytes == 0) return 0;
  return static_cast<size_t>(std::min<int64_t>(budget_bytes / epoch_bytes, kMostEpochs));
}

}  // namespace

RememberedSamples::RememberedSamples(std::shared_ptr<const data::Dataset> source,
                                     int64_t budget_bytes)
    : source_(std::move(source)), epochs_(epochs_within(*source_, budget_bytes)) {}

void RememberedSamples::sample(data::Split split, int index, int epoch, std::span<float> x) const {
  const auto place = static_cast<size_t>(epoch - data::kNotAugmented);
  if (split != data::Split::kTrain || place >= epochs_.size()) {
    return source_->sample(split, index, epoch, x);
  }
  Epoch& remembered = epochs_[place];
  std::call_once(remembered.begun, [&] {
    const auto count = static_cast<size_t>(size(split));
    remembered.computed = std::make_unique<std::once_flag[]>(count);
    remembered.samples.resize(count * x.size());
  });
  const auto i = static_cast<size_t>(index);
  float* slot = remembered.samples.data() + i * x.size();
  std::call_once(remembered.computed[i],
                 [&] { source_->sample(split, index, epoch, std::span(slot, x.size())); });
  std::copy_n(slot, x.size(), x.data());
}

}  // namespace coppice::sweep
