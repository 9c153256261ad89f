#include "data/image_dataset.h"

#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"

namespace coppice::data {
namespace {

using IndexLists = std::array<std::vector<int>, 3>;

// Each class is shuffled on its own, so that every split has the classes of the whole.
IndexLists choose_splits(const ImageCollection& images, const DatasetConfig& config) {
  IndexLists lists;
  const size_t limit = config.limit_per_class > 0 ? static_cast<size_t>(config.limit_per_class)
                                                  : images.train.labels.size();
  const auto append = [&](Split split, const int* begin, const int* end) {
    auto& list = lists[static_cast<size_t>(split)];
    list.insert(list.end(), begin,
                begin + std::min<ptrdiff_t>(end - begin, static_cast<ptrdiff_t>(limit)));
  };
  for (size_t label = 0; label < images.class_names.size(); ++label) {
    const auto members = [&](const ImageSet& set, const char* stream) {
      std::vector<int> all;
      for (size_t i = 0; i < set.labels.size(); ++i) {
        if (set.labels[i] == label) all.push_back(static_cast<int>(i));
      }
      Random random(config.seed, stream, label);
      const auto order = random_permutation(static_cast<int>(all.size()), random);
      std::vector<int> shuffled;
      for (const int i : order) shuffled.push_back(all[static_cast<size_t>(i)]);
      return shuffled;
    };
    const auto train = members(images.train, "data/validation");
    const auto held = std::lround(static_cast<double>(config.validation_fraction) *
                                  static_cast<double>(train.size()));
    append(Split::kValidation, train.data(), train.data() + held);
    append(Split::kTrain, train.data() + held, train.data() + train.size());
    const auto test = members(images.test, "data/test");
    append(Split::kTest, test.data(), test.data() + test.size());
  }
  for (auto& list : lists) std::sort(list.begin(), list.end());
  return lists;
}

class ImageDataset final : public Dataset {
 public:
  ImageDataset(ImageCollection images, const DatasetConfig& config)
      : images_(std::move(images)), config_(config), lists_(choose_splits(images_, config)) {
    for (int channel = 0; channel < images_.shape.back(); ++channel) {
      for (int value = 0; value < 256; ++value) {
        const auto c = static_cast<size_t>(channel);
        table_[c][static_cast<size_t>(value)] =
            (static_cast<float>(value) / 255.0f - images_.mean[c]) / images_.deviation[c];
      }
    }
  }

  const std::string& name() const override { return images_.name; }
  Shape sample_shape() const override { return images_.shape; }
  const std::vector<std::string>& class_names() const override { return images_.class_names; }
  const std::vector<SkippedFile>& skipped() const override { return images_.skipped; }
  int size(Split split) const override { return static_cast<int>(list(split).size()); }
  int label(Split split, int index) const override {
    return set(split).labels[static_cast<size_t>(list(split)[static_cast<size_t>(index)])];
  }

  void sample(Split split, int index, int epoch, std::span<float> x) const override {
    assert(static_cast<int64_t>(x.size()) == images_.shape.elements());
    const auto image = static_cast<size_t>(list(split)[static_cast<size_t>(index)]);
    const uint8_t* pixels = set(split).pixels.data() + image * x.size();
    int shift_y = 0, shift_x = 0;
    bool mirror = false;
    if (split == Split::kTrain && config_.augment && epoch != kNotAugmented) {
      Random random(config_.seed, "data/augment",
                    static_cast<uint64_t>(epoch) << 32 | static_cast<uint32_t>(index));
      const auto range = static_cast<uint32_t>(2 * std::max(0, config_.crop_padding) + 1);
      shift_y = static_cast<int>(random.below(range)) - config_.crop_padding;
      shift_x = static_cast<int>(random.below(range)) - config_.crop_padding;
      mirror = images_.flip && config_.flip && random.below(2) == 1;
    }
    copy(pixels, shift_y, shift_x, mirror, x.data());
  }

 private:
  const std::vector<int>& list(Split split) const { return lists_[static_cast<size_t>(split)]; }
  const ImageSet& set(Split split) const {
    return split == Split::kTest ? images_.test : images_.train;
  }

  // A crop of the image padded with black, as in He et al., "Deep residual learning for image
  // recognition", 2016, section 4.2.
  void copy(const uint8_t* pixels, int shift_y, int shift_x, bool mirror, float* x) const {
    const int height = images_.shape[0], width = images_.shape[1], channels = images_.shape[2];
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        const int from_row = row + shift_y;
        const int from_column = (mirror ? width - 1 - column : column) + shift_x;
        const bool inside =
            from_row >= 0 && from_row < height && from_column >= 0 && from_column < width;
        const uint8_t* pixel = pixels + (from_row * width + from_column) * channels;
        for (int channel = 0; channel < channels; ++channel) {
          *x++ = table_[static_cast<size_t>(channel)][inside ? pixel[channel] : 0];
        }
      }
    }
  }

  ImageCollection images_;
  DatasetConfig config_;
  IndexLists lists_;
  std::array<std::array<float, 256>, 3> table_{};
};

}  // namespace

Result<std::shared_ptr<const Dataset>> make_image_dataset(ImageCollection images,
                                                          const DatasetConfig& config) {
  if (!(config.validation_fraction >= 0.0f && config.validation_fraction < 1.0f)) {
    return Error{ErrorCode::kConfig, "validation_fraction is " +
                                         std::to_string(config.validation_fraction) +
                                         ", expected at least 0 and less than 1"};
  }
  if (config.crop_padding < 0) {
    return Error{ErrorCode::kConfig,
                 "crop_padding is " + std::to_string(config.crop_padding) + ", expected 0 or more"};
  }
  return std::shared_ptr<const Dataset>(std::make_shared<ImageDataset>(std::move(images), config));
}

}  // namespace coppice::data
