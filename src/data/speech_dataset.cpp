#include "data/speech_dataset.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>

#include "coppice/core/thread_pool.h"
#include "coppice/data/front_end.h"
#include "data/clip.h"
#include "data/speech_index.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

struct LoadedClip {
  Pcm pcm;  ///< One second.
  int label = 0;
};

/// The samples of one split and, once computed, the features that never change.
struct SplitData {
  std::vector<LoadedClip> clips;
  int silence_slices = 0;  ///< Samples behind the clips.
  bool cached = true;
  std::unique_ptr<std::once_flag[]> computed;
  std::vector<float> features;

  int size() const { return static_cast<int>(clips.size()) + silence_slices; }
};

// The message without the path that it begins with.
std::string reason_of(const Error& error, const fs::path& path) {
  const std::string prefix = path.string() + ": ";
  return error.message.starts_with(prefix) ? error.message.substr(prefix.size()) : error.message;
}

// Reads these files on all cores. With skip_bad the files that fail are listed and left out.
Result<std::vector<std::optional<Pcm>>> read_all(const std::vector<fs::path>& paths,
                                                 const DatasetConfig& config,
                                                 std::vector<SkippedFile>& skipped) {
  std::vector<std::optional<Pcm>> clips(paths.size());
  std::vector<Error> errors(paths.size());
  ThreadPool pool;
  pool.run(static_cast<int>(paths.size()), [&](int i) {
    const auto index = static_cast<size_t>(i);
    auto pcm = read_pcm(paths[index], config.resample);
    if (pcm.ok()) {
      clips[index] = *std::move(pcm);
    } else {
      errors[index] = pcm.error();
    }
  });
  const Error* first = nullptr;
  size_t bad = 0;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (clips[i]) continue;
    if (bad++ == 0) first = &errors[i];
    if (config.skip_bad) skipped.push_back({paths[i].string(), reason_of(errors[i], paths[i])});
  }
  if (bad > 0 && !config.skip_bad) {
    auto error = *first;
    if (bad > 1) error.message += " (and " + std::to_string(bad - 1) + " more bad files)";
    return error;
  }
  return clips;
}

class SpeechDataset final : public Dataset {
 public:
  SpeechDataset(const DatasetConfig& config, std::unique_ptr<FrontEnd> front_end)
      : config_(config), front_end_(std::move(front_end)) {
    const auto path = fs::path(config.path).lexically_normal();
    name_ = (path.has_filename() ? path : path.parent_path()).filename().string();
  }

  Status load() {
    COPPICE_TRY(auto index, index_speech(config_, skipped_));
    class_names_ = std::move(index.class_names);
    for (size_t split = 0; split < 3; ++split) {
      COPPICE_TRY_STATUS(load_split(index, split));
    }
    COPPICE_TRY(auto tracks, read_all(index.backgrounds, config_, skipped_));
    for (auto& track : tracks) {
      if (track) backgrounds_.emplace_back(*std::move(track));
    }
    const bool slices = index.silence_slices != std::array<int, 3>{};
    if (slices && backgrounds_.empty()) {
      return Error{ErrorCode::kCorrupt, "no usable background noise in " + config_.path};
    }
    return {};
  }

  const std::string& name() const override { return name_; }
  Shape sample_shape() const override { return front_end_->shape(); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  const std::vector<SkippedFile>& skipped() const override { return skipped_; }
  int size(Split split) const override { return of(split).size(); }

  int label(Split split, int index) const override {
    const auto& clips = of(split).clips;
    const auto i = static_cast<size_t>(index);
    return i < clips.size() ? clips[i].label : static_cast<int>(class_names_.size()) - 1;
  }

  void sample(Split split, int index, int epoch, std::span<float> x) const override {
    assert(static_cast<int64_t>(x.size()) == sample_shape().elements());
    const auto& data = of(split);
    if (!data.cached) return compute(split, index, epoch, x);
    const auto i = static_cast<size_t>(index);
    // Each slot is written once, under its flag, and only read afterwards.
    float* slot = const_cast<float*>(data.features.data()) + i * x.size();
    std::call_once(data.computed[i], [&] { compute(split, index, 0, std::span(slot, x.size())); });
    std::copy_n(slot, x.size(), x.data());
  }

 private:
  const SplitData& of(Split split) const { return splits_[static_cast<size_t>(split)]; }

  Status load_split(const SpeechIndex& index, size_t split) {
    auto& data = splits_[split];
    std::vector<fs::path> paths;
    for (const auto& clip : index.clips[split]) paths.push_back(clip.path);
    COPPICE_TRY(auto read, read_all(paths, config_, skipped_));
    for (size_t i = 0; i < read.size(); ++i) {
      if (!read[i]) continue;
      data.clips.push_back({fit_to_second(*std::move(read[i])), index.clips[split][i].label});
    }
    data.silence_slices = index.silence_slices[split];
    data.cached = static_cast<Split>(split) != Split::kTrain || !config_.augment;
    if (data.cached) {
      const auto samples = static_cast<size_t>(data.size());
      data.computed = std::make_unique<std::once_flag[]>(samples);
      data.features.resize(samples * static_cast<size_t>(sample_shape().elements()));
    }
    return {};
  }

  void compute(Split split, int index, int epoch, std::span<float> x) const {
    const auto& clips = of(split).clips;
    const auto i = static_cast<size_t>(index);
    const bool augmented = split == Split::kTrain && config_.augment && epoch != kNotAugmented;
    const uint64_t draw = static_cast<uint64_t>(augmented ? epoch : 0) << 32 | i;
    std::vector<float> clip(kClipSamples);
    if (i < clips.size()) {
      for (size_t t = 0; t < kClipSamples; ++t) {
        clip[t] = static_cast<float>(clips[i].pcm[t]) / 32768.0f;
      }
      if (augmented) {
        Random random(config_.seed, "data/augment", draw);
        augment_clip(clip, config_, backgrounds_, random);
      }
    } else {
      fill_with_silence(split, draw, clip);
    }
    front_end_->compute(clip, x);
  }

  void fill_with_silence(Split split, uint64_t draw, std::vector<float>& clip) const {
    Random random(config_.seed, "data/silence/" + std::string(split_name(split)), draw);
    const auto& track = backgrounds_[random.below(static_cast<uint32_t>(backgrounds_.size()))];
    const float volume = random.uniform() / 32768.0f;
    const auto noise = track.slice(split, random);
    for (size_t t = 0; t < kClipSamples; ++t) clip[t] = volume * static_cast<float>(noise[t]);
  }

  std::string name_;
  DatasetConfig config_;
  std::unique_ptr<FrontEnd> front_end_;
  std::vector<std::string> class_names_;
  std::array<SplitData, 3> splits_;
  std::vector<BackgroundTrack> backgrounds_;
  std::vector<SkippedFile> skipped_;
};

Status check_range(const char* key, float value, float low, float high) {
  if (value >= low && value <= high) return {};
  return Error{ErrorCode::kConfig, std::string(key) + " is " + std::to_string(value) +
                                       ", expected " + std::to_string(low) + " to " +
                                       std::to_string(high)};
}

Status check_config(const DatasetConfig& config) {
  constexpr float kLargest = 1e9f;
  COPPICE_TRY_STATUS(check_range("unknown_percentage", config.unknown_percentage, 0, kLargest));
  COPPICE_TRY_STATUS(check_range("silence_percentage", config.silence_percentage, 0, 10000));
  COPPICE_TRY_STATUS(check_range("time_shift_ms", config.time_shift_ms, 0, 1000));
  COPPICE_TRY_STATUS(check_range("background_probability", config.background_probability, 0, 1));
  COPPICE_TRY_STATUS(check_range("background_volume", config.background_volume, 0, 1));
  COPPICE_TRY_STATUS(check_range("gain_db", config.gain_db, 0, 60));
  COPPICE_TRY_STATUS(check_range("spectral_tilt", config.spectral_tilt, 0, 1));
  COPPICE_TRY_STATUS(check_range("speed_change", config.speed_change, 0, 0.5f));
  return check_range("time_mask_ms", config.time_mask_ms, 0, 1000);
}

}  // namespace

Result<std::shared_ptr<const Dataset>> open_speech(const DatasetConfig& config) {
  COPPICE_TRY_STATUS(check_config(config));
  COPPICE_TRY(auto front_end, make_front_end({config.features, config.pcan}));
  auto dataset = std::make_shared<SpeechDataset>(config, std::move(front_end));
  COPPICE_TRY_STATUS(dataset->load());
  return std::shared_ptr<const Dataset>(std::move(dataset));
}

}  // namespace coppice::data
