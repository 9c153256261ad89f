#pragma once

#include "coppice/sparse/kernel.h"

// One function an instruction set and format, each in a file compiled for it.

namespace coppice::sparse {

using RunF32 = void(const kernels::Conv2DParams& p, const void* packed,
                    const kernels::Image<const float>& x, const kernels::Image<float>& y,
                    kernels::RowRange rows);
RunF32 run_stream_avx2, run_stream_4x1_avx2, run_vectors_avx2, run_permute_f32_avx2;
RunF32 run_stream_neon, run_stream_4x1_neon, run_vectors_neon;
RunF32 run_stream_avx512, run_stream_4x1_avx512, run_vectors_avx512, run_permute_f32_avx512;

}  // namespace coppice::sparse
