#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

/// Signals, and what TensorFlow's own microfrontend library (with KISS FFT 1.3.0, x86-64,
/// glibc 2.36) makes of them.
namespace coppice::audio::golden {

/// Integer signals that need no maths library: 0 tones and noise of changing level, 1 full-scale
/// noise, 2 the lowest sample throughout, 3 a full-scale square wave, 4 rare impulses.
inline std::vector<int16_t> clip(int kind = 0) {
  std::vector<int16_t> samples(16000);
  uint32_t state = 20240101;
  for (int i = 0; i < 16000; ++i) {
    state = state * 1664525u + 1013904223u;
    const int noise = static_cast<int>(state >> 16) - 32768;
    const int period = 80 - i / 250;
    const int triangle = 12000 * std::abs(2 * (i % period) - period) / period - 6000;
    const int level = (i / 2000) % 4;
    int value = triangle / (1 + level) + noise / (8 << level);
    if (kind == 1) value = noise;
    if (kind == 2) value = -32768;
    if (kind == 3) value = (i / 9) % 2 == 0 ? 32767 : -32768;
    if (kind == 4) value = i % 1009 == 0 ? -32768 : noise / 16384;
    samples[static_cast<size_t>(i)] = static_cast<int16_t>(value);
  }
  return samples;
}

/// FNV-1a over 16-bit values.
inline uint64_t checksum(const std::vector<uint16_t>& values) {
  uint64_t hash = 14695981039346656037u;
  for (uint16_t value : values) hash = (hash ^ value) * 1099511628211u;
  return hash;
}

struct Frame {
  size_t index;
  bool pcan;
  std::array<uint16_t, 40> values;
};

inline constexpr Frame kFrames[] = {
    {0, false, {831, 846, 750, 652, 667, 654, 675, 697, 689, 684, 695, 712, 726, 713,
                710, 662, 693, 693, 685, 699, 717, 715, 722, 693, 722, 731, 722, 722,
                720, 739, 709, 692, 718, 731, 743, 735, 730, 724, 748, 737}},
    {11, false, {700, 748, 758, 660, 639, 547, 622, 592, 664, 598, 483, 585, 624, 442,
                 628, 447, 652, 560, 637, 568, 649, 596, 624, 581, 624, 454, 666, 592,
                 656, 568, 627, 558, 652, 627, 658, 630, 690, 656, 660, 637}},
    {26, false, {455, 487, 741, 836, 815, 655, 677, 684, 677, 615, 672, 690, 743, 697,
                 698, 664, 686, 679, 693, 635, 657, 655, 707, 711, 679, 663, 711, 712,
                 707, 706, 736, 709, 720, 723, 728, 718, 708, 720, 724, 701}},
    {48, false, {393, 379, 401, 369, 362, 405, 408, 419, 449, 473, 709, 744, 637, 433,
                 434, 407, 371, 386, 369, 368, 388, 379, 400, 392, 446, 419, 378, 366,
                 396, 398, 399, 407, 432, 411, 414, 401, 408, 446, 420, 432}},
    {0, true, {663, 606, 657, 593, 648, 593, 649, 596, 652, 597, 653, 599, 656, 599,
               653, 594, 653, 596, 652, 596, 654, 599, 655, 596, 655, 600, 655, 600,
               654, 600, 653, 596, 654, 600, 657, 600, 656, 600, 657, 600}},
    {11, true, {371, 325, 477, 349, 429, 177, 427, 266, 461, 292, 133, 274, 435, 0,
                418, 0,   468, 203, 444, 222, 460, 266, 395, 236, 388, 0,   458, 236,
                436, 177, 378, 133, 417, 287, 426, 292, 463, 325, 413, 292}},
    {26, true, {0,   0,   401, 508, 568, 342, 465, 428, 464, 311, 460, 453, 551, 456,
                498, 418, 479, 434, 494, 357, 455, 385, 496, 474, 464, 391, 504, 468,
                490, 449, 518, 452, 498, 468, 504, 448, 475, 454, 488, 420}},
    {48, true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 463, 492, 387, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   0,   0,   0, 0, 0, 0, 0, 0, 0}},
};

struct Checksum {
  int kind;
  bool pcan;
  uint64_t value;
};

inline constexpr Checksum kChecksums[] = {
    {0, false, 17440791945239971547u}, {0, true, 13086950985119970837u},
    {1, false, 13066510165582750185u}, {1, true, 16579763488511420752u},
    {2, false, 962020468169868897u},   {2, true, 9411730277356801432u},
    {3, false, 12792080580625219839u}, {3, true, 4256429830779230393u},
    {4, false, 13382960030894353154u}, {4, true, 9515888306069627115u},
};

}  // namespace coppice::audio::golden
