#pragma once

#include "coppice/kernels/conv2d/dense.h"
#include "kernels/simd/f32_packed.h"
#include "kernels/simd/inline.h"
#include "kernels/simd/tap_spans.h"
#include "kernels/simd/tile_grid.h"

namespace coppice::kernels {

/// Convolution in registers: tiles of pixels times vectors of output channels, all sums live. A
/// step of the sum reads a value of each pixel as a broadcast and a row of weights, packed in the
/// order of reading. Taps that lie side by side in memory are one run of values, so that few
/// channels and 1x1 windows need no kernel of their own. Outputs go by rectangles whose windows see
/// the same taps, so that padding is not multiplied.
template <class V>
struct Conv2DF32 {
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  // At least 8 sums hide the multiply-add's latency of 4 cycles at 2 per cycle; loads, 2 per cycle
  // too, must not be more than products: (pixels + vectors) <= pixels * vectors.
  static constexpr int kMostVectors = V::kRegisters >= 32 ? 4 : 2;
  static constexpr int kMostPixels = 10;  // Pointers to them fill the general registers.
  /// Whether a multiply-add takes a factor from a lane.
  static constexpr bool kMultipliesLanes = requires(Vector v) {
    V::template multiply_add_lane<0>(v, v, v);
  };
  static constexpr int tile_pixels(int vectors) {
    // Beside the sums: a row of weights, and a value or else a vector of each pixel.
    const int fitting = kMultipliesLanes ? (V::kRegisters - vectors - 2) / (vectors + 1)
                                         : (V::kRegisters - vectors - 1) / vectors;
    return fitting < kMostPixels ? fitting : kMostPixels;
  }

  /// Output channels that are computed together, of one group.
  struct Block {
    int first = 0;    ///< Output channel.
    int used = 0;     ///< Channels of this block.
    int vectors = 0;  ///< That hold them.
    int group = 0;
  };
  static int sum_length(const Conv2DParams& p) { return p.taps() * p.in_per_group(); }

  template <class Body>
  static void for_each_block(const Conv2DParams& p, Body body) {
    const int channels = p.out_per_group();
    for (int group = 0; group < p.groups; ++group) {
      int first = 0;
      simd::for_each_tile<V>((channels + kLanes - 1) / kLanes, kMostVectors, [&](int vectors) {
        const int left = channels - first, room = vectors * kLanes;
        body(Block{group * channels + first, left < room ? left : room, vectors, group});
        first += room;
      });
    }
  }

  static bool accepts(const Conv2DParams&) { return true; }
  /// For a V of half vectors: where three of them do what takes two whole ones. On units as wide as
  /// a half, such as Zen 4's, that is less work.
  static bool accepts_half(const Conv2DParams& p) {
    return (p.out_per_group() + kLanes - 1) / kLanes == 3;
  }

  static size_t packed_bytes(const Conv2DParams& p) {
    int vectors = 0;
    for_each_block(p, [&](const Block& b) { vectors += b.vectors; });
    return simd::packed_bytes(vectors, 1 + sum_length(p), kLanes);
  }

  /// A block's biases, then a row of weights for each term of the sum. Returns the end.
  static float* pack_block(const Block& b, int length, const float* weights, const float* bias,
                           float* to) {
    for (int k = -1; k < length; ++k) {
      for (int o = 0; o < b.vectors * kLanes; ++o, ++to) {
        if (o >= b.used) {
          *to = 0.0f;
        } else if (k < 0) {
          *to = bias != nullptr ? bias[b.first + o] : 0.0f;
        } else {
          *to = weights[static_cast<ptrdiff_t>(b.first + o) * length + k];
        }
      }
    }
    return to;
  }
  static bool pack(const Conv2DParams& p, const ClampFloat& clamp, const float* weights,
                   const float* bias, void* packed) {
    float* to = simd::begin_packed(clamp, packed);
    for_each_block(p,
                   [&](const Block& b) { to = pack_block(b, sum_length(p), weights, bias, to); });
    return true;
  }

  /// The values of a window: `rows` times `segments` runs of contiguous floats. Their weights begin
  /// at a term of the sum; behind those of a row, `unseen` terms are padding.
  struct Runs {
    int rows = 0, segments = 0, length = 0;
    ptrdiff_t row_step = 0, segment_step = 0;
    ptrdiff_t first_term = 0, unseen = 0;
  };
  static Runs runs_of(const Conv2DParams& p, const Image<const float>& in,
                      const simd::TapRectangle& r) {
    const Window2D& w = p.window;
    const ptrdiff_t channels = p.in_per_group();
    Runs runs{r.rows.taps(),
              r.columns.taps(),
              p.in_per_group(),
              w.dilation_h * in.row_step,
              w.dilation_w * in.pixel_step,
              (r.rows.first * w.kernel_w + r.columns.first) * channels,
              (w.kernel_w - r.columns.taps()) * channels};
    if (runs.segment_step == runs.length) {
      runs.length *= runs.segments;
      runs.segments = 1;
      if (runs.row_step == runs.length && runs.unseen == 0) {
        runs.length *= runs.rows;
        runs.rows = 1;
      }
    }
    return runs;
  }

  template <int kPixels, int kVectors>
  struct Sums {
    // A step goes to the sums of its part: so many are in flight that they hide the latency.
    static constexpr int kParts = kPixels * kVectors >= 8 ? 1 : kPixels * kVectors >= 4 ? 2 : 4;
    Vector sum[kParts][kPixels][kVectors];

    COPPICE_INLINE explicit Sums(const float* biases) {
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          sum[0][p][v] = V::load(biases + v * kLanes);
          simd::unroll<kParts - 1>([&](auto part)
                                       COPPICE_LAMBDA { sum[part + 1][p][v] = V::zero(); });
        });
      });
    }
    template <int p, int v>
    COPPICE_INLINE Vector total() const {
      Vector all = sum[0][p][v];
      simd::unroll<kParts - 1>([&](auto part)
                                   COPPICE_LAMBDA { all = V::add(all, sum[part + 1][p][v]); });
      return all;
    }

    // kLanes terms: the values of a pixel are one vector, whose lanes are factors as they lie.
    COPPICE_INLINE void accumulate_lanes(const float* const (&from)[kPixels], ptrdiff_t at,
                                         const float* weights) {
      Vector values[kPixels];
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { values[p] = V::load(from[p] + at); });
      simd::unroll<kLanes>([&](auto step) COPPICE_LAMBDA {
        simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          const Vector row = V::load(weights + (step * kVectors + v) * kLanes);
          simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
            Vector& to = sum[step % kParts][p][v];
            to = V::template multiply_add_lane<step>(values[p], row, to);
          });
        });
      });
    }
    // kSteps terms: values at from[pixel] + at, weights at `weights`.
    template <int kSteps>
    COPPICE_INLINE void accumulate(const float* const (&from)[kPixels], ptrdiff_t at,
                                   const float* weights) {
      if constexpr (kMultipliesLanes && kSteps == kLanes) {
        return accumulate_lanes(from, at, weights);
      }
      simd::unroll<kSteps>([&](auto step) COPPICE_LAMBDA {
        Vector row[kVectors];
        simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          row[v] = V::load(weights + (step * kVectors + v) * kLanes);
        });
        simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
          const Vector value = V::all(from[p][at + step]);
          simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
            Vector& to = sum[step % kParts][p][v];
            to = V::multiply_add(value, row[v], to);
          });
        });
      });
    }
  };

  using Grid = simd::TileGrid<float, kMostPixels>;
  struct Job {
    Runs runs;
    const float* packed;
    simd::PackedClamp clamp;
    int used;  ///< Channels of the block.
  };

  template <int kPixels, int kVectors>
  static COPPICE_INLINE void accumulate_runs(const Job& job, const float* x,
                                             const ptrdiff_t* x_pixel,
                                             Sums<kPixels, kVectors>& sums) {
    constexpr int kSteps = 4, kRow = kVectors * kLanes;
    const float* weights = job.packed + (1 + job.runs.first_term) * kRow;
    for (int row = 0; row < job.runs.rows; ++row, weights += job.runs.unseen * kRow) {
      for (int segment = 0; segment < job.runs.segments; ++segment) {
        const float* run = x + row * job.runs.row_step + segment * job.runs.segment_step;
        const float* from[kPixels];
        simd::places_in_run(run, x_pixel, from);
        ptrdiff_t at = 0;
        int left = job.runs.length;
        for (; left >= kSteps; left -= kSteps, at += kSteps, weights += kSteps * kRow) {
          sums.template accumulate<kSteps>(from, at, weights);
        }
        for (; left > 0; --left, ++at, weights += kRow) {
          sums.template accumulate<1>(from, at, weights);
        }
      }
    }
  }

  template <int kPixels, int kVectors>
  static void tiles(const Job& job, const Grid& grid) {
    const int last = job.used - (kVectors - 1) * kLanes;
    grid.for_each_tile([&](const float* x, float* y) COPPICE_LAMBDA {
      Sums<kPixels, kVectors> sums(job.packed);
      accumulate_runs(job, x, grid.x_pixel, sums);
      const Vector low = V::all(job.clamp.min), high = V::all(job.clamp.max);
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        float* to = y + grid.y_pixel[p];
        simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
          const Vector result = V::min(V::max(sums.template total<p, v>(), low), high);
          if (v + 1 < kVectors || last == kLanes) {
            V::store(to + v * kLanes, result);
          } else {
            V::store_part(to + v * kLanes, result, last);
          }
        });
      });
    });
  }

  // tiles[vectors - 1][pixels - 1].
  struct Table {
    void (*tiles[kMostVectors][kMostPixels])(const Job&, const Grid&) = {};
    constexpr Table() {
      simd::unroll<kMostVectors>([&](auto v) COPPICE_LAMBDA {
        simd::unroll<tile_pixels(v + 1)>(
            [&](auto p) COPPICE_LAMBDA { tiles[v][p] = &Conv2DF32::tiles<p + 1, v + 1>; });
      });
    }
  };

  static void run(const Conv2DParams& p, const void* packed, const Image<const float>& in,
                  const Image<float>& out, RowRange rows) {
    static constexpr Table kTable{};
    Job job{{}, simd::packed_weights(packed), simd::packed_clamp(packed), 0};
    for_each_block(p, [&](const Block& b) {
      Image<const float> x = in;
      x.data += b.group * p.in_per_group();
      Image<float> y = out;
      y.data += b.first;
      job.used = b.used;
      simd::for_each_tap_rectangle(p.window, rows, true, true, [&](const simd::TapRectangle& r) {
        job.runs = runs_of(p, in, r);
        simd::for_each_tile_grid<float, kMostPixels>(
            p.window, r, x, y, tile_pixels(b.vectors), [&](const Grid& grid, int pixels) {
              kTable.tiles[b.vectors - 1][pixels - 1](job, grid);
            });
      });
      job.packed += static_cast<ptrdiff_t>(b.vectors) * kLanes * (1 + sum_length(p));
    });
  }

  static constexpr Conv2DKernelF32 kernel(const char* name, Isa isa) {
    return {name, isa, accepts, packed_bytes, pack, run};
  }
  static constexpr Conv2DKernelF32 half_kernel(const char* name, Isa isa) {
    return {name, isa, accepts_half, packed_bytes, pack, run};
  }
};

}  // namespace coppice::kernels
