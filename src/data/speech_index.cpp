#include "data/speech_index.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "coppice/core/file.h"
#include "coppice/core/random.h"
#include "coppice/data/split.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

constexpr char kBackgroundFolder[] = "_background_noise_";
constexpr char kSilenceFolder[] = "_silence_";

using Paths = std::vector<fs::path>;
using SplitPaths = std::array<Paths, 3>;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class Indexer {
 public:
  Indexer(const DatasetConfig& config, std::vector<SkippedFile>& skipped)
      : config_(config), root_(config.path), skipped_(skipped) {}

  Result<SpeechIndex> run() {
    COPPICE_TRY_STATUS(find_folders());
    COPPICE_TRY_STATUS(check_keywords());
    COPPICE_TRY_STATUS(read_lists());
    SpeechIndex index;
    index.class_names = keywords_;
    for (size_t i = 0; i < keywords_.size(); ++i) {
      COPPICE_TRY(const auto paths, clips_of(keywords_[i]));
      append(index, paths, static_cast<int>(i));
    }
    std::array<size_t, 3> keyword_clips{};
    for (size_t split = 0; split < 3; ++split) keyword_clips[split] = index.clips[split].size();
    if (config_.unknown) COPPICE_TRY_STATUS(add_unknown(index, keyword_clips));
    COPPICE_TRY_STATUS(find_backgrounds(index));
    if (config_.silence) COPPICE_TRY_STATUS(add_silence(index, keyword_clips));
    if (keyword_clips[0] + keyword_clips[1] + keyword_clips[2] == 0) {
      return Error{ErrorCode::kNotFound, "no clips (label/*.wav) in " + root_.string()};
    }
    return index;
  }

 private:
  Status fail_or_skip(const fs::path& path, const std::string& reason) {
    if (!config_.skip_bad) return Error{ErrorCode::kCorrupt, path.string() + ": " + reason};
    skipped_.push_back({path.string(), reason});
    return {};
  }

  Status find_folders() {
    if (!fs::is_directory(root_)) {
      return Error{ErrorCode::kNotFound,
                   "dataset folder \"" + root_.string() + "\" " +
                       (fs::exists(root_) ? "is not a folder" : "is not there")};
    }
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(root_, code)) {
      const auto name = entry.path().filename().string();
      if (entry.is_directory() && !name.starts_with('.')) folders_.insert(name);
    }
    if (code) return Error{ErrorCode::kIo, "cannot list " + root_.string() + ": " + code.message()};
    return {};
  }

  bool is_word(const std::string& folder) const {
    return folder != kBackgroundFolder && !(config_.silence && folder == kSilenceFolder);
  }

  Status check_keywords() {
    keywords_ = config_.keywords;
    if (keywords_.empty()) {
      if (config_.unknown) {
        return Error{ErrorCode::kConfig, "unknown: true needs a list of keywords"};
      }
      std::copy_if(folders_.begin(), folders_.end(), std::back_inserter(keywords_),
                   [this](const std::string& name) { return is_word(name); });
    }
    if (keywords_.empty()) {
      return Error{ErrorCode::kNotFound, "no label folders in " + root_.string()};
    }
    std::set<std::string> seen;
    for (const auto& keyword : keywords_) {
      if (!seen.insert(keyword).second) {
        return Error{ErrorCode::kConfig, "keyword \"" + keyword + "\" is given twice"};
      }
      if (folders_.count(keyword) == 0) {
        return Error{ErrorCode::kNotFound, "keyword \"" + keyword + "\" has no folder in " +
                                               root_.string() + " (it has " +
                                               joined({folders_.begin(), folders_.end()}) + ")"};
      }
      if ((config_.unknown && keyword == "unknown") || (config_.silence && keyword == "silence")) {
        return Error{ErrorCode::kConfig,
                     "\"" + keyword + "\" is both a keyword and an added class"};
      }
    }
    return {};
  }

  Status read_lists() {
    if (config_.test_only) return {};
    COPPICE_TRY_STATUS(read_list("validation_list.txt", Split::kValidation));
    return read_list("testing_list.txt", Split::kTest);
  }

  Status read_list(const char* name, Split split) {
    const auto list = root_ / name;
    if (!fs::exists(list)) return {};
    COPPICE_TRY(const auto text, read_file(list));
    has_lists_ = true;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (line.empty()) continue;
      const auto place = list.string() + ":" + std::to_string(number);
      if (!fs::exists(root_ / line)) {
        COPPICE_TRY_STATUS(fail_or_skip(place, "names " + line + ", which is not there"));
        continue;
      }
      const auto [position, added] = listed_.emplace(line, split);
      if (!added && position->second != split) {
        return Error{ErrorCode::kCorrupt, place + ": " + line + " is in both lists"};
      }
    }
    return {};
  }

  Split split_of(const std::string& label, const std::string& file) const {
    if (config_.test_only) return Split::kTest;
    if (!has_lists_) return hash_split(file);
    const auto found = listed_.find(label + "/" + file);
    return found == listed_.end() ? Split::kTrain : found->second;
  }

  Result<SplitPaths> clips_of(const std::string& label) {
    Paths files;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(root_ / label, code)) {
      if (!entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
    }
    if (code) {
      return Error{ErrorCode::kIo,
                   "cannot list " + (root_ / label).string() + ": " + code.message()};
    }
    std::sort(files.begin(), files.end());
    SplitPaths paths;
    bool any = false;
    for (const auto& file : files) {
      if (file.extension() != ".wav") {
        COPPICE_TRY_STATUS(fail_or_skip(file, "not a .wav file"));
        continue;
      }
      const Split split = split_of(label, file.filename().string());
      paths[static_cast<size_t>(split)].push_back(file);
      any = true;
    }
    if (!any) return Error{ErrorCode::kNotFound, "no clips (*.wav) in " + (root_ / label).string()};
    return paths;
  }

  // At most `count` of these paths, chosen by seed; order kept.
  Paths choose(const Paths& paths, size_t count, std::string_view purpose, uint64_t index) const {
    if (paths.size() <= count) return paths;
    Random random(config_.seed, purpose, index);
    auto order = random_permutation(static_cast<int>(paths.size()), random);
    order.resize(count);
    std::sort(order.begin(), order.end());
    Paths chosen;
    for (const int i : order) chosen.push_back(paths[static_cast<size_t>(i)]);
    return chosen;
  }

  void append(SpeechIndex& index, const SplitPaths& paths, int label) const {
    for (size_t split = 0; split < 3; ++split) {
      const size_t limit = config_.limit_per_class > 0
                               ? static_cast<size_t>(config_.limit_per_class)
                               : paths[split].size();
      const auto stream = static_cast<uint64_t>(label) * 3 + split;
      for (const auto& path : choose(paths[split], limit, "data/limit", stream)) {
        index.clips[split].push_back({path, label});
      }
    }
  }

  // Rounded up, as the published recipe does.
  static size_t percent_of(float percentage, size_t count) {
    return static_cast<size_t>(std::ceil(static_cast<double>(count) * percentage / 100.0));
  }

  Status add_unknown(SpeechIndex& index, const std::array<size_t, 3>& keyword_clips) {
    SplitPaths others;
    for (const auto& folder : folders_) {
      const bool keyword = std::count(keywords_.begin(), keywords_.end(), folder) > 0;
      if (keyword || !is_word(folder)) continue;
      COPPICE_TRY(const auto paths, clips_of(folder));
      for (size_t split = 0; split < 3; ++split) {
        others[split].insert(others[split].end(), paths[split].begin(), paths[split].end());
      }
    }
    if (others[0].empty() && others[1].empty() && others[2].empty()) {
      return Error{ErrorCode::kNotFound,
                   "unknown: true needs label folders besides the keywords in " + root_.string()};
    }
    for (size_t split = 0; split < 3; ++split) {
      const size_t count = percent_of(config_.unknown_percentage, keyword_clips[split]);
      others[split] = choose(others[split], count, "data/unknown", split);
    }
    append(index, others, static_cast<int>(index.class_names.size()));
    index.class_names.push_back("unknown");
    return {};
  }

  Status find_backgrounds(SpeechIndex& index) {
    if (folders_.count(kBackgroundFolder) == 0) return {};
    for (const auto& entry : fs::directory_iterator(root_ / kBackgroundFolder)) {
      // The published folder also holds a README.md.
      if (entry.path().extension() == ".wav") index.backgrounds.push_back(entry.path());
    }
    std::sort(index.backgrounds.begin(), index.backgrounds.end());
    return {};
  }

  Status add_silence(SpeechIndex& index, const std::array<size_t, 3>& keyword_clips) {
    const auto label = static_cast<int>(index.class_names.size());
    index.class_names.push_back("silence");
    if (folders_.count(kSilenceFolder) > 0) {
      COPPICE_TRY(const auto paths, clips_of(kSilenceFolder));
      append(index, paths, label);
      return {};
    }
    if (index.backgrounds.empty()) {
      return Error{ErrorCode::kNotFound, "silence: true needs " +
                                             (root_ / kBackgroundFolder).string() +
                                             "/*.wav or a folder " + kSilenceFolder};
    }
    for (size_t split = 0; split < 3; ++split) {
      size_t count = percent_of(config_.silence_percentage, keyword_clips[split]);
      if (config_.limit_per_class > 0) {
        count = std::min(count, static_cast<size_t>(config_.limit_per_class));
      }
      index.silence_slices[split] = static_cast<int>(count);
    }
    return {};
  }

  const DatasetConfig& config_;
  fs::path root_;
  std::vector<SkippedFile>& skipped_;
  std::set<std::string> folders_;
  std::vector<std::string> keywords_;
  std::map<std::string, Split> listed_;
  bool has_lists_ = false;
};

}  // namespace

Result<SpeechIndex> index_speech(const DatasetConfig& config, std::vector<SkippedFile>& skipped) {
  return Indexer(config, skipped).run();
}

}  // namespace coppice::data
