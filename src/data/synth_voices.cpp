#include "data/synth_voices.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <map>

#include "coppice/core/process.h"
#include "coppice/io/audio_file.h"
#include "data/clip.h"

namespace coppice::data {
namespace {

// The variants of espeak-ng 1.51 that sound like a person; exact copies of others (fast, klatt,
// klatt6, Mr) and effects (whispers, robots, echoes) are left out. A name that ends in a digit and
// is followed by ones that differ in the digit alone is a family: one speaker for the splits.
constexpr const char* kEspeakVariants[] = {
    "adam",    "Alex",     "Alicia", "Andrea", "Andy",    "Annie",     "antonio",     "aunty",
    "belinda", "benjamin", "boris",  "caleb",  "david",   "Denis",     "Diogo",       "ed",
    "edward",  "edward2",  "Gene",   "Gene2",  "gustave", "announcer", "Henrique",    "Hugo",
    "iven",    "iven2",    "iven3",  "iven4",  "Jacky",   "john",      "kaukovalta",  "Lee",
    "linda",   "marcelo",  "Marco",  "Mario",  "max",     "Michael",   "michel",      "miguel",
    "Mike",    "Nguyen",   "pablo",  "paul",   "pedro",   "quincy",    "rob",         "robert",
    "steph",   "steph2",   "steph3", "Storm",  "zac",     "anika",     "AnxiousAndy", "f1",
    "f2",      "f3",       "f4",     "f5",     "grandpa", "klatt2",    "klatt3",      "klatt4",
    "klatt5",  "m1",       "m2",     "m3",     "m4",      "m5",        "m6",          "m7",
    "m8",      "norbert",  "sandro", "shelby", "travis",  "victor",    "grandma"};
constexpr const char* kFamilies[] = {"edward", "Gene", "iven", "steph"};
constexpr const char* kFliteVoices[] = {"awb", "kal16", "rms", "slt"};
constexpr const char* kAccents[] = {"en-us",          "en-gb",          "en-029",
                                    "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp",
                                    "en-gb-x-gbcwmd", "en-us-nyc"};

std::string family_of(const std::string& name) {
  for (const std::string family : kFamilies) {
    if (name.starts_with(family)) return family;
  }
  return name;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

SynthVoice espeak_voice(const std::string& name) {
  return {SynthVoice::Program::kEspeak, name, "espeak-" + lower_case(name)};
}

// espeak-ng writes its header before it knows the length, so the samples are what follows it.
Result<io::AudioClip> parse_wav(const std::string& bytes, const std::string& program) {
  constexpr size_t kHeader = 44;
  const auto number = [&](size_t offset, size_t size) {
    uint32_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[offset + i]);
    return value;
  };
  const bool wav = bytes.size() > kHeader + 2 && bytes.starts_with("RIFF") &&
                   bytes.compare(8, 8, "WAVEfmt ") == 0 && bytes.compare(36, 4, "data") == 0;
  if (!wav || number(22, 2) != 1 || number(34, 2) != 16) {
    return Error{ErrorCode::kIo, program + " did not write mono 16-bit WAV"};
  }
  io::AudioClip clip;
  clip.rate = static_cast<int>(number(24, 4));
  for (size_t offset = kHeader; offset + 2 <= bytes.size(); offset += 2) {
    clip.samples.push_back(static_cast<float>(static_cast<int16_t>(number(offset, 2))) / 32768.0f);
  }
  return clip;
}

// Cuts what is below 2 % of the peak (-34 dB) at both ends, but for 10 ms.
std::vector<float> trim(const std::vector<float>& sound) {
  float peak = 0.0f;
  for (const float sample : sound) peak = std::max(peak, std::fabs(sample));
  const auto loud = [&](float sample) { return std::fabs(sample) > 0.02f * peak; };
  const auto first = std::find_if(sound.begin(), sound.end(), loud);
  const auto last = std::find_if(sound.rbegin(), sound.rend(), loud).base();
  if (first >= last) return {};
  const ptrdiff_t margin = kClipRate / 100;
  return {first - std::min(margin, first - sound.begin()),
          last + std::min(margin, sound.end() - last)};
}

std::vector<std::string> command_line(const std::string& text, const Utterance& utterance) {
  const auto& voice = *utterance.voice;
  if (voice.program == SynthVoice::Program::kEspeak) {
    // Amplitude 60 of 200: at the default of 100 some variants clip.
    return {"espeak-ng",
            "-v",
            utterance.accent + "+" + voice.name,
            "-p",
            std::to_string(utterance.pitch),
            "-s",
            std::to_string(utterance.words_per_minute),
            "-a",
            "60",
            "--stdout",
            text};
  }
  const double stretch = 175.0 / utterance.words_per_minute;
  return {"flite",
          "-voice",
          voice.name,
          "--setf",
          "int_f0_target_mean=" + std::to_string(utterance.pitch),
          "--setf",
          "duration_stretch=" + std::to_string(stretch),
          "-t",
          text,
          "-o",
          "/dev/stdout"};
}

}  // namespace

std::array<std::vector<SynthVoice>, 3> split_voices(uint64_t seed) {
  std::map<std::string, std::vector<SynthVoice>> families;
  for (const std::string name : kEspeakVariants) {
    families[family_of(name)].push_back(espeak_voice(name));
  }
  std::vector<std::vector<SynthVoice>> groups;
  for (auto& [family, voices] : families) groups.push_back(std::move(voices));
  std::array<std::vector<SynthVoice>, 3> splits;
  Random random(seed, "synth/voices");
  const auto order = random_permutation(static_cast<int>(groups.size()), random);
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t position = i * 100 / order.size();
    const size_t split = position < 25 ? 2 : position < 38 ? 1 : 0;
    const auto& group = groups[static_cast<size_t>(order[i])];
    splits[split].insert(splits[split].end(), group.begin(), group.end());
  }
  // Of flite's four voices two train, one validates and one tests.
  const auto flite = random_permutation(static_cast<int>(std::size(kFliteVoices)), random);
  constexpr size_t kSplits[] = {0, 0, 1, 2};
  for (size_t i = 0; i < flite.size(); ++i) {
    const std::string name = kFliteVoices[flite[i]];
    splits[kSplits[i]].push_back({SynthVoice::Program::kFlite, name, "flite-" + name});
  }
  return splits;
}

Utterance random_utterance(const SynthVoice& voice, Random& random) {
  Utterance utterance;
  utterance.voice = &voice;
  utterance.accent = kAccents[random.below(static_cast<uint32_t>(std::size(kAccents)))];
  const auto part = random.below(1001);
  const bool espeak = voice.program == SynthVoice::Program::kEspeak;
  const uint32_t low = espeak ? 20 : 80, high = espeak ? 80 : 220;
  utterance.pitch = static_cast<int>(low + (high - low) * part / 1000);
  utterance.words_per_minute = 130 + static_cast<int>(random.below(91));
  return utterance;
}

Result<std::vector<float>> say(const std::string& text, const Utterance& utterance) {
  const auto command = command_line(text, utterance);
  COPPICE_TRY(const auto run, run_process(command));
  if (run.exit_code != 0) {
    return Error{ErrorCode::kIo, command[0] + " failed with exit code " +
                                     std::to_string(run.exit_code) + " on \"" + text +
                                     "\": " + run.errors};
  }
  COPPICE_TRY(auto clip, parse_wav(run.output, command[0]));
  if (clip.rate != kClipRate) {
    COPPICE_TRY(clip.samples, io::resample(clip.samples, clip.rate, kClipRate));
  }
  auto sound = trim(clip.samples);
  if (sound.empty()) {
    return Error{ErrorCode::kIo, command[0] + " was silent on \"" + text + "\" with voice " +
                                     utterance.voice->name};
  }
  return sound;
}

Result<std::array<std::string, 2>> speech_program_versions() {
  std::string missing;
  for (const std::string program : {"espeak-ng", "flite"}) {
    if (!program_exists(program)) missing += (missing.empty() ? "" : " and ") + program;
  }
  if (!missing.empty()) {
    return Error{ErrorCode::kNotFound,
                 "synthetic speech needs the programs espeak-ng and flite; missing: " + missing +
                     " (apt-get install espeak-ng flite)"};
  }
  std::array<std::string, 2> versions;
  COPPICE_TRY(const auto espeak, run_process({"espeak-ng", "--version"}));
  COPPICE_TRY(const auto flite, run_process({"flite", "--version"}));
  // "eSpeak NG text-to-speech: 1.51  Data at: /usr/..." and "version: flite-2.2-current Sep 2018
  // (".
  const size_t colon = espeak.output.find(": ");
  const size_t begin = colon == std::string::npos ? 0 : colon + 2;
  versions[0] = espeak.output.substr(begin, espeak.output.find(' ', begin) - begin);
  const auto text = flite.output + flite.errors;
  const size_t name = text.find("flite-");
  versions[1] = name == std::string::npos ? "unknown"
                                          : text.substr(name + 6, text.find(' ', name) - name - 6);
  return versions;
}

}  // namespace coppice::data
