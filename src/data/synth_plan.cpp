#include "data/synth_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace coppice::data {
namespace {

Status check_word(const std::string& word) {
  // A word is a folder's name and a program's argument.
  const bool plain = !word.empty() && word[0] >= 'a' && word[0] <= 'z' &&
                     std::all_of(word.begin(), word.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                     });
  if (plain) return {};
  return Error{ErrorCode::kConfig, "\"" + word +
                                       "\" cannot be a word of the corpus: use lower-case letters, "
                                       "digits and _ (spoken as a space)"};
}

Status check_config(const SynthSpeechConfig& config) {
  if (config.keywords.empty()) return Error{ErrorCode::kConfig, "no keywords are given"};
  std::set<std::string> seen;
  for (const auto& word : config.keywords) {
    COPPICE_TRY_STATUS(check_word(word));
    if (!seen.insert(word).second) {
      return Error{ErrorCode::kConfig, "keyword \"" + word + "\" is given twice"};
    }
  }
  for (const auto& word : config.other_words) COPPICE_TRY_STATUS(check_word(word));
  return {};
}

std::array<int, 3> split_counts(int clips) {
  if (clips < 3) return {clips, 0, 0};
  const int validation = std::max(1, static_cast<int>(std::lround(clips * 0.13)));
  const int test = std::max(1, static_cast<int>(std::lround(clips * 0.25)));
  return {clips - validation - test, validation, test};
}

void plan_word(const std::string& word, int clips, uint64_t seed, SynthPlan& plan) {
  const auto counts = split_counts(clips);
  std::map<const SynthVoice*, int> used;
  for (size_t split = 0; split < 3; ++split) {
    // Voices take turns in an order of the word's own, so that a word has as many as it can.
    const auto& voices = plan.voices[split];
    Random random(seed, "synth/order/" + word, split);
    const auto order = random_permutation(static_cast<int>(voices.size()), random);
    for (int i = 0; i < counts[split]; ++i) {
      const auto& voice = voices[static_cast<size_t>(order[static_cast<size_t>(i) % order.size()])];
      const int number = used[&voice]++;
      plan.clips.push_back({word, static_cast<Split>(split), &voice, i,
                            word + "/" + voice.id + "_nohash_" + std::to_string(number) + ".wav"});
    }
  }
}

}  // namespace

Result<std::unique_ptr<const SynthPlan>> plan_synth_speech(const SynthSpeechConfig& config) {
  COPPICE_TRY_STATUS(check_config(config));
  auto plan = std::make_unique<SynthPlan>();
  plan->voices = split_voices(config.seed);
  std::set<std::string> seen(config.keywords.begin(), config.keywords.end());
  for (const auto& word : config.other_words) {
    if (seen.insert(word).second) plan->other_words.push_back(word);
  }
  const auto keywords = static_cast<int>(config.keywords.size());
  const auto others = static_cast<int>(plan->other_words.size());
  // A keyword counts as four shares, another word as one.
  const int64_t shares = 4 * keywords + others;
  if (4 * int64_t{config.clips} < 3 * shares) {
    return Error{ErrorCode::kConfig,
                 std::to_string(config.clips) + " clips are too few: three for each of " +
                     std::to_string(keywords) +
                     " keywords, one a split, and a quarter as many for " + std::to_string(others) +
                     " other words make " + std::to_string((3 * shares + 3) / 4)};
  }
  int64_t share = 0, planned = 0;
  const auto add = [&](const std::string& word, int weight) {
    share += weight;
    const int64_t until = config.clips * share / shares;
    plan_word(word, static_cast<int>(until - planned), config.seed, *plan);
    planned = until;
  };
  for (const auto& word : config.keywords) add(word, 4);
  for (const auto& word : plan->other_words) add(word, 1);
  return std::unique_ptr<const SynthPlan>(std::move(plan));
}

}  // namespace coppice::data
