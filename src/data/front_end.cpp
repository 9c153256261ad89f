#include "coppice/data/front_end.h"

#include <array>
#include <cassert>

#include "coppice/audio/log_mel.h"
#include "coppice/audio/mfcc.h"
#include "coppice/audio/micro.h"

namespace coppice::data {
namespace {

using audio::LogMel;
using audio::Mfcc;
using audio::Micro;

// The float front ends share their interface. Workspaces live on the stack: calls are independent.
template <class Audio>
class FloatFrontEnd final : public FrontEnd {
 public:
  explicit FloatFrontEnd(Shape shape) : shape_(shape) {}
  Shape shape() const override { return shape_; }
  void compute(std::span<const float> clip, std::span<float> features) const override {
    assert(clip.size() == Audio::kClipSamples && features.size() == Audio::kFeatures);
    typename Audio::Workspace workspace;
    Audio::compute(clip.first<Audio::kClipSamples>(), features.first<Audio::kFeatures>(),
                   workspace);
  }

 private:
  Shape shape_;
};

class MicroFrontEnd final : public FrontEnd {
 public:
  explicit MicroFrontEnd(bool pcan) : pcan_(pcan) {}
  Shape shape() const override { return {Micro::kFrames, Micro::kChannels, 1}; }
  void compute(std::span<const float> clip, std::span<float> features) const override {
    assert(clip.size() == Micro::kClipSamples && features.size() == Micro::kFeatures);
    std::array<int16_t, Micro::kClipSamples> samples;
    for (size_t i = 0; i < samples.size(); ++i) {
      // Towards zero, as the original's cast; exact for what came from a 16-bit file.
      const float scaled = clip[i] * 32768.0f;
      samples[i] = static_cast<int16_t>(scaled < -32768.0f  ? -32768.0f
                                        : scaled > 32767.0f ? 32767.0f
                                                            : scaled);
    }
    std::array<uint16_t, Micro::kFeatures> integers;
    Micro::Workspace workspace;
    Micro::compute(samples, pcan_, integers, workspace);
    for (size_t i = 0; i < integers.size(); ++i) {
      features[i] = static_cast<float>(integers[i]) * Micro::kInputScale;
    }
  }

 private:
  bool pcan_;
};

using Pointer = std::unique_ptr<FrontEnd>;

struct Entry {
  Listed listed;
  Pointer (*make)(const FrontEndOptions& options);
};

const Entry kFrontEnds[] = {
    {{"mfcc", "49 x 10 cepstral coefficients (MLPerf Tiny keyword spotting)"},
     [](const FrontEndOptions&) {
       return Pointer(new FloatFrontEnd<Mfcc>({Mfcc::kFrames, Mfcc::kCoefficients, 1}));
     }},
    {{"log_mel", "40 x 30 mel bands in dB, normalized by clip (STM32F7, arXiv 2208.02765)"},
     [](const FrontEndOptions&) {
       return Pointer(new FloatFrontEnd<LogMel>({LogMel::kBands, LogMel::kFrames, 1}));
     }},
    {{"micro", "49 x 40 channels of the fixed-point TensorFlow Lite Micro front end"},
     [](const FrontEndOptions& options) { return Pointer(new MicroFrontEnd(options.pcan)); }},
};

}  // namespace

const std::vector<Listed>& front_ends() {
  static const std::vector<Listed> all = [] {
    std::vector<Listed> list;
    for (const Entry& entry : kFrontEnds) list.push_back(entry.listed);
    return list;
  }();
  return all;
}

Result<std::unique_ptr<FrontEnd>> make_front_end(const FrontEndOptions& options) {
  std::string names;
  for (const Entry& entry : kFrontEnds) {
    if (entry.listed.name == options.type) return entry.make(options);
    names += (names.empty() ? "\"" : ", \"") + std::string(entry.listed.name) + '"';
  }
  return Error{ErrorCode::kConfig, "unknown features \"" + options.type + "\"; known: " + names};
}

}  // namespace coppice::data
