#include "sweep/dataset_cache.h"

#include "coppice/sweep/tables.h"
#include "sweep/remembered_samples.h"

namespace coppice::sweep {
namespace {

constexpr int64_t kSampleBudget = int64_t{512} << 20;

}  // namespace

Result<std::shared_ptr<const data::Dataset>> DatasetCache::open(const Json& config) {
  const std::lock_guard lock(mutex_);
  auto& entry = datasets_[config.dump()];
  if (entry == nullptr) {
    const auto options = dataset_table().options<data::DatasetConfig>(config);
    COPPICE_TRY(entry, data::open_dataset(options));
    // A picture's crop costs nothing beside its training; a clip's features cost more than it.
    const bool is_sound = options.type == "speech_commands";
    if (is_sound) entry = std::make_shared<RememberedSamples>(std::move(entry), kSampleBudget);
  }
  return entry;
}

}  // namespace coppice::sweep
