#include "data/synth_clip.h"

#include <algorithm>
#include <cmath>

#include "coppice/io/audio_file.h"
#include "data/synth_effects.h"

namespace coppice::data {
namespace {

// How hard the corpus is: with these, ds_cnn is right on 91 % and tiny_conv on 73 % of the test
// clips (25 epochs, batch 32, 3000 clips).
constexpr float kReverberantShare = 0.3f;
constexpr float kShortestDecay = 0.1f, kLongestDecay = 0.25f;  // Seconds to -60 dB.
constexpr float kSmallestWet = 0.05f, kLargestWet = 0.2f;      // Reverberant to direct energy.
constexpr float kLowestLevel = -28.0f,
                kHighestLevel = -16.0f;                   // RMS of the word, dB of full scale.
constexpr float kQuietShare = 0.5f;                       // Clips without added noise.
constexpr float kLowestSnr = 10.0f, kHighestSnr = 30.0f;  // dB, over the word.
constexpr float kLargestOffset = 0.08f;  // Seconds between the middles of the word and the clip.

constexpr const char* kBabbleWords[] = {"one",    "two",    "four",    "five",     "six",
                                        "eight",  "zero",   "bed",     "marvin",   "sheila",
                                        "learn",  "visual", "forward", "backward", "follow",
                                        "monday", "river",  "paper",   "winter",   "station"};

float from_decibels(float decibels) { return std::pow(10.0f, decibels / 20.0f); }

void add_noise(std::vector<float>& clip, float level, Split split, const BabbleTracks& babble,
               Random& random) {
  const float factor = level / from_decibels(random.uniform(kLowestSnr, kHighestSnr));
  constexpr const char* kKinds[] = {"white", "pink", "brown", "babble", "babble"};
  const std::string_view kind = kKinds[random.below(static_cast<uint32_t>(std::size(kKinds)))];
  if (kind != "babble") {
    const auto noise = make_noise(kind, clip.size(), random);
    for (size_t i = 0; i < clip.size(); ++i) clip[i] += factor * noise[i];
    return;
  }
  const auto& track = babble[static_cast<size_t>(split)];
  const size_t begin = random.below(static_cast<uint32_t>(track.size() - clip.size() + 1));
  for (size_t i = 0; i < clip.size(); ++i) clip[i] += factor * track[begin + i];
}

}  // namespace

Result<std::vector<float>> make_babble(const std::vector<SynthVoice>& voices,
                                       const std::vector<std::string>& keywords, int seconds,
                                       Random& random) {
  constexpr int kSpeakers = 6;
  std::vector<std::string> words;
  for (const std::string word : kBabbleWords) {
    if (std::count(keywords.begin(), keywords.end(), word) == 0) words.push_back(word);
  }
  if (words.empty()) words.push_back("babble");
  // A sentence takes flite a second of work, espeak-ng 20 ms.
  std::vector<const SynthVoice*> speakers;
  for (const auto& voice : voices) {
    if (voice.program == SynthVoice::Program::kEspeak) speakers.push_back(&voice);
  }
  std::vector<float> track(static_cast<size_t>(seconds) * kClipRate, 0.0f);
  for (int speaker = 0; speaker < kSpeakers; ++speaker) {
    const auto& voice = *speakers[random.below(static_cast<uint32_t>(speakers.size()))];
    const auto utterance = random_utterance(voice, random);
    std::string text;
    for (int i = 0; i < seconds * utterance.words_per_minute / 60; ++i) {
      text += words[random.below(static_cast<uint32_t>(words.size()))] + " ";
    }
    COPPICE_TRY(const auto sound, say(text, utterance));
    const float level = rms(sound);
    for (size_t i = 0; i < track.size(); ++i) track[i] += sound[i % sound.size()] / level;
  }
  const float level = rms(track);
  for (float& sample : track) sample /= level;
  return track;
}

Result<Pcm> make_clip(const PlannedClip& planned, uint64_t seed, const BabbleTracks& babble) {
  Random random(seed, "synth/clip/" + planned.word + "/" + std::string(split_name(planned.split)),
                static_cast<uint64_t>(planned.number));
  std::string text = planned.word;
  std::replace(text.begin(), text.end(), '_', ' ');
  COPPICE_TRY(auto word, say(text, random_utterance(*planned.voice, random)));
  word.resize(std::min(word.size(), kClipSamples));
  const float level = from_decibels(random.uniform(kLowestLevel, kHighestLevel));
  const float gain = level / std::max(rms(word), 1e-6f);
  const auto room = static_cast<float>(kClipSamples - word.size());
  const float offset = random.uniform(-kLargestOffset, kLargestOffset) * kClipRate;
  const auto begin = static_cast<size_t>(std::clamp(room / 2 + offset, 0.0f, room));
  std::vector<float> clip(kClipSamples, 0.0f);
  for (size_t i = 0; i < word.size(); ++i) clip[begin + i] = gain * word[i];
  if (random.uniform() < kReverberantShare) {
    const float decay = random.uniform(kShortestDecay, kLongestDecay);
    reverberate(clip, decay, random.uniform(kSmallestWet, kLargestWet), random);
  }
  if (random.uniform() >= kQuietShare) add_noise(clip, level, planned.split, babble, random);
  return io::to_pcm16(clip);
}

}  // namespace coppice::data
