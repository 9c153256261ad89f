#include "kernels/simd/avx512vnni.h"
#include "sparse/depthwise_run.h"

namespace coppice::sparse {
namespace {

struct Picking : kernels::simd::Avx512Vnni {
  static COPPICE_INLINE Int pick(Int a, Int b, Int index) {
    return _mm512_permutex2var_epi8(a, index, b);
  }
  static COPPICE_INLINE Int place(Int constant, uint64_t kept, Int order, Int bytes) {
    return _mm512_mask_permutexvar_epi8(constant, kept, order, bytes);
  }
};

}  // namespace

void run_depthwise_avx512vnni(const kernels::DepthwiseConv2DParams& p, const void* packed,
                              const kernels::Image<const uint8_t>& x,
                              const kernels::Image<uint8_t>& y, kernels::RowRange rows) {
  run_depthwise<Picking>(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
