#include "coppice/data/front_end.h"

#include <cassert>

#include "coppice/audio/mfcc.h"

namespace coppice::data {
namespace {

using audio::Mfcc;

class MfccFrontEnd final : public FrontEnd {
 public:
  Shape shape() const override { return {Mfcc::kFrames, Mfcc::kCoefficients, 1}; }
  void compute(std::span<const float> clip, std::span<float> features) const override {
    assert(clip.size() == Mfcc::kClipSamples && features.size() == Mfcc::kFeatures);
    Mfcc::Workspace workspace;
    Mfcc::compute(clip.first<Mfcc::kClipSamples>(), features.first<Mfcc::kFeatures>(), workspace);
  }
};

}  // namespace

Result<std::unique_ptr<FrontEnd>> make_front_end(const FrontEndOptions& options) {
  if (options.type == "mfcc") return std::unique_ptr<FrontEnd>(new MfccFrontEnd);
  return Error{ErrorCode::kConfig, "unknown features \"" + options.type +
                                       "\"; known: \"log_mel\", \"mfcc\", \"micro\""};
}

}  // namespace coppice::data
