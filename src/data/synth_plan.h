#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "coppice/data/dataset.h"
#include "coppice/data/synth_speech.h"
#include "data/synth_voices.h"

namespace coppice::data {

/// One clip to make.
struct PlannedClip {
  std::string word;
  Split split = Split::kTrain;
  const SynthVoice* voice = nullptr;
  int number = 0;    ///< Of the word within its split; with word and split it names the clip's
                     ///< stream of random numbers.
  std::string file;  ///< "yes/espeak-f3_nohash_0.wav"
};

/// Every clip of a corpus, and the voices that they point to.
struct SynthPlan {
  std::array<std::vector<SynthVoice>, 3> voices;
  std::vector<std::string> other_words;  ///< Without the keywords.
  std::vector<PlannedClip> clips;
};

/// Checks the configuration and shares the clips out: words, splits (62 / 13 / 25 %), voices in
/// turn.
Result<std::unique_ptr<const SynthPlan>> plan_synth_speech(const SynthSpeechConfig& config);

}  // namespace coppice::data
