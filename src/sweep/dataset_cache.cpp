#include "sweep/dataset_cache.h"

#include "coppice/sweep/tables.h"

namespace coppice::sweep {

Result<std::shared_ptr<const data::Dataset>> DatasetCache::open(const Json& config) {
  const std::lock_guard lock(mutex_);
  auto& entry = datasets_[config.dump()];
  if (entry == nullptr) {
    COPPICE_TRY(entry, data::open_dataset(dataset_table().options<data::DatasetConfig>(config)));
  }
  return entry;
}

}  // namespace coppice::sweep
