#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "coppice/core/random.h"

namespace coppice::data {

/// Root mean square.
float rms(std::span<const float> sound);

/// Noise of unit RMS: "white", "pink" (-3 dB an octave), "brown" (-6 dB an octave) or "hum" (50 Hz,
/// its harmonics and some hiss).
std::vector<float> make_noise(std::string_view kind, size_t samples, Random& random);

/// Adds a room: echoes of random sign and place that fade by 60 dB within `decay_seconds`, of `wet`
/// times the energy of the sound. Sparse echoes ("velvet noise", Karjalainen and Jarvelainen,
/// "Reverberation modeling using velvet noise", AES 2007) sound smooth and cost little.
void reverberate(std::span<float> sound, float decay_seconds, float wet, Random& random);

}  // namespace coppice::data
