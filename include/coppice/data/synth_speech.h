#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coppice/core/result.h"

namespace coppice::data {

/// What a synthetic corpus is made of.
struct SynthSpeechConfig {
  std::string path;   ///< Folder to fill.
  uint64_t seed = 0;  ///< Decides voices, splits, words' places, levels, noise, rooms.
  std::vector<std::string> keywords = {"yes",   "no",   "up", "down", "left",
                                       "right", "stop", "go", "on",   "off"};
  /// Words for a class "unknown"; each gets a quarter of a keyword's clips. Keywords are left out.
  std::vector<std::string> other_words = {"bird",  "cat",   "dog",   "house", "tree",
                                          "happy", "three", "seven", "nine",  "wow"};
  int clips = 3000;  ///< Of all words together.
  int jobs = 0;      ///< Programs run at once; 0: one for each core. Never changes the files.
  /// Called after each clip with (done, all), from one thread at a time.
  std::function<void(int64_t, int64_t)> progress = nullptr;
};

struct SynthSpeechReport {
  int made = 0;               ///< Clips generated now.
  int kept = 0;               ///< Clips that were there already.
  int voices[3] = {0, 0, 0};  ///< Voices of train, validation and test.
  int clips[3] = {0, 0, 0};   ///< Clips of train, validation and test.
};

/// Makes a corpus of synthetic speech in the layout of Speech Commands:
/// `word/voice_nohash_n.wav` (16 kHz mono 16-bit PCM, one second), `_background_noise_/`,
/// validation_list.txt, testing_list.txt, and corpus.json, which says how it was made.
///
/// The programs espeak-ng and flite speak (variants of the vocal tract, accents, pitch, speed).
/// Each word is put near the middle of its clip at a random level, some in a simple reverberant
/// room, half of them under white, pink, brown or babble noise at a random SNR. No voice is in two
/// splits, and neither is the babble. The same configuration and versions of the programs give the
/// same bytes, whatever `jobs`.
///
/// A corpus of the same configuration is completed, or left alone when it is whole. A folder that
/// holds anything else is refused. It is an error when a program is missing.
Result<SynthSpeechReport> synth_speech(const SynthSpeechConfig& config);

}  // namespace coppice::data
