#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "coppice/data/dataset.h"
#include "coppice/sweep/located_json.h"

namespace coppice::sweep {

/// Datasets by their resolved config, each opened once.
class DatasetCache {
 public:
  Result<std::shared_ptr<const data::Dataset>> open(const Json& config);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const data::Dataset>> datasets_;
};

}  // namespace coppice::sweep
