#include "coppice/data/dataset.h"

#include "data/image_dataset.h"
#include "data/speech_dataset.h"

namespace coppice::data {

Result<std::shared_ptr<const Dataset>> open_dataset(const DatasetConfig& config) {
  if (config.limit_per_class < 0) {
    return Error{ErrorCode::kConfig, "limit_per_class is " +
                                         std::to_string(config.limit_per_class) +
                                         ", expected 0 (no limit) or more"};
  }
  if (config.type == "speech_commands") return open_speech(config);
  if (config.type == "cifar10") {
    COPPICE_TRY(auto images, read_cifar10(config));
    return make_image_dataset(std::move(images), config);
  }
  if (config.type == "fashion_mnist") {
    COPPICE_TRY(auto images, read_fashion_mnist(config));
    return make_image_dataset(std::move(images), config);
  }
  return Error{ErrorCode::kConfig, "unknown dataset type \"" + config.type +
                                       "\", expected speech_commands, cifar10 or fashion_mnist"};
}

}  // namespace coppice::data
