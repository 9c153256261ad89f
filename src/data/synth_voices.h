#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/core/result.h"

namespace coppice::data {

/// A speaker: one vocal tract of a speech program.
struct SynthVoice {
  enum class Program { kEspeak, kFlite };
  Program program = Program::kEspeak;
  std::string name;  ///< As the program calls it.
  std::string id;    ///< As the file names of its clips begin: "espeak-f3".
};

/// How one word is said.
struct Utterance {
  const SynthVoice* voice = nullptr;
  std::string accent;  ///< espeak-ng: its language, such as "en-gb".
  int pitch = 50;      ///< espeak-ng: 0 to 99. flite: mean of the pitch in Hz.
  int words_per_minute = 175;
};

/// The voices of train, validation and test: about 62, 13 and 25 %, chosen by seed. Variants that
/// are near copies of each other stay together.
std::array<std::vector<SynthVoice>, 3> split_voices(uint64_t seed);

/// An accent, a pitch and a speed for this voice.
Utterance random_utterance(const SynthVoice& voice, Random& random);

/// Runs the program; the sound at 16 kHz (full scale 1), with the silence around it cut off.
Result<std::vector<float>> say(const std::string& text, const Utterance& utterance);

/// The versions of the programs, or an error that names the packages of those that are missing.
Result<std::array<std::string, 2>> speech_program_versions();

}  // namespace coppice::data
