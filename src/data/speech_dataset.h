#pragma once

#include <memory>

#include "coppice/data/dataset.h"

namespace coppice::data {

/// Opens a folder of spoken words; see open_dataset().
Result<std::shared_ptr<const Dataset>> open_speech(const DatasetConfig& config);

}  // namespace coppice::data
