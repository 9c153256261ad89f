#include <algorithm>
#include <filesystem>

#include "coppice/core/file.h"
#include "data/image_dataset.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPixels = 32 * 32;
constexpr size_t kRecord = 1 + 3 * kPixels;

// One label byte, then the red, green and blue planes.
Status append_batch(const fs::path& path, ImageSet& set) {
  COPPICE_TRY(const std::string bytes, read_file(path));
  if (bytes.empty()) return Error{ErrorCode::kCorrupt, path.string() + ": the file is empty"};
  if (bytes.size() % kRecord != 0) {
    return Error{ErrorCode::kCorrupt, path.string() + ": " + std::to_string(bytes.size()) +
                                          " bytes are no multiple of 3073; record " +
                                          std::to_string(bytes.size() / kRecord) + " at offset " +
                                          std::to_string(bytes.size() / kRecord * kRecord) +
                                          " is truncated"};
  }
  for (size_t offset = 0; offset < bytes.size(); offset += kRecord) {
    const auto label = static_cast<uint8_t>(bytes[offset]);
    if (label > 9) {
      return Error{ErrorCode::kCorrupt, path.string() + ": label " + std::to_string(label) +
                                            " at offset " + std::to_string(offset) +
                                            ", expected 0 to 9"};
    }
  }
  set.labels.reserve(set.labels.size() + bytes.size() / kRecord);
  set.pixels.reserve(set.pixels.size() + bytes.size());
  for (size_t offset = 0; offset < bytes.size(); offset += kRecord) {
    set.labels.push_back(static_cast<uint8_t>(bytes[offset]));
    const char* planes = bytes.data() + offset + 1;
    for (size_t pixel = 0; pixel < kPixels; ++pixel) {
      for (size_t channel = 0; channel < 3; ++channel) {
        set.pixels.push_back(static_cast<uint8_t>(planes[channel * kPixels + pixel]));
      }
    }
  }
  return {};
}

Result<std::vector<fs::path>> training_batches(const fs::path& folder) {
  std::vector<fs::path> batches;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("data_batch_") && name.ends_with(".bin")) batches.push_back(entry.path());
  }
  if (code) {
    return Error{ErrorCode::kNotFound, "cannot read " + folder.string() + ": " + code.message()};
  }
  if (batches.empty()) {
    return Error{ErrorCode::kNotFound,
                 "no data_batch_*.bin in " + folder.string() +
                     "; `coppice data cifar10 --out DIR` makes the CIFAR-10 batches"};
  }
  // Batch 10 comes after batch 9.
  std::sort(batches.begin(), batches.end(), [](const fs::path& a, const fs::path& b) {
    const auto size_a = a.native().size(), size_b = b.native().size();
    return size_a != size_b ? size_a < size_b : a < b;
  });
  return batches;
}

}  // namespace

Result<ImageCollection> read_cifar10(const DatasetConfig& config) {
  ImageCollection images;
  images.name = "cifar10";
  images.shape = {32, 32, 3};
  images.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                        "dog",      "frog",       "horse", "ship", "truck"};
  images.mean = {0.4914f, 0.4822f, 0.4465f};
  images.deviation = {0.2470f, 0.2435f, 0.2616f};
  images.flip = true;
  COPPICE_TRY(const auto batches, training_batches(config.path));
  const auto append = [&](const fs::path& path, ImageSet& set) -> Status {
    auto status = append_batch(path, set);
    if (status.ok() || !config.skip_bad) return status;
    images.skipped.push_back({path.string(), status.error().message});
    return {};
  };
  for (const auto& batch : batches) COPPICE_TRY_STATUS(append(batch, images.train));
  COPPICE_TRY_STATUS(append(fs::path(config.path) / "test_batch.bin", images.test));
  if (images.train.labels.empty()) {
    return Error{ErrorCode::kCorrupt, "no usable training batch in " + config.path};
  }
  return images;
}

}  // namespace coppice::data
