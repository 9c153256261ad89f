#include "coppice/io/audio_file.h"

#include <fmt/format.h>
#include <samplerate.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

namespace coppice::io {
namespace {

namespace fs = std::filesystem;

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SoundFile = std::unique_ptr<SNDFILE, CloseFile>;

// A writer that cannot seek back (a pipe) leaves a length near the largest one in the header.
constexpr uint32_t kLengthUnknown = 0x7fff0000;

uint32_t little_endian32(const char* bytes) {
  std::array<unsigned char, 4> b;
  std::memcpy(b.data(), bytes, b.size());
  return static_cast<uint32_t>(b[0] | b[1] << 8 | b[2] << 16) | static_cast<uint32_t>(b[3]) << 24;
}

// libsndfile quietly shortens a file that was cut off, so the RIFF chunks are walked here and the
// promised length of the samples is compared with the file.
Status check_not_truncated(const fs::path& path, uint64_t file_size) {
  std::ifstream stream(path, std::ios::binary);
  std::array<char, 12> riff;
  if (!stream.read(riff.data(), riff.size())) return {};
  if (std::memcmp(riff.data(), "RIFF", 4) != 0 || std::memcmp(&riff[8], "WAVE", 4) != 0) return {};
  uint64_t offset = riff.size();
  std::array<char, 8> chunk;
  while (stream.seekg(static_cast<std::streamoff>(offset)) &&
         stream.read(chunk.data(), chunk.size())) {
    const uint32_t size = little_endian32(&chunk[4]);
    offset += chunk.size();
    if (std::memcmp(chunk.data(), "data", 4) == 0) {
      if (size < kLengthUnknown && offset + size > file_size) {
        return Error{ErrorCode::kCorrupt,
                     fmt::format("{}: truncated: its header promises {} bytes of samples, {} are "
                                 "there",
                                 path.string(), size, file_size - offset)};
      }
      return {};
    }
    offset += size + (size & 1u);  // Chunks are padded to an even length.
  }
  return Error{ErrorCode::kCorrupt,
               fmt::format("{}: truncated: a WAV header without samples ({} bytes)", path.string(),
                           file_size)};
}

Result<uint64_t> regular_file_size(const fs::path& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) {
    return Error{ErrorCode::kNotFound, fmt::format("{}: no such file", path.string())};
  }
  if (fs::is_directory(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: is a folder, expected an audio file", path.string())};
  }
  const uint64_t size = fs::file_size(path, code);
  if (code) return Error{ErrorCode::kIo, fmt::format("{}: {}", path.string(), code.message())};
  if (size == 0) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: empty file (0 bytes)", path.string())};
  }
  return size;
}

Status check_format(const fs::path& path, const SF_INFO& info, int expected_rate,
                    Channels channels) {
  if (expected_rate != 0 && info.samplerate != expected_rate) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: sample rate {} Hz, expected {} Hz", path.string(),
                             info.samplerate, expected_rate)};
  }
  if (channels == Channels::kMonoOnly && info.channels != 1) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{}: {} channels, expected 1 (mono)", path.string(), info.channels)};
  }
  if (info.frames <= 0) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: holds no samples", path.string())};
  }
  return {};
}

std::vector<float> mix_down(const std::vector<float>& interleaved, size_t channels) {
  std::vector<float> mono(interleaved.size() / channels);
  for (size_t i = 0; i < mono.size(); ++i) {
    float sum = 0;
    for (size_t channel = 0; channel < channels; ++channel) {
      sum += interleaved[i * channels + channel];
    }
    mono[i] = sum / static_cast<float>(channels);
  }
  return mono;
}

}  // namespace

Result<AudioClip> read_wav(const fs::path& path, int expected_rate, Channels channels) {
  COPPICE_TRY(const uint64_t file_size, regular_file_size(path));
  COPPICE_TRY_STATUS(check_not_truncated(path, file_size));
  SF_INFO info{};
  const SoundFile file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: not a readable audio file ({})",
                                                  path.string(), sf_strerror(nullptr))};
  }
  COPPICE_TRY_STATUS(check_format(path, info, expected_rate, channels));
  const auto channel_count = static_cast<size_t>(info.channels);
  std::vector<float> samples(static_cast<size_t>(info.frames) * channel_count);
  const sf_count_t frames = sf_readf_float(file.get(), samples.data(), info.frames);
  if (frames != info.frames) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: damaged: {} of {} samples could be decoded",
                                                  path.string(), frames, info.frames)};
  }
  const auto bad = std::find_if(samples.begin(), samples.end(),
                                [](float sample) { return !std::isfinite(sample); });
  if (bad != samples.end()) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: sample {} is not a finite number",
                                                  path.string(), bad - samples.begin())};
  }
  if (channel_count > 1) samples = mix_down(samples, channel_count);
  return AudioClip{std::move(samples), info.samplerate};
}

Status write_wav(const fs::path& path, std::span<const int16_t> samples, int rate) {
  std::error_code code;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), code);
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SoundFile file(sf_open(path.c_str(), SFM_WRITE, &info));
  if (!file) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: cannot write: {}", path.string(), sf_strerror(nullptr))};
  }
  const auto count = static_cast<sf_count_t>(samples.size());
  const bool complete = sf_write_short(file.get(), samples.data(), count) == count;
  if (!complete || sf_close(file.release()) != 0) {
    return Error{ErrorCode::kIo, fmt::format("{}: cannot write all samples", path.string())};
  }
  return {};
}

Result<std::vector<float>> resample(std::span<const float> samples, int from_rate, int to_rate) {
  if (from_rate == to_rate) return std::vector<float>(samples.begin(), samples.end());
  const double ratio = static_cast<double>(to_rate) / from_rate;
  if (from_rate <= 0 || to_rate <= 0 || src_is_valid_ratio(ratio) == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("cannot resample from {} Hz to {} Hz", from_rate, to_rate)};
  }
  const auto length =
      static_cast<size_t>(std::llround(static_cast<double>(samples.size()) * ratio));
  // A few samples of margin: the converter may round its own count up.
  std::vector<float> output(length + 16, 0.0f);
  SRC_DATA request{};
  request.data_in = samples.data();
  request.input_frames = static_cast<long>(samples.size());
  request.data_out = output.data();
  request.output_frames = static_cast<long>(output.size());
  request.src_ratio = ratio;
  // Medium quality: 121 dB signal to noise, below the 98 dB of the 16-bit files it serves.
  if (const int code = src_simple(&request, SRC_SINC_MEDIUM_QUALITY, 1); code != 0) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("cannot resample from {} Hz to {} Hz: {}",
                                                          from_rate, to_rate, src_strerror(code))};
  }
  output.resize(length);
  return output;
}

std::vector<int16_t> to_pcm16(std::span<const float> samples) {
  std::vector<int16_t> pcm(samples.size());
  std::transform(samples.begin(), samples.end(), pcm.begin(), [](float sample) {
    return static_cast<int16_t>(std::clamp(std::lround(sample * 32768.0f), -32768L, 32767L));
  });
  return pcm;
}

}  // namespace coppice::io
