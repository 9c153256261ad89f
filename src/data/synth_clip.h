#pragma once

#include <array>
#include <vector>

#include "coppice/core/result.h"
#include "data/clip.h"
#include "data/synth_plan.h"

namespace coppice::data {

/// Several voices of one split at once, for each split; unit RMS.
using BabbleTracks = std::array<std::vector<float>, 3>;

/// `seconds` of babble from espeak-ng's among these voices; the words said are none of `keywords`.
Result<std::vector<float>> make_babble(const std::vector<SynthVoice>& voices,
                                       const std::vector<std::string>& keywords, int seconds,
                                       Random& random);

/// Says the word and puts it into a second of sound: place, room, level, noise. A pure function of
/// its arguments.
Result<Pcm> make_clip(const PlannedClip& planned, uint64_t seed, const BabbleTracks& babble);

}  // namespace coppice::data
