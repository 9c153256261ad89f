#include "kernels/simd/f32_avx2.h"
#include "sparse/float_kernels.h"
#include "sparse/float_stream_run.h"

namespace coppice::sparse {

void run_stream_avx2(const kernels::Conv2DParams& p, const void* packed,
                     const kernels::Image<const float>& x, const kernels::Image<float>& y,
                     kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::Avx2F32, 1>::run(p, packed, x, y, rows);
}
void run_stream_4x1_avx2(const kernels::Conv2DParams& p, const void* packed,
                         const kernels::Image<const float>& x, const kernels::Image<float>& y,
                         kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::Avx2F32, 4>::run(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
