#include "kernels/simd/f32_avx512.h"
#include "sparse/depthwise_f32_run.h"
#include "sparse/float_kernels.h"
#include "sparse/float_permute_run.h"
#include "sparse/float_stream_run.h"
#include "sparse/float_vectors_run.h"

namespace coppice::sparse {

void run_stream_avx512(const kernels::Conv2DParams& p, const void* packed,
                       const kernels::Image<const float>& x, const kernels::Image<float>& y,
                       kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::Avx512F32, 1>::run(p, packed, x, y, rows);
}
void run_stream_4x1_avx512(const kernels::Conv2DParams& p, const void* packed,
                           const kernels::Image<const float>& x, const kernels::Image<float>& y,
                           kernels::RowRange rows) {
  FloatStreamRun<kernels::simd::Avx512F32, 4>::run(p, packed, x, y, rows);
}
void run_vectors_avx512(const kernels::Conv2DParams& p, const void* packed,
                        const kernels::Image<const float>& x, const kernels::Image<float>& y,
                        kernels::RowRange rows) {
  FloatVectorsRun<kernels::simd::Avx512F32>::run(p, packed, x, y, rows);
}
void run_permute_f32_avx512(const kernels::Conv2DParams& p, const void* packed,
                            const kernels::Image<const float>& x, const kernels::Image<float>& y,
                            kernels::RowRange rows) {
  run_float_permute<kernels::simd::Avx512F32>(p, packed, x, y, rows);
}
void run_depthwise_f32_avx512(const kernels::DepthwiseConv2DParams& p, const void* packed,
                              const kernels::Image<const float>& x, const kernels::Image<float>& y,
                              kernels::RowRange rows) {
  FloatDepthwiseRun<kernels::simd::Avx512F32>::run(p, packed, x, y, rows);
}

}  // namespace coppice::sparse
