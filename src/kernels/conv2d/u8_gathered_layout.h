#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/conv2d/conv2d.h"
#include "kernels/conv2d/u8_layout.h"

// Int8 convolutions of few input channels: pixels in lanes. The windows of 32 neighbouring pixels
// are gathered into words of four inputs. A kernel row is a run of bytes: first come the whole
// words of each row; what is left of 4 rows (1 byte each), 2 rows (2 bytes) or one row (3 bytes)
// shares a word. 3x3x3 inputs are 7 words then, where runs by themselves are 9. Packed: Indices, a
// StageHeader in 64 bytes, then for up to kMostChannels output channels:
//   for each channel int32 bias[lanes], stage constants; int8 weights[words][channels][4]
// with the channels rounded up to even.

namespace coppice::kernels::conv_u8::gathered {

inline constexpr int kMostChannels = 8;
inline constexpr int kUnitPixels = 8;  ///< Neighbours in a row; a vector holds two units.
inline constexpr int kStripUnits = 4;
inline constexpr int kStripBytes = 4 * kUnitPixels * kStripUnits;  ///< Of one word of all pixels.
inline constexpr int kMostWords = 32;
inline constexpr int kMostBytes = 64;  ///< Of a kernel row of a unit's windows.

/// Where the bytes of a vector come from.
struct Indices {
  uint8_t whole[64];     ///< Of the first word of a kernel row; the next are 4 further.
  uint8_t rest[64];      ///< Of a shared word, each row's as if it had it alone.
  uint8_t place[2][64];  ///< Of a unit's outputs of one block, in two vectors of four channels.
};

/// The words of a window.
struct Words {
  int whole;    ///< In a kernel row.
  int rest;     ///< Bytes of a row behind them.
  int sharing;  ///< Rows whose rests share a word.
  int count;    ///< In all.
};

COPPICE_INLINE Words words_of(const Conv2DParams& p) {
  const int bytes = p.window.kernel_w * p.in_channels;
  Words words{bytes / 4, bytes % 4, 1, 0};
  if (words.rest == 1) words.sharing = 4;
  if (words.rest == 2) words.sharing = 2;
  const int shared = words.rest == 0 ? 0 : (p.window.kernel_h + words.sharing - 1) / words.sharing;
  words.count = p.window.kernel_h * words.whole + shared;
  return words;
}

/// Bytes from a pixel's window to its neighbour's.
COPPICE_INLINE int step_of(const Conv2DParams& p) { return p.window.stride_w * p.in_channels; }
/// Bytes of a kernel row of a unit's windows.
COPPICE_INLINE int unit_bytes(const Conv2DParams& p) {
  return (kUnitPixels - 1) * step_of(p) + p.window.kernel_w * p.in_channels;
}
/// Two units lie in the halves of one vector.
COPPICE_INLINE bool is_narrow(const Conv2DParams& p) { return unit_bytes(p) <= kMostBytes / 2; }
/// Output channels, the one that makes them even included.
COPPICE_INLINE int packed_channels(const Conv2DParams& p) { return (p.out_channels + 1) / 2 * 2; }
COPPICE_INLINE size_t channel_bytes(simd::StageKind kind, int lanes) {
  return static_cast<size_t>(4 * lanes + simd::stage_bytes(kind, lanes));
}

}  // namespace coppice::kernels::conv_u8::gathered
