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

/// The epoch that asks for a training sample as it is on disk, as calibration does.
inline constexpr int kNotAugmented = -1;

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
  /// augmented as a pure function of (dataset seed, epoch, index), and not at all at epoch
  /// kNotAugmented; validation and test samples never are, and ignore `epoch`. Thread-safe.
  virtual void sample(Split split, int index, int epoch, std::span<float> x) const = 0;

  /// Files that were skipped with skip_bad.
  virtual const std::vector<SkippedFile>& skipped() const = 0;
};

/// Everything that decides what a dataset yields.
struct DatasetConfig {
  std::string type = "speech_commands";  ///< "speech_commands", "cifar10" or "fashion_mnist".
  std::string path = {};                 ///< Folder of the data. Empty for "fashion_mnist": the
                                         ///< folder of Debian's package dataset-fashion-mnist.
  uint64_t seed = 0;        ///< Augmentation and the choice of unknown / silence clips.
  bool skip_bad = false;    ///< Skip broken files (and list them) instead of failing.
  bool augment = true;      ///< Augment training samples.
  int limit_per_class = 0;  ///< At most so many samples a class and split; 0: all.

  // Speech only.
  std::string features = "mfcc";           ///< "mfcc", "log_mel" or "micro".
  std::vector<std::string> keywords = {};  ///< Classes in this order; empty: every label folder.
  bool unknown = false;              ///< Adds the class "unknown" from the other label folders.
  bool silence = false;              ///< Adds the class "silence" from the background noise.
  float unknown_percentage = 10.0f;  ///< Unknown clips, at most so many percent of the keyword
                                     ///< clips of the split; chosen by seed.
  float silence_percentage = 10.0f;  ///< Silence clips, in percent of the keyword clips.
  bool test_only = false;            ///< Every clip is a test clip (sets made for evaluation).
  bool resample = false;             ///< Accept other sample rates; else they are an error.
  bool pcan = true;                  ///< "micro" features: per-channel amplitude normalization.
  // Augmentation of training clips, drawn for each (seed, epoch, index).
  float time_shift_ms = 100.0f;         ///< Largest shift either way; zeros fill the gap.
  float background_probability = 0.8f;  ///< Share of clips with background noise mixed in.
  float background_volume = 0.1f;       ///< Largest factor on that noise.
  float gain_db = 6.0f;                 ///< Largest change of level either way.
  float spectral_tilt = 0.4f;           ///< Largest |a| of the filter x[n] + a x[n-1].
  float speed_change = 0.1f;  ///< Largest relative change of speed (and pitch) either way.
  float time_mask_ms = 0.0f;  ///< Longest stretch of the clip that is silenced.

  // Images only.
  float validation_fraction = 0.1f;  ///< Part of the official training set held out.
  int crop_padding = 4;              ///< Training: random crop after padding by so many pixels.
  bool flip = true;                  ///< Training: random horizontal flip (CIFAR-10 only).
};

/// Opens a dataset and reads all of it into memory.
///
/// speech_commands: `label/<speaker>_nohash_<n>.wav`, 16 kHz mono 16-bit PCM, one second a sample
/// (shorter clips are centred in zeros, longer ones cut to their loudest second), split by
/// validation_list.txt and testing_list.txt, or by hash_split() where neither is there. Classes are
/// the keywords in the given order, then "unknown", then "silence". Silence comes from
/// `_background_noise_` (the first 80 % of each track for training, then 10 % each for validation
/// and test), or from clips in a folder `_silence_`. Samples are the front end's features.
///
/// cifar10: data_batch_*.bin and test_batch.bin, any number of records each; fashion_mnist: four
/// IDX files, gzip or plain. Pixels are (x / 255 - mean) / deviation per channel, with the
/// constants of the official training set; samples are [32,32,3] and [28,28,1]. The validation
/// split is drawn from the official training set by seed, class by class.
///
/// Errors name the path and the reason; with skip_bad, files that cannot be used are left out and
/// listed in skipped().
Result<std::shared_ptr<const Dataset>> open_dataset(const DatasetConfig& config);

}  // namespace coppice::data
