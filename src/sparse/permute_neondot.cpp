#include "kernels/simd/neondot.h"
#include "sparse/permute_run.h"

namespace coppice::sparse {
namespace {

/// Windows of 16 bytes in a register of their own: tbl takes any of them. Channels are in order.
struct Lookup : kernels::simd::NeonDot {
  using Table = Int;
  static constexpr int kPixels = 5;  // 20 sums, 5 windows, places, weights, what was looked up.
  static constexpr int kPlaceBytes = 16;

  static COPPICE_INLINE Int load_table(const uint8_t* window) { return prepare(load(window)); }
  static COPPICE_INLINE Int load_places(const uint8_t* places) { return load(places); }
  static COPPICE_INLINE Int look_up(Int table, Int places) {
    return as_int(vqtbl1q_u8(bytes(table), bytes(places)));
  }
  static COPPICE_INLINE Int reorder(Int bytes, Int) { return bytes; }
};

}  // namespace

void run_table_neondot(const kernels::Conv2DParams& p, const void* packed,
                       const kernels::Image<const uint8_t>& x, const kernels::Image<uint8_t>& y,
                       kernels::RowRange rows) {
  run_permute<Lookup>(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
