#pragma once

#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/image.h"
#include "kernels/conv2d/u8_gathered_layout.h"
#include "kernels/simd/requantize.h"

// The int8 convolution of few input channels for the traits type T (idea and layout:
// u8_gathered_layout.h).

namespace coppice::kernels::conv_u8::gathered {

/// Up to kUnitPixels neighbouring outputs of a row.
struct Unit {
  const uint8_t* x;  ///< Top left of the first window.
  uint8_t* y;
  int pixels;  ///< 0: none; x is valid.
};

/// Units and the words of their windows: [word][pixel].
struct Strip {
  Unit units[kStripUnits];
  alignas(64) std::byte words[kMostWords * kStripBytes];
};

/// What is the same for all strips.
struct Gathering {
  Words words;
  int kernel_h;
  ptrdiff_t row_step;  ///< Of the input, between kernel rows.
  const Indices* indices;
};

/// The words of two units, a vector each.
template <class T, bool kNarrow>
struct Gather {
  using Int = typename T::Int;
  Int bytes[kNarrow ? 1 : 2];  ///< A kernel row.

  COPPICE_INLINE Gather(const uint8_t* first, const uint8_t* second) {
    if constexpr (kNarrow) {
      bytes[0] = T::load_halves(first, second);
    } else {
      bytes[0] = T::load(first), bytes[1] = T::load(second);
    }
  }
  COPPICE_INLINE Int word(Int index) const {
    if constexpr (kNarrow)
      return T::pick(bytes[0], index);
    else
      return T::pick(bytes[0], bytes[1], index);
  }

  COPPICE_INLINE static void run(const Gathering& job, const Unit* units, std::byte* to) {
    const Int whole = T::load(job.indices->whole), rest = T::load(job.indices->rest);
    const Int next = T::all8(4);
    const Words words = job.words;
    const uint8_t *first = units[0].x, *second = units[1].x;
    std::byte* shared = to + ptrdiff_t{1} * job.kernel_h * words.whole * kStripBytes;
    // The bytes of the first row that shares a word.
    const uint64_t bytes = 0x1111111111111111 * ((uint64_t{1} << words.rest) - 1);
    Int one = T::zero();
    int sharing = 0;
    for (int ky = 0; ky < job.kernel_h; ++ky, first += job.row_step, second += job.row_step) {
      const Gather row(first, second);
      Int index = whole;
      for (int i = 0; i < words.whole; ++i, to += kStripBytes) {
        T::store(to, row.word(index));
        index = T::add8(index, next);
      }
      if (words.rest == 0) continue;
      one = T::select(bytes << sharing * words.rest, row.word(rest), one);
      if (++sharing < words.sharing && ky + 1 < job.kernel_h) continue;
      T::store(shared, one);
      shared += kStripBytes;
      sharing = 0;
    }
  }
};

template <class T, bool kNarrow>
void gather(const Gathering& job, Strip& strip) {
  Gather<T, kNarrow>::run(job, strip.units, strip.words);
  if (strip.units[2].pixels > 0)
    Gather<T, kNarrow>::run(job, strip.units + 2, strip.words + T::kBytes);
}

/// A block of kChannels channels for the pixels in the lanes of kVectors vectors.
template <class T, class Stage, int kChannels, int kVectors>
struct Block {
  using Int = typename T::Int;
  static constexpr ptrdiff_t kChannelBytes =
      4 * T::kLanes + simd::stage_bytes(Stage::kKind, T::kLanes);
  Int bytes[kVectors][2];  ///< Four channels each, in the order of quad_place().

  COPPICE_INLINE Block(const std::byte* packed, const simd::StageHeader& header, const std::byte* x,
                       int words) {
    // As in Tile (u8_run.h).
    typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
    Sum to[kVectors][kChannels];
    COPPICE_UNROLL
    for (int c = 0; c < kChannels; ++c) {
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v)
        to[v][c] = reinterpret_cast<Sum>(T::load(packed + c * kChannelBytes));
    }
    const auto* w = reinterpret_cast<const int8_t*>(packed + kChannels * kChannelBytes);
    for (int word = 0; word < words; ++word, x += kStripBytes, w += 4 * kChannels) {
      typename T::Operand pixels[kVectors];
      COPPICE_UNROLL
      for (int v = 0; v < kVectors; ++v) pixels[v] = T::prepare(T::load(x + v * T::kBytes));
      COPPICE_UNROLL
      for (int c = 0; c < kChannels; ++c) {
        const auto weights = T::broadcast_weights(w + 4 * c);
        COPPICE_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          to[v][c] =
              reinterpret_cast<Sum>(T::dot(reinterpret_cast<Int>(to[v][c]), pixels[v], weights));
        }
      }
    }
    Int sum[kVectors][8];
    simd::unroll<8>([&](auto c) COPPICE_LAMBDA {
      simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
        if constexpr (c < kChannels) {
          const Stage stage = Stage::load(packed + c * kChannelBytes + 4 * T::kLanes, header);
          sum[v][c] = stage.apply(reinterpret_cast<Int>(to[v][c]));
        } else {
          sum[v][c] = T::zero();
        }
      });
    });
    const auto finish = simd::Finish<T>::load(header);
    simd::unroll<kVectors>([&](auto v) COPPICE_LAMBDA {
      const Int* four = sum[v];
      bytes[v][0] = finish.bytes(four[0], four[1], four[2], four[3]);
      bytes[v][1] = bytes[v][0];
      if constexpr (kChannels > 4) bytes[v][1] = finish.bytes(four[4], four[5], four[6], four[7]);
    });
  }
};

/// The outputs of a strip of up to kUnits units.
template <class T, class Stage, int kUnits>
struct Output {
  using Int = typename T::Int;
  const Gathering& job;
  const Strip& strip;
  const std::byte* packed;  ///< The StageHeader.
  int channels;

  template <int kChannels>
  void run_channels() const {
    const Block<T, Stage, kChannels, kUnits / 2> block(
        packed + kHeaderBytes, *reinterpret_cast<const simd::StageHeader*>(packed), strip.words,
        job.words.count);
    COPPICE_UNROLL
    for (int i = 0; i < kUnits; ++i) {
      const Unit& unit = strip.units[i];
      const auto& bytes = block.bytes[i / 2];
      const Int in_order = T::pick(bytes[0], bytes[1], T::load(job.indices->place[i % 2]));
      T::store_some(unit.y, in_order, unit.pixels * channels);
    }
  }

  void run() const {
    switch ((channels + 1) / 2) {
      case 1:
        return run_channels<2>();
      case 2:
        return run_channels<4>();
      case 3:
        return run_channels<6>();
      default:
        return run_channels<8>();
    }
  }
};

/// Cuts some rows into strips and calls body(strip) for each. The words of a strip are gathered
/// before the one ahead of it is computed, so that they are in memory when they are read.
template <class T, bool kNarrow, class Body>
COPPICE_INLINE void for_each_strip(const Conv2DParams& p, const Gathering& job,
                                   const Image<const uint8_t>& x, const Image<uint8_t>& y,
                                   RowRange rows, const Body& body) {
  const Window2D& window = p.window;
  Strip strips[2];
  Strip *filling = &strips[0], *filled = nullptr;
  int oy = rows.begin, ox = 0;
  while (oy < rows.end) {
    for (Unit& unit : filling->units) {
      if (oy == rows.end) {
        unit = {filling->units[0].x, nullptr, 0};
        continue;
      }
      const int left = window.out_w - ox;
      unit = {
          x.pixel(oy * window.stride_h - window.pad_top, ox * window.stride_w - window.pad_left),
          y.pixel(oy, ox), left < kUnitPixels ? left : kUnitPixels};
      ox += kUnitPixels;
      if (ox >= window.out_w) ox = 0, ++oy;
    }
    gather<T, kNarrow>(job, *filling);
    if (filled != nullptr) body(*filled);
    filled = filling;
    filling = filled == &strips[0] ? &strips[1] : &strips[0];
  }
  if (filled != nullptr) body(*filled);
}

template <class T, class Stage, bool kNarrow>
void run_strips(const Conv2DParams& p, const Gathering& job, const std::byte* packed,
                const Image<const uint8_t>& x, const Image<uint8_t>& y, RowRange rows) {
  for_each_strip<T, kNarrow>(p, job, x, y, rows, [&](const Strip& strip) COPPICE_LAMBDA {
    if (strip.units[2].pixels > 0)
      Output<T, Stage, 4>{job, strip, packed, p.out_channels}.run();
    else
      Output<T, Stage, 2>{job, strip, packed, p.out_channels}.run();
  });
}

template <class T, bool kNarrow>
void run_stage(const Conv2DParams& p, const Gathering& job, const std::byte* packed,
               const Image<const uint8_t>& x, const Image<uint8_t>& y, RowRange rows) {
  switch (reinterpret_cast<const simd::StageHeader*>(packed)->kind) {
    case simd::StageKind::kFloat:
      return run_strips<T, simd::FloatStage<T>, kNarrow>(p, job, packed, x, y, rows);
    case simd::StageKind::kShift:
      return run_strips<T, simd::ShiftStage<T>, kNarrow>(p, job, packed, x, y, rows);
    case simd::StageKind::kTwice:
      return run_strips<T, simd::TwiceStage<T>, kNarrow>(p, job, packed, x, y, rows);
  }
}

template <class T>
void run(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
         const Image<uint8_t>& y, RowRange rows) {
  const auto* indices = static_cast<const Indices*>(packed);
  const auto* rest = reinterpret_cast<const std::byte*>(indices + 1);
  const Gathering job{words_of(p), p.window.kernel_h, p.window.dilation_h * x.row_step, indices};
  if (is_narrow(p)) {
    run_stage<T, true>(p, job, rest, x, y, rows);
  } else {
    run_stage<T, false>(p, job, rest, x, y, rows);
  }
}

}  // namespace coppice::kernels::conv_u8::gathered
