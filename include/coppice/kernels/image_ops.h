#pragma once

#include <cstdint>
#include <optional>

#include "coppice/core/isa.h"
#include "coppice/kernels/add/add.h"
#include "coppice/kernels/image.h"
#include "coppice/kernels/layer_kernel.h"
#include "coppice/kernels/pool/pool.h"

namespace coppice::kernels {

/// Pixels of an image and the channels of each.
struct ImageSize {
  int height = 1, width = 1, channels = 1;
};

/// The layers without weights on uint8 images, for one instruction set. Numbers in parameters are
/// those of the int8 model. y may be an input, except where pixels move.
struct ImageOpsU8 {
  Isa isa;
  /// y = x ^ flip: between int8 (dense rows) and uint8 with 0x80, a plain copy with 0. Channels of
  /// a pixel are contiguous; pixel steps may differ (a part of a concatenation).
  void (*copy)(const ImageSize& size, uint8_t flip, const Image<const uint8_t>& x,
               const Image<uint8_t>& y);
  void (*clamp)(const ImageSize& size, int8_t low, int8_t high, const Image<const uint8_t>& x,
                const Image<uint8_t>& y);
  /// a + b; p.count is not read.
  void (*add)(const ImageSize& size, const AddParams& p, const Image<const uint8_t>& a,
              const Image<const uint8_t>& b, const Image<uint8_t>& y);
  /// Windows of fewer than 65536 pixels. Padding does not count and is not read.
  void (*avg_pool2d)(const PoolParams<int8_t>& p, const Image<const uint8_t>& x,
                     const Image<uint8_t>& y, RowRange rows);
  void (*max_pool2d)(const PoolParams<int8_t>& p, const Image<const uint8_t>& x,
                     const Image<uint8_t>& y, RowRange rows);
};

/// Best first; the last one runs everywhere.
KernelList<ImageOpsU8> image_ops_u8();

/// The sum of int8 in the form of the float mode, a product for each input and one shift, whatever
/// mode `p` has: factors with which it equals `p` for all 65,536 pairs of inputs. Nothing if none
/// of those next to the exact ratios are such; `ops` computes the pairs.
std::optional<AddParams> add_by_factors(const ImageOpsU8& ops, const AddParams& p);

/// The same on int16 images, whose zero points are 0.
struct ImageOpsI16 {
  Isa isa;
  /// Channels of a pixel are contiguous; pixel steps may differ (a part of a concatenation).
  void (*copy)(const ImageSize& size, const Image<const int16_t>& x, const Image<int16_t>& y);
  void (*clamp)(const ImageSize& size, int16_t low, int16_t high, const Image<const int16_t>& x,
                const Image<int16_t>& y);
  /// a + b; p.count is not read. No factor of p is above 1.
  void (*add)(const ImageSize& size, const AddParams& p, const Image<const int16_t>& a,
              const Image<const int16_t>& b, const Image<int16_t>& y);
  /// Windows of fewer than 512 pixels. Padding does not count and is not read.
  void (*avg_pool2d)(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                     const Image<int16_t>& y, RowRange rows);
  void (*max_pool2d)(const PoolParams<int16_t>& p, const Image<const int16_t>& x,
                     const Image<int16_t>& y, RowRange rows);
};

/// Best first; the last one runs everywhere.
KernelList<ImageOpsI16> image_ops_i16();

/// The same on float images.
struct ImageOpsF32 {
  Isa isa;
  /// Channels of a pixel are contiguous; pixel steps may differ (a part of a concatenation).
  void (*copy)(const ImageSize& size, const Image<const float>& x, const Image<float>& y);
  void (*clamp)(const ImageSize& size, const ClampFloat& to, const Image<const float>& x,
                const Image<float>& y);
  void (*add)(const ImageSize& size, const ClampFloat& to, const Image<const float>& a,
              const Image<const float>& b, const Image<float>& y);
  /// Padding does not count and is not read.
  void (*avg_pool2d)(const PoolParams<float>& p, const Image<const float>& x, const Image<float>& y,
                     RowRange rows);
  void (*max_pool2d)(const PoolParams<float>& p, const Image<const float>& x, const Image<float>& y,
                     RowRange rows);
};

/// Best first; the last one runs everywhere.
KernelList<ImageOpsF32> image_ops_f32();

}  // namespace coppice::kernels
