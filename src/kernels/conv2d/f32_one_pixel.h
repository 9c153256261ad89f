#pragma once

#include "kernels/conv2d/f32_run.h"

namespace coppice::kernels {

/// The convolution whose output is one pixel, such as a fully connected layer: a row of weights, as
/// many output vectors as there are registers for, is read for each input, once, in the order of
/// memory.
template <class V>
struct OnePixelF32 {
  using Vector = typename V::Vector;
  using Dense = Conv2DF32<V>;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kMostVectors = 8;  // Sums in flight that hide the multiply-add's latency.

  /// body(first output, vectors) for each block of outputs.
  template <class Body>
  static void for_each_block(const Conv2DParams& p, Body body) {
    int first = 0;
    simd::for_each_tile<V>((p.out_channels + kLanes - 1) / kLanes, kMostVectors, [&](int vectors) {
      body(first, vectors);
      first += vectors * kLanes;
    });
  }

  static bool accepts(const Conv2DParams& p) {
    return p.window.out_h * p.window.out_w == 1 && p.groups == 1;
  }

  static size_t packed_bytes(const Conv2DParams& p) {
    return simd::packed_bytes((p.out_channels + kLanes - 1) / kLanes, 1 + Dense::sum_length(p),
                              kLanes);
  }

  static bool pack(const Conv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    for_each_block(p, [&](int first, int vectors) {
      const int left = p.out_channels - first, room = vectors * kLanes;
      to = Dense::pack_block({first, left < room ? left : room, vectors, 0}, Dense::sum_length(p),
                             weights, bias, to);
    });
    return true;
  }

  // With fewer vectors than kMostVectors, consecutive inputs go to sums of their own.
  template <int kVectors>
  struct Sums {
    static constexpr int kParts = kMostVectors / kVectors;
    Vector sum[kParts][kVectors];
    const float* row;

    COPPICE_INLINE explicit Sums(const float* packed) : row(packed + kVectors * kLanes) {
      simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
        sum[0][v] = V::load(packed + v * kLanes);
        simd::unroll<kParts - 1>([&](auto part) COPPICE_LAMBDA { sum[part + 1][v] = V::zero(); });
      });
    }
    template <int kPart>
    COPPICE_INLINE void add(float x) {
      const Vector value = V::all(x);
      simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
        sum[kPart][v] = V::multiply_add(value, V::load(row + v * kLanes), sum[kPart][v]);
      });
      row += kVectors * kLanes;
    }
    COPPICE_INLINE void add_run(const float* x, int length) {
      int k = 0;
      for (; k + kParts <= length; k += kParts) {
        simd::unroll<kParts>([&](auto part) COPPICE_LAMBDA { add<part>(x[k + part]); });
      }
      for (; k < length; ++k) add<0>(x[k]);
    }
  };

  template <int kVectors>
  static void block(const typename Dense::Runs& runs, const float* x, const float* packed,
                    const simd::PackedClamp& clamp, float* y, int used) {
    Sums<kVectors> sums(packed);
    for (int row = 0; row < runs.rows; ++row) {
      for (int segment = 0; segment < runs.segments; ++segment) {
        sums.add_run(x + row * runs.row_step + segment * runs.segment_step, runs.length);
      }
    }
    const Vector low = V::all(clamp.min), high = V::all(clamp.max);
    simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
      Vector total = sums.sum[0][v];
      simd::unroll<Sums<kVectors>::kParts - 1>(
          [&](auto part) COPPICE_LAMBDA { total = V::add(total, sums.sum[part + 1][v]); });
      const int left = used - v * kLanes;
      V::store_part(y + v * kLanes, V::min(V::max(total, low), high),
                    left < kLanes ? left : kLanes);
    });
  }

  using BlockFunction = void (*)(const typename Dense::Runs&, const float*, const float*,
                                 const simd::PackedClamp&, float*, int);
  struct BlockTable {
    BlockFunction blocks[kMostVectors] = {};
    constexpr BlockTable() {
      simd::unroll<kMostVectors>([&](auto v) { blocks[v] = &block<v + 1>; });
    }
  };

  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr BlockTable kTable{};
    if (rows.begin == rows.end) return;
    const auto runs =
        Dense::runs_of(p, in, {{0, 1, 0, p.window.kernel_h}, {0, 1, 0, p.window.kernel_w}});
    const float* weights = simd::packed_weights(packed);
    const float* x = in.pixel(-p.window.pad_top, -p.window.pad_left);
    for_each_block(p, [&](int first, int vectors) {
      kTable.blocks[vectors - 1](runs, x, weights, simd::packed_clamp(packed), out.data + first,
                                 p.out_channels - first);
      weights += ptrdiff_t{1} * vectors * kLanes * (1 + Dense::sum_length(p));
    });
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
