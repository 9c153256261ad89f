#include "kernels/simd/avx512vnni.h"
#include "sparse/permute_run.h"

namespace coppice::sparse {
namespace {

/// One register holds a window; vpermb takes any 64 of its bytes.
struct Bytes : kernels::simd::Avx512Vnni {
  static constexpr int kPixels =
      6;  // 24 sums, 6 windows, places, weights, what was looked up: one spills.
  static constexpr int kPlaceBytes = 64;
  using Table = Int;

  static COPPICE_INLINE Table load_table(const uint8_t* window) { return load(window); }
  static COPPICE_INLINE Int load_places(const uint8_t* places) { return load(places); }
  static COPPICE_INLINE Int look_up(Table table, Int places) {
    return _mm512_permutexvar_epi8(places, table);
  }
  static COPPICE_INLINE Int reorder(Int bytes, Int order) {
    return _mm512_permutexvar_epi8(order, bytes);
  }
};

/// vpermd takes any 16 of its words of four bytes.
struct Blocks : Bytes {
  static COPPICE_INLINE Int look_up(Table table, Int places) {
    return _mm512_permutexvar_epi32(places, table);
  }
};

struct ByteBlocks : Blocks {
  static constexpr int kPixels = 1;
  static constexpr int kPlaceBytes = 16;

  static COPPICE_INLINE Int load_places(const uint8_t* places) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(places)));
  }
};

}  // namespace

void run_permute_avx512vnni(const kernels::Conv2DParams& p, const void* packed,
                            const kernels::Image<const uint8_t>& x,
                            const kernels::Image<uint8_t>& y, kernels::RowRange rows) {
  run_permute<Bytes>(p, packed, x, y, rows);
}

void run_permute_blocks_avx512vnni(const kernels::Conv2DParams& p, const void* packed,
                                   const kernels::Image<const uint8_t>& x,
                                   const kernels::Image<uint8_t>& y, kernels::RowRange rows) {
  run_permute<Blocks>(p, packed, x, y, rows);
}

void run_compact_blocks_avx512vnni(const kernels::Conv2DParams& p, const void* packed,
                                   const kernels::Image<const uint8_t>& x,
                                   const kernels::Image<uint8_t>& y, kernels::RowRange rows) {
  run_permute<ByteBlocks>(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
