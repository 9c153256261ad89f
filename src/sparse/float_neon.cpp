#include "kernels/simd/f32_neon.h"
#include "sparse/float_kernels.h"
#include "sparse/float_stream_run.h"
#include "sparse/float_vectors_run.h"

namespace coppice::sparse {

void run_stream_neon(const kernels::Conv2DParams& p, const void* packed,
                     const kernels::Image<const float>& x, const kernels::Image<float>& y,
                     kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::NeonF32, 1>::run(p, packed, x, y, rows);
}
void run_stream_4x1_neon(const kernels::Conv2DParams& p, const void* packed,
                         const kernels::Image<const float>& x, const kernels::Image<float>& y,
                         kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::NeonF32, 4>::run(p, packed, x, y, rows);
}
void run_vectors_neon(const kernels::Conv2DParams& p, const void* packed,
                      const kernels::Image<const float>& x, const kernels::Image<float>& y,
                      kernels::RowRange rows) {
  FloatVectorsRun<kernels::simd::NeonF32>::run(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
