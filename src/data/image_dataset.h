#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coppice/data/dataset.h"

namespace coppice::data {

/// Images of one size as bytes in HWC order, and their labels.
struct ImageSet {
  std::vector<uint8_t> pixels;  ///< [count, H, W, C]
  std::vector<uint8_t> labels;  ///< [count]
};

/// The official training and test images of a dataset and how pixels become numbers.
struct ImageCollection {
  std::string name;
  Shape shape;  ///< [H, W, C]
  std::vector<std::string> class_names;
  std::array<float, 3> mean{};       ///< Of pixel / 255 over the official training set, by channel.
  std::array<float, 3> deviation{};  ///< Standard deviation, likewise.
  bool flip = false;                 ///< Mirrored images are images of the same class.
  ImageSet train, test;
  std::vector<SkippedFile> skipped;
};

/// Holds out the validation split and wraps the images as a Dataset.
Result<std::shared_ptr<const Dataset>> make_image_dataset(ImageCollection images,
                                                          const DatasetConfig& config);

Result<ImageCollection> read_cifar10(const DatasetConfig& config);
Result<ImageCollection> read_fashion_mnist(const DatasetConfig& config);

}  // namespace coppice::data
