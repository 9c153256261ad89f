#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/result.h"
#include "coppice/core/shape.h"

namespace coppice::data {

enum class Split { kTrain, kValidation, kTest };
std::string_view split_name(Split split);
Result<Split> parse_split(std::string_view name);

/// A file that was left out, and why.
struct SkippedFile {
  std::string path;
  std::string reason;
};

/// Labelled samples in three disjoint splits.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual const std::string& name() const = 0;
  virtual Shape sample_shape() const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;
  virtual int size(Split split) const = 0;
  virtual int label(Split split, int index) const = 0;

  /// Writes sample `index` to `x` (sample_shape().elements() floats). Training samples are
  /// augmented as a pure function of (dataset seed, epoch, index); validation and test samples
  /// never are, and ignore `epoch`. Thread-safe.
  virtual void sample(Split split, int index, int epoch, std::span<float> x) const = 0;

  /// Files that were skipped with skip_bad.
  virtual const std::vector<SkippedFile>& skipped() const = 0;
};

/// Everything that decides what a dataset yields.
struct DatasetConfig {
  std::string type = "speech_commands";  ///< "speech_commands", "cifar10" or "fashion_mnist".
  std::string path;                      ///< Folder of the data.
  uint64_t seed = 0;                     ///< Augmentation and the choice of unknown / silence clips.
  bool skip_bad = false;                 ///< Skip broken files (and list them) instead of failing.
  bool augment = true;                   ///< Augment training samples.
  int limit_per_class = 0;               ///< At most so many samples a class and split; 0: all.

  // Speech only.
  std::string features = "mfcc";        ///< "mfcc", "log_mel" or "micro".
  std::vector<std::string> keywords;    ///< Classes in this order; empty: every label folder.
  bool unknown = false;                 ///< Adds the class "unknown" from the other label folders.
  bool silence = false;                 ///< Adds the class "silence" from the background noise.
  float unknown_percentage = 10.0f;     ///< Unknown clips, in percent of the keyword clips.
  float silence_percentage = 10.0f;     ///< Silence clips, in percent of the keyword clips.
  float background_probability = 0.8f;  ///< Training: share of clips with background noise mixed in.
  float background_volume = 0.1f;       ///< Training: largest volume of that noise.
  float time_shift_ms = 100.0f;         ///< Training: largest shift either way.
  bool pcan = true;                     ///< "micro" features: per-channel amplitude normalization.

  // Images only.
  float validation_fraction = 0.1f;  ///< Part of the official training set held out.
  int crop_padding = 4;              ///< Training: random crop after padding by so many pixels.
  bool flip = true;                  ///< Training: random horizontal flip (CIFAR-10 only).
};

/// Opens a dataset. Errors name the path and the reason.
Result<std::shared_ptr<const Dataset>> open_dataset(const DatasetConfig& config);

}  // namespace coppice::data
