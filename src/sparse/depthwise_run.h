#pragma once

#include "kernels/simd/requantize.h"
#include "sparse/depthwise_layout.h"

// The int8 depthwise 3x3 convolution without its zeros, for the traits type T (layout and idea:
// depthwise_layout.h). T adds to a type of kernels/simd: pick(a, b, index), any bytes of two
// registers; place(constant, kept, order, bytes), bytes by order where the bit is set.

namespace coppice::sparse {

/// What is the same for all outputs of some rows.
struct DepthwiseJob {
  kernels::simd::StageHeader stage;
  int packed_rows;
  int last_row;  ///< Of the input rows that an output tile reads.
  ptrdiff_t x_row, x_pixel;
  ptrdiff_t y_row, y_pixel;
};

/// kRows x kColumns neighbouring outputs of a set of channels.
template <class T, class Stage, int kRows, int kColumns>
struct DepthwiseTile {
  using Int = typename T::Int;
  // GCC 12 copies sums of type __m512i at each step.
  typedef int32_t Sum __attribute__((vector_size(T::kBytes)));
  static constexpr int kInputs = kColumns + kDepthwiseKernel - 1;

  const DepthwiseJob& job;
  const DepthwiseSet& set;
  const std::byte* vector;  ///< The next to be computed.
  Int sum[kRows][kColumns][4];

  COPPICE_INLINE DepthwiseTile(const DepthwiseJob& of, const DepthwiseSet& channels)
      : job(of),
        set(channels),
        vector(reinterpret_cast<const std::byte*>(&channels + 1) + 4 * kDepthwiseSet) {}

  const uint8_t* table(int i) const {
    return reinterpret_cast<const uint8_t*>(&set + 1) + i * kDepthwiseSet;
  }

  /// Two vectors of kept channels.
  template <int kPair>
  COPPICE_INLINE void pair(const uint8_t* x) {
    const Int index = T::load(table(kPair));
    const uint8_t* rows[4];
    kernels::simd::unroll<4>([&](auto k) COPPICE_LAMBDA {
      rows[k] = x + (k < job.last_row ? int{k} : job.last_row) * job.x_row;
    });
    Int ab[kInputs], cd[kInputs];
    kernels::simd::unroll<kInputs>([&](auto i) COPPICE_LAMBDA {
      const ptrdiff_t at = i * job.x_pixel;
      ab[i] = T::pick(T::load(rows[0] + at), T::load(rows[1] + at), index);
      cd[i] = T::pick(T::load(rows[2] + at), T::load(rows[3] + at), index);
    });
    Int inputs[kInputs];
    kernels::simd::unroll<kInputs>(
        [&](auto i) COPPICE_LAMBDA { inputs[i] = T::unpack_low16(ab[i], cd[i]); });
    one_vector<2 * kPair>(inputs);
    if (2 * kPair + 1 >= set.vectors) {
      clear<2 * kPair + 1>();
      return;
    }
    kernels::simd::unroll<kInputs>(
        [&](auto i) COPPICE_LAMBDA { inputs[i] = T::unpack_high16(ab[i], cd[i]); });
    one_vector<2 * kPair + 1>(inputs);
  }

  template <int kVector>
  COPPICE_INLINE void clear() {
    each([&](auto row, auto column) COPPICE_LAMBDA { sum[row][column][kVector] = T::zero(); });
  }

  template <int kVector>
  COPPICE_INLINE void one_vector(const Int (&inputs)[kInputs]) {
    const std::byte* constants = vector + T::kBytes;
    const auto* w = reinterpret_cast<const int8_t*>(
        constants + kernels::simd::stage_bytes(Stage::kKind, T::kLanes));
    Sum to[kRows][kColumns];
    each([&](auto row, auto column)
             COPPICE_LAMBDA { to[row][column] = reinterpret_cast<Sum>(T::load(vector)); });
    const unsigned columns = set.columns[kVector];
    kernels::simd::unroll<kDepthwiseKernel>([&](auto kx) COPPICE_LAMBDA {
      if ((columns >> kx & 1) == 0) return;
      kernels::simd::unroll<kRows>([&](auto row) COPPICE_LAMBDA {
        const auto weights = T::load_weights(w + (kx * job.packed_rows + row) * T::kBytes);
        kernels::simd::unroll<kColumns>([&](auto column) COPPICE_LAMBDA {
          to[row][column] = reinterpret_cast<Sum>(
              T::dot(reinterpret_cast<Int>(to[row][column]), inputs[column + kx], weights));
        });
      });
    });
    const Stage stage = Stage::load(constants, job.stage);
    each([&](auto row, auto column) COPPICE_LAMBDA {
      sum[row][column][kVector] = stage.apply(reinterpret_cast<Int>(to[row][column]));
    });
    vector += depthwise_vector_bytes(Stage::kKind, job.packed_rows);
  }

  COPPICE_INLINE void store(uint8_t* y, int count) const {
    const auto finish = kernels::simd::Finish<T>::load(job.stage);
    const Int order = T::load(table(2)), constant = T::load(table(3));
    each([&](auto row, auto column) COPPICE_LAMBDA {
      const Int* four = sum[row][column];
      const Int bytes = finish.bytes(four[0], four[1], four[2], four[3]);
      T::store_first(y + row * job.y_row + column * job.y_pixel,
                     T::place(constant, set.kept, order, bytes), count);
    });
  }

  template <class Body>
  static COPPICE_INLINE void each(const Body& body) {
    kernels::simd::unroll<kRows>([&](auto row) COPPICE_LAMBDA {
      kernels::simd::unroll<kColumns>([&](auto column) COPPICE_LAMBDA { body(row, column); });
    });
  }

  static void run(const DepthwiseJob& job, const std::byte* set_bytes, const uint8_t* x, uint8_t* y,
                  int count) {
    const auto& set = *reinterpret_cast<const DepthwiseSet*>(set_bytes);
    DepthwiseTile tile(job, set);
    if (set.vectors > 0) {
      tile.template pair<0>(x);
    } else {
      tile.template clear<0>(), tile.template clear<1>();
    }
    if (set.vectors > 2) {
      tile.template pair<1>(x);
    } else {
      tile.template clear<2>(), tile.template clear<3>();
    }
    tile.store(y, count);
  }
};

/// kRows output rows.
template <class T, class Stage, int kRows>
void run_depthwise_rows(const kernels::DepthwiseConv2DParams& p, const DepthwiseJob& job,
                        const std::byte* sets, const uint8_t* x, uint8_t* y) {
  using Run = void (*)(const DepthwiseJob&, const std::byte*, const uint8_t*, uint8_t*, int);
  static constexpr Run kTiles[] = {DepthwiseTile<T, Stage, kRows, 1>::run,
                                   DepthwiseTile<T, Stage, kRows, 2>::run,
                                   DepthwiseTile<T, Stage, kRows, 3>::run};
  // Neighbours share their columns only where windows are a pixel apart.
  const int stride = p.window.stride_w, most = stride == 1 ? 3 : 1, width = p.window.out_w;
  for (int first = 0; first < p.channels; first += kDepthwiseSet) {
    const int left = p.channels - first, count = left < kDepthwiseSet ? left : kDepthwiseSet;
    for (int ox = 0; ox < width; ox += most) {
      const int columns = width - ox < most ? width - ox : most;
      kTiles[columns - 1](job, sets, x + first + ox * stride * job.x_pixel,
                          y + first + ox * job.y_pixel, count);
    }
    const auto* set = reinterpret_cast<const DepthwiseSet*>(sets);
    sets += depthwise_set_bytes(Stage::kKind, job.packed_rows, set->vectors);
  }
}

template <class T, class Stage>
void run_depthwise_stage(const kernels::DepthwiseConv2DParams& p, const void* packed,
                         const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                         kernels::RowRange rows) {
  const auto* header = static_cast<const DepthwiseHeader*>(packed);
  const auto* sets = reinterpret_cast<const std::byte*>(header + 1);
  DepthwiseJob job{header->stage, header->rows, 0,           x.row_step,
                   x.pixel_step,  y.row_step,   y.pixel_step};
  for (int row = rows.begin; row < rows.end; row += header->rows) {
    const int count = row + header->rows <= rows.end ? header->rows : 1;
    job.last_row = kDepthwiseKernel + count - 2;
    const uint8_t* from = x.pixel(row * p.window.stride_h - p.window.pad_top, -p.window.pad_left);
    if (count == 2) {
      run_depthwise_rows<T, Stage, 2>(p, job, sets, from, y.pixel(row, 0));
    } else {
      run_depthwise_rows<T, Stage, 1>(p, job, sets, from, y.pixel(row, 0));
    }
  }
}

template <class T>
void run_depthwise(const kernels::DepthwiseConv2DParams& p, const void* packed,
                   const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                   kernels::RowRange rows) {
  namespace simd = kernels::simd;
  switch (static_cast<const DepthwiseHeader*>(packed)->stage.kind) {
    case simd::StageKind::kFloat:
      return run_depthwise_stage<T, simd::FloatStage<T>>(p, packed, x, y, rows);
    case simd::StageKind::kShift:
      return run_depthwise_stage<T, simd::ShiftStage<T>>(p, packed, x, y, rows);
    case simd::StageKind::kTwice:
      return run_depthwise_stage<T, simd::TwiceStage<T>>(p, packed, x, y, rows);
  }
}

}  // namespace coppice::sparse
