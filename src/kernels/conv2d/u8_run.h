#pragma once

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/image.h"
#include "kernels/conv2d/u8_layout.h"
#include "kernels/simd/requantize.h"
#include "kernels/simd/tile_grid.h"

// The dense int8 convolution for the traits type T: output channels in the lanes, tiles of pixels
// times vectors of channels with all sums in registers. Each input word is broadcast once a tile
// and meets the weights of all vectors; each weight vector is loaded once and meets all pixels.

namespace coppice::kernels::conv_u8 {

/// One block of channels over pixels that see the same taps.
struct Job {
  const std::byte *bias, *constants, *weights;  ///< Of the block and these taps.
  simd::StageHeader stage;
  int kernel_h, runs, run_bytes;  ///< Taps seen; run_bytes: whole words.
  ptrdiff_t weights_skip;         ///< Weights of a kernel row that are not seen.
  ptrdiff_t row_step, run_step;   ///< Of the input, between kernel rows and runs.
  int channels;                   ///< Of the block.
};

constexpr int kMostPixels = 8;  ///< Of a tile, with any instruction set.
using Grid = simd::TileGrid<uint8_t, kMostPixels>;

/// Words of weights that share their bytes (VectorLayout::fields): a traits type of packed weights
/// has kFields, and field(weights, index) to unpack one into the high bits of its bytes.
template <class T>
constexpr int fields_of() {
  if constexpr (requires { T::kFields; }) return T::kFields;
  return 1;
}

/// Words of input that are loaded at once: more than one where a product takes its word from any
/// place in a register (Arm), so that a load, and what it takes to prepare it, serve several.
template <class T>
constexpr int words_of() {
  if constexpr (requires { T::kWords; }) return T::kWords;
  return 1;
}
template <class T, int kCount>
COPPICE_INLINE auto load_words(const uint8_t* from) {
  if constexpr (words_of<T>() == 1)
    return T::broadcast(from);
  else
    return T::template load_words<kCount>(from);
}
template <class T, class Words>
COPPICE_INLINE typename T::Int dot_word(typename T::Int sum, const Words& words,
                                        typename T::Weights weights, [[maybe_unused]] int word) {
  if constexpr (words_of<T>() == 1)
    return T::dot(sum, words, weights);
  else
    return T::dot_word(sum, words, weights, word);
}

/// Whether outputs are int16 (conv2d/i16_run.h), else uint8.
template <class T>
constexpr bool is_wide() {
  return requires { T::kWide; };
}

template <class T, class Stage, int kPixels, int kVectors>
struct Tile {
  using Int = typename T::Int;
  // GCC 12 copies sums of type __m512i at each step, and stores members of this in each loop.
  typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
  static constexpr int kFields = fields_of<T>();
  using Sums = Sum[kPixels][kVectors];
  /// Few sums take turns with others: a dot product takes four cycles. Unpacking weights needs more
  /// of them in flight.
  static constexpr int sets(int sums) {
    if (!T::kHoldsWeights || words_of<T>() > 1) return 1;
    if (sums >= 4) return sums < 8 && kFields > 1 ? 2 : 1;
    return sums == 1 ? 4 : 2;
  }
  static constexpr int kSets = sets(kPixels * kVectors);
  Int sum[kPixels][kVectors];

  /// kCount words of all pixels: these stay, weights come and go. Returns the next weights.
  template <int kCount>
  COPPICE_INLINE static const typename T::Weight* add_words(const uint8_t* const (&from)[kPixels],
                                                            ptrdiff_t i,
                                                            const typename T::Weight* w, Sums& to) {
    decltype(load_words<T, kCount>(from[0])) words[kPixels];
    COPPICE_UNROLL
    for (int p = 0; p < kPixels; ++p) words[p] = load_words<T, kCount>(from[p] + i);
    COPPICE_UNROLL
    for (int word = 0; word < kCount; ++word) {
      // GCC 12 would load the weights of all words first, and spill what has no register.
      if constexpr (kCount > 1) __asm__ volatile("" ::: "memory");
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v, w += 4 * T::kLanes) {
        const auto weights = T::load_weights(w);
        COPPICE_UNROLL
        for (int p = 0; p < kPixels; ++p) {
          to[p][v] = reinterpret_cast<Sum>(
              dot_word<T>(reinterpret_cast<Int>(to[p][v]), words[p], weights, word));
        }
      }
    }
    return w;
  }
  /// `bytes` of all pixels, at least a word.
  COPPICE_INLINE static const typename T::Weight* add_run(const uint8_t* const (&from)[kPixels],
                                                          ptrdiff_t bytes,
                                                          const typename T::Weight* w, Sums& to) {
    ptrdiff_t i = 0;
    if constexpr (constexpr int kBytes = 4 * words_of<T>(); kBytes > 4) {
      for (; bytes - i >= kBytes; i += kBytes) w = add_words<words_of<T>()>(from, i, w, to);
      if (i == bytes) return w;
    }
    do {
      w = add_words<1>(from, i, w, to);
      i += 4;
    } while (i != bytes);
    return w;
  }

  /// kFields words of all pixels, with enough registers for their weights: these stay, the words of
  /// the pixels come and go. Successive words go to successive sets of sums.
  template <int kFirstSet>
  COPPICE_INLINE static void add_fields(const uint8_t* const (&from)[kPixels], ptrdiff_t i,
                                        const typename T::Weight* w, Sums (&to)[kSets]) {
    typename T::Weights weights[kVectors];
    COPPICE_UNROLL
    for (int v = 0; v < kVectors; ++v) weights[v] = T::load_weights(w + v * 4 * T::kLanes);
    COPPICE_UNROLL
    for (int field = 0; field < kFields; ++field, i += 4) {
      typename T::Weights one[kVectors];
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        if constexpr (kFields == 1)
          one[v] = weights[v];
        else
          one[v] = T::field(weights[v], field);
      }
      COPPICE_UNROLL
      for (int p = 0; p < kPixels; ++p) {
        const auto word = T::broadcast(from[p] + i);
        COPPICE_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          Sum& sum = to[(kFirstSet + field) % kSets][p][v];
          sum = reinterpret_cast<Sum>(T::dot(reinterpret_cast<Int>(sum), word, one[v]));
        }
      }
    }
  }
  COPPICE_INLINE static const typename T::Weight* add_run_holding(
      const uint8_t* const (&from)[kPixels], ptrdiff_t bytes, const typename T::Weight* w,
      Sums (&to)[kSets]) {
    constexpr int kStep = kVectors * 4 * T::kLanes, kBytes = 4 * kFields;
    ptrdiff_t i = 0;
    if constexpr (kFields == 1 && kSets > 1) {
      for (; bytes - i >= kSets * kBytes; i += kSets * kBytes, w += kSets * kStep) {
        simd::unroll<kSets>([&](auto set) COPPICE_LAMBDA {
          add_fields<set>(from, i + set * kBytes, w + set * kStep, to);
        });
      }
      if (i == bytes) return w;
    }
    do {
      add_fields<0>(from, i, w, to);
      i += kBytes;
      w += kStep;
    } while (i != bytes);
    return w;
  }

  COPPICE_INLINE void accumulate(const Job& job, const uint8_t* x, const ptrdiff_t* x_pixel) {
    Sums to[kSets] = {};
    COPPICE_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        to[0][p][v] = reinterpret_cast<Sum>(T::load(job.bias + v * T::kBytes));
    }
    const auto* w = reinterpret_cast<const typename T::Weight*>(job.weights);
    for (int ky = 0; ky < job.kernel_h; ++ky, x += job.row_step, w += job.weights_skip) {
      const uint8_t* run = x;
      for (int r = 0; r < job.runs; ++r, run += job.run_step) {
        const uint8_t* from[kPixels];
        simd::places_in_run(run, x_pixel, from);
        if constexpr (T::kHoldsWeights && words_of<T>() == 1)
          w = add_run_holding(from, job.run_bytes, w, to);
        else
          w = add_run(from, job.run_bytes, w, to[0]);
      }
    }
    COPPICE_UNROLL
    for (int p = 0; p < kPixels; ++p) {
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        Sum total = to[0][p][v];
        COPPICE_UNROLL
        for (int set = 1; set < kSets; ++set) total += to[set][p][v];
        sum[p][v] = reinterpret_cast<Int>(total >> (8 - 8 / kFields));
      }
    }
  }

  COPPICE_INLINE void store(const Job& job, uint8_t* y, const ptrdiff_t* y_pixel) {
    simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
      const std::byte* constants = job.constants + v * simd::stage_bytes(Stage::kKind, T::kLanes);
      const Stage stage = Stage::load(constants, job.stage);
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA { sum[p][v] = stage.apply(sum[p][v]); });
    });
    if constexpr (is_wide<T>()) return store_wide(job, y, y_pixel);
    const auto finish = simd::Finish<T>::load(job.stage);
    constexpr int kAtOnce = kVectors == 1 ? 4 : kVectors == 2 ? 2 : 1;  // Pixels in four vectors.
    simd::unroll<(kPixels + kAtOnce - 1) / kAtOnce>([&](auto quad) COPPICE_LAMBDA {
      constexpr int p = quad * kAtOnce;
      const auto vector = [&](auto i) COPPICE_LAMBDA {
        constexpr int pixel = p + (kVectors >= 3 ? 0 : i / kVectors);
        constexpr int v = kVectors >= 3 ? int{i} : i % kVectors;
        if constexpr (pixel < kPixels && v < kVectors)
          return sum[pixel][v];
        else
          return T::zero();
      };
      using std::integral_constant;
      Int bytes =
          finish.bytes(vector(integral_constant<int, 0>{}), vector(integral_constant<int, 1>{}),
                       vector(integral_constant<int, 2>{}), vector(integral_constant<int, 3>{}));
      if constexpr (kVectors != kBlockVectors) bytes = T::in_order(bytes);
      if constexpr (kVectors >= 3) {
        T::store_first(y + y_pixel[p], bytes, job.channels);
      } else {
        constexpr int kChannels = kVectors * T::kLanes;
        constexpr int kLast = kPixels - p < kAtOnce ? kPixels - p - 1 : kAtOnce - 1;
        if (kLast == kAtOnce - 1 && job.channels == kChannels &&
            y_pixel[p + kLast] == y_pixel[p] + kLast * kChannels) {
          return T::store(y + y_pixel[p], bytes);
        }
        simd::unroll<kLast + 1>([&](auto i) COPPICE_LAMBDA {
          if constexpr (kVectors == 2)
            T::template store_half<i>(y + y_pixel[p + i], bytes, job.channels);
          else
            T::template store_quarter<i>(y + y_pixel[p + i], bytes, job.channels);
        });
      }
    });
  }

  COPPICE_INLINE void store_wide(const Job& job, uint8_t* y, const ptrdiff_t* y_pixel) {
    const Int low = T::all32(job.stage.min), high = T::all32(job.stage.max);
    simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
      const int left = job.channels - v * T::kLanes;
      simd::unroll<kPixels>([&](auto p) COPPICE_LAMBDA {
        T::store16(reinterpret_cast<int16_t*>(y + y_pixel[p]) + v * T::kLanes,
                   T::min32(T::max32(sum[p][v], low), high), left < T::kLanes ? left : T::kLanes);
      });
    });
  }

  static void run(const Job& job, const Grid& grid) {
    grid.for_each_tile([&](const uint8_t* x, uint8_t* y) COPPICE_LAMBDA {
      Tile tile;
      tile.accumulate(job, x, grid.x_pixel);
      tile.store(job, y, grid.y_pixel);
    });
  }
};

/// [vectors - 1][pixels - 1]
template <class T, class Stage>
struct Tiles {
  using Run = void (*)(const Job&, const Grid&);
  Run run[kBlockVectors][kMostPixels] = {};

  constexpr Tiles() {
    simd::unroll<kBlockVectors>([&](auto v) COPPICE_LAMBDA {
      simd::unroll<T::kPixels[v]>(
          [&](auto p) COPPICE_LAMBDA { run[v][p] = Tile<T, Stage, p + 1, v + 1>::run; });
    });
  }
};

/// What all jobs of a layer share.
struct Layer {
  const Window2D& window;
  Runs runs;
  int tap_bytes;  ///< Of a tap where a run is a kernel row.
  int fields;

  /// Words of a kernel row before the column `taps`.
  COPPICE_INLINE int words_before(int taps) const {
    if (taps == window.kernel_w) return runs.count * runs.words;
    return runs.count > 1 ? taps * runs.words : taps * tap_bytes / 4;
  }
  /// The taps of the rectangle to a job; `weights` are the block's, of which a word of all vectors
  /// has `word` elements.
  template <class Weight>
  COPPICE_INLINE void enter(const simd::TapRectangle& r, const Weight* weights, int word,
                            Job& job) const {
    const int row_words = words_before(window.kernel_w);
    const int before = words_before(r.columns.first);
    const int words = words_before(r.columns.last) - before;
    const int first = r.rows.first * row_words + before;
    job.weights = reinterpret_cast<const std::byte*>(weights + ptrdiff_t{first} / fields * word);
    job.weights_skip = ptrdiff_t{row_words - words} / fields * word;
    job.kernel_h = r.sees_nothing() ? 0 : r.rows.taps();
    job.runs = runs.count > 1 ? r.columns.taps() : 1;
    job.run_bytes = 4 * (runs.count > 1 ? runs.words : words);
  }
};

template <class T, class Stage>
void run_stage(const Conv2DParams& p, const std::byte* packed, const Image<const uint8_t>& x,
               const Image<uint8_t>& y, RowRange rows) {
  using Weight = typename T::Weight;
  static constexpr Tiles<T, Stage> kTiles{};
  constexpr int kFields = fields_of<T>();
  const Layer layer{p.window, runs_of(p, kFields), p.in_per_group(), kFields};
  Header header;
  __builtin_memcpy(&header, packed, sizeof(header));
  const Kinds& kinds = header.kinds;
  Job job;
  job.stage = header.stage;
  job.row_step = p.window.dilation_h * x.row_step;
  job.run_step = p.window.dilation_w * x.pixel_step;
  const std::byte* block = packed + kHeaderBytes;
  const int group_channels = p.out_per_group();
  for (int group = 0; group < p.groups; ++group) {
    Image<const uint8_t> from = x;
    from.data += group * p.in_per_group();
    for (int first = 0; first < group_channels; first += kBlockVectors * T::kLanes) {
      const int vectors = block_vectors(group_channels, first, T::kLanes);
      const int rest = group_channels - first;
      const BlockBytes bytes =
          block_bytes(p, kinds, Stage::kKind, vectors, T::kLanes, sizeof(Weight), kFields);
      job.constants = block + bytes.stage;
      job.channels = rest < kBlockVectors * T::kLanes ? rest : kBlockVectors * T::kLanes;
      Image<uint8_t> to = y;
      to.data += (is_wide<T>() ? 2 : 1) * (group * group_channels + first);
      simd::for_each_tap_rectangle(
          p.window, rows, kinds.rows > 0, kinds.columns > 0,
          [&](const simd::TapRectangle& r) COPPICE_LAMBDA {
            layer.enter(r, reinterpret_cast<const Weight*>(block + bytes.weights),
                        vectors * 4 * T::kLanes, job);
            job.bias = block + kinds.index(r) * vectors * T::kBytes;
            simd::for_each_tile_grid<uint8_t, kMostPixels>(
                p.window, r, from, to, T::kPixels[vectors - 1],
                [&](const Grid& grid, int pixels)
                    COPPICE_LAMBDA { kTiles.run[vectors - 1][pixels - 1](job, grid); });
          });
      block += bytes.total;
    }
  }
}

template <class T>
void run(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
         const Image<uint8_t>& y, RowRange rows) {
  const auto* bytes = static_cast<const std::byte*>(packed);
  switch (static_cast<const simd::StageHeader*>(packed)->kind) {
    case simd::StageKind::kFloat:
      return run_stage<T, simd::FloatStage<T>>(p, bytes, x, y, rows);
    case simd::StageKind::kShift:
      return run_stage<T, simd::ShiftStage<T>>(p, bytes, x, y, rows);
    case simd::StageKind::kTwice:
      return run_stage<T, simd::TwiceStage<T>>(p, bytes, x, y, rows);
  }
}

}  // namespace coppice::kernels::conv_u8
