#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/listing.h"
#include "coppice/core/result.h"
#include "coppice/core/shape.h"

namespace coppice::data {

struct FrontEndOptions {
  std::string type = "mfcc";  ///< "log_mel", "mfcc" or "micro".
  bool pcan = true;           ///< "micro" only: per-channel amplitude normalization.
};

/// Sound to features: one clip of fixed length in, one input of a network out. A host-side face of
/// the freestanding code in audio/, so that training and the chip compute the same numbers.
class FrontEnd {
 public:
  virtual ~FrontEnd() = default;

  /// Shape of the features: mfcc [49, 10, 1] and micro [49, 40, 1] are time x frequency, log_mel
  /// [40, 30, 1] is frequency x time.
  virtual Shape shape() const = 0;
  /// Samples that compute() takes; a shorter clip is padded by the caller.
  virtual int clip_samples() const { return 16000; }
  /// In Hz.
  virtual int sample_rate() const { return 16000; }
  /// `clip`: clip_samples() values, full scale 1. `features`: shape().elements() values.
  /// Thread-safe, allocates nothing.
  virtual void compute(std::span<const float> clip, std::span<float> features) const = 0;
};

/// All front ends, by the names of FrontEndOptions::type.
const std::vector<Listed>& front_ends();

/// The front end of that type, or an error that lists the known ones.
Result<std::unique_ptr<FrontEnd>> make_front_end(const FrontEndOptions& options);

}  // namespace coppice::data
