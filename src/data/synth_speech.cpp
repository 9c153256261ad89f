#include "coppice/data/synth_speech.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "coppice/core/file.h"
#include "coppice/core/thread_pool.h"
#include "coppice/io/audio_file.h"
#include "data/synth_clip.h"
#include "data/synth_effects.h"
#include "data/synth_plan.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Changes whenever the same configuration would give other sound.
constexpr int kRecipe = 1;
constexpr char kRecordFile[] = "corpus.json";
constexpr char kWorkFolder[] = ".unfinished";
constexpr int kBabbleSeconds = 12;
constexpr int kBackgroundSeconds = 20;

class Generator {
 public:
  Generator(const SynthSpeechConfig& config, const SynthPlan& plan)
      : config_(config), plan_(plan), root_(config.path) {}

  Result<SynthSpeechReport> run() {
    COPPICE_TRY(const bool whole, inspect_folder());
    find_missing();
    if (!whole || !missing_.empty()) {
      COPPICE_TRY(const auto versions, speech_program_versions());
      COPPICE_TRY_STATUS(check_programs(versions));
      COPPICE_TRY_STATUS(write_record(versions, false));
      COPPICE_TRY_STATUS(make_folders());
      COPPICE_TRY_STATUS(make_everything());
      COPPICE_TRY_STATUS(write_record(versions, true));
      std::error_code ignored;
      fs::remove_all(root_ / kWorkFolder, ignored);
    }
    return report();
  }

 private:
  Json parameters() const {
    return {{"recipe", kRecipe},
            {"seed", config_.seed},
            {"keywords", config_.keywords},
            {"other_words", plan_.other_words},
            {"clips", config_.clips}};
  }

  // Whether the folder holds this very corpus, finished. A folder that is not there, is empty or
  // holds an unfinished corpus of these parameters is not; anything else is an error.
  Result<bool> inspect_folder() {
    if (root_.empty()) return Error{ErrorCode::kConfig, "no folder for the corpus is given"};
    if (!fs::exists(root_)) return false;
    if (!fs::is_directory(root_)) {
      return Error{ErrorCode::kConfig, root_.string() + " is a file; a corpus needs a folder"};
    }
    if (fs::is_empty(root_)) return false;
    const auto refuse = [this](const std::string& reason) {
      return Error{ErrorCode::kConfig,
                   root_.string() + " " + reason + "; remove it or choose another folder"};
    };
    if (!fs::exists(root_ / kRecordFile)) {
      return refuse("is not empty and holds no corpus of this command");
    }
    COPPICE_TRY(const auto text, read_file(root_ / kRecordFile));
    record_ = Json::parse(text, nullptr, false);
    if (!record_.is_object() || !record_.contains("parameters")) {
      return refuse(std::string("has a ") + kRecordFile + " that cannot be read");
    }
    const auto asked = parameters();
    for (const auto& [key, value] : asked.items()) {
      const auto found = record_["parameters"].value(key, Json());
      if (found != value) {
        return refuse("holds a corpus with " + key + " " + found.dump() + ", asked for is " +
                      value.dump());
      }
    }
    return record_.value("complete", false);
  }

  // Clips of other versions of the programs would not be the same bytes.
  Status check_programs(const std::array<std::string, 2>& versions) const {
    if (!record_.is_object() || record_.value("programs", Json()) == programs(versions)) return {};
    return Error{ErrorCode::kConfig, root_.string() + " was begun with " +
                                         record_.value("programs", Json()).dump() + ", here is " +
                                         programs(versions).dump() +
                                         "; remove it or choose another folder"};
  }

  static Json programs(const std::array<std::string, 2>& versions) {
    return {{"espeak-ng", versions[0]}, {"flite", versions[1]}};
  }

  Status write_record(const std::array<std::string, 2>& versions, bool complete) const {
    Json voices;
    for (size_t split = 0; split < 3; ++split) {
      auto& names = voices[std::string(split_name(static_cast<Split>(split)))];
      for (const auto& voice : plan_.voices[split]) names.push_back(voice.id);
    }
    const Json record = {
        {"description",
         "SYNTHETIC speech: every word was spoken by a program, no person was recorded. It ranks "
         "methods; accuracy on it is not accuracy on people."},
        {"synthetic", true},
        {"made_by", std::string("coppice ") + COPPICE_VERSION + ", data synth-speech"},
        {"layout", "word/voice_nohash_n.wav, 16 kHz mono 16-bit PCM, 1.000 s; splits by voice"},
        {"programs", programs(versions)},
        {"parameters", parameters()},
        {"voices", voices},
        {"complete", complete}};
    return write_file_atomic(root_ / kRecordFile, record.dump(2) + "\n");
  }

  void find_missing() {
    for (const auto& clip : plan_.clips) {
      // A crash of the machine may leave a file of the wrong length behind.
      constexpr uintmax_t kFileSize = 44 + 2 * kClipSamples;
      std::error_code code;
      if (fs::file_size(root_ / clip.file, code) != kFileSize) missing_.push_back(&clip);
    }
  }

  Status make_folders() const {
    std::error_code code;
    std::set<std::string> folders = {"_background_noise_", kWorkFolder};
    for (const auto& clip : plan_.clips) folders.insert(clip.word);
    for (const auto& folder : folders) {
      if (!code) fs::create_directories(root_ / folder, code);
    }
    if (!code) return {};
    return Error{ErrorCode::kIo,
                 "cannot make folders in " + root_.string() + ": " + code.message()};
  }

  Status make_everything() {
    COPPICE_TRY_STATUS(write_list("validation_list.txt", Split::kValidation));
    COPPICE_TRY_STATUS(write_list("testing_list.txt", Split::kTest));
    ThreadPool pool(config_.jobs);
    std::array<Status, 3> statuses;
    pool.run(3, [&](int split) {
      const auto s = static_cast<size_t>(split);
      Random random(config_.seed, "synth/babble", s);
      auto track = make_babble(plan_.voices[s], config_.keywords, kBabbleSeconds, random);
      if (track.ok()) {
        babble_[s] = *std::move(track);
      } else {
        statuses[s] = track.error();
      }
    });
    for (const auto& status : statuses) COPPICE_TRY_STATUS(status);
    COPPICE_TRY_STATUS(write_backgrounds());
    return make_clips(pool);
  }

  Status write_list(const char* name, Split split) const {
    std::string lines;
    for (const auto& clip : plan_.clips) {
      if (clip.split == split) lines += clip.file + "\n";
    }
    return write_file_atomic(root_ / name, lines);
  }

  Status write_backgrounds() const {
    constexpr size_t kSamples = size_t{kBackgroundSeconds} * kClipRate;
    constexpr float kLevel = 0.15f;  // RMS; the peaks of noise stay below full scale.
    for (const std::string kind : {"white", "pink", "brown", "hum", "babble"}) {
      Random random(config_.seed, "synth/background/" + kind);
      // Babble of the training voices only: background noise is mixed into training clips.
      auto noise = kind == "babble" ? babble_[0] : make_noise(kind, kSamples, random);
      for (float& sample : noise) sample *= kLevel;
      COPPICE_TRY_STATUS(write_clip("_background_noise_/" + kind + ".wav", io::to_pcm16(noise)));
    }
    return {};
  }

  // Written aside and renamed: a file that is there is whole.
  Status write_clip(const std::string& file, const Pcm& pcm) const {
    auto name = file;
    std::replace(name.begin(), name.end(), '/', '+');
    const auto aside = root_ / kWorkFolder / name;
    COPPICE_TRY_STATUS(io::write_wav(aside, pcm, kClipRate));
    std::error_code code;
    fs::rename(aside, root_ / file, code);
    if (!code) return {};
    return Error{ErrorCode::kIo, "cannot write " + (root_ / file).string() + ": " + code.message()};
  }

  Status make_clips(ThreadPool& pool) {
    std::mutex mutex;
    Status first_error;
    std::atomic<bool> failed = false;
    const auto all = static_cast<int64_t>(plan_.clips.size());
    int64_t done = all - static_cast<int64_t>(missing_.size());
    pool.run(static_cast<int>(missing_.size()), [&](int i) {
      if (failed) return;
      const auto status = make_one(*missing_[static_cast<size_t>(i)]);
      const std::lock_guard lock(mutex);
      if (!status.ok() && !failed.exchange(true)) first_error = status;
      ++done;
      if (config_.progress) config_.progress(done, all);
    });
    return first_error;
  }

  Status make_one(const PlannedClip& clip) const {
    COPPICE_TRY(const auto pcm, make_clip(clip, config_.seed, babble_));
    return write_clip(clip.file, pcm);
  }

  SynthSpeechReport report() const {
    SynthSpeechReport report;
    report.made = static_cast<int>(missing_.size());
    report.kept = static_cast<int>(plan_.clips.size()) - report.made;
    for (const auto& clip : plan_.clips) ++report.clips[static_cast<int>(clip.split)];
    for (size_t split = 0; split < 3; ++split) {
      report.voices[split] = static_cast<int>(plan_.voices[split].size());
    }
    return report;
  }

  const SynthSpeechConfig& config_;
  const SynthPlan& plan_;
  fs::path root_;
  Json record_;
  std::vector<const PlannedClip*> missing_;
  BabbleTracks babble_;
};

}  // namespace

Result<SynthSpeechReport> synth_speech(const SynthSpeechConfig& config) {
  COPPICE_TRY(const auto plan, plan_synth_speech(config));
  return Generator(config, *plan).run();
}

}  // namespace coppice::data
