#include "coppice/sparse/float_permute.h"
#include "coppice/sparse/float_stream.h"
#include "coppice/sparse/float_vectors.h"
#include "sparse/float_kernels.h"

namespace coppice::sparse {
namespace {

using kernels::ClampFloat;
using kernels::Conv2DParams;

#if defined(__x86_64__) || defined(__aarch64__)
[[maybe_unused]] constexpr StreamShape kAvx2Shape{8, 16}, kAvx512Shape{16, 32}, kNeonShape{4, 32};

template <int kRows, const StreamShape& kShape>
constexpr SparseConv2DF32 stream(const char* name, Pattern pattern, Isa isa, RunF32* run) {
  using Stream = FloatStream<kRows>;
  return {name,
          pattern,
          isa,
          [](const Conv2DParams& p, const float* w) { return Stream::accepts(p, kShape, w); },
          [](const Conv2DParams& p, const float* w) { return Stream::bytes(p, kShape, w); },
          [](const Conv2DParams& p, const ClampFloat& to, const float* w, const float* bias,
             void* packed) {
            Stream::pack(p, kShape, to, w, bias, packed);
            return true;
          },
          run,
          [](const Conv2DParams& p, const void* packed) {
            return static_cast<double>(static_cast<const StreamHeader*>(packed)->entries) * kRows /
                   static_cast<double>(p.weights());
          }};
}

constexpr SparseConv2DF32 vectors(const char* name, Isa isa, RunF32* run) {
  return {name,
          Pattern::kVector16x1,
          isa,
          [](const Conv2DParams& p, const float*) { return FloatVectors::accepts(p); },
          FloatVectors::bytes,
          [](const Conv2DParams& p, const ClampFloat& to, const float* w, const float* bias,
             void* packed) {
            FloatVectors::pack(p, to, w, bias, packed);
            return true;
          },
          run,
          [](const Conv2DParams& p, const void* packed) {
            return static_cast<double>(FloatVectors::view(p, packed).head->entries) *
                   FloatVectors::kRows / p.weights();
          }};
}

template <int kLanes>
constexpr SparseConv2DF32 permute(const char* name, Isa isa, RunF32* run) {
  using Permute = FloatPermute<kLanes>;
  return {name,
          Pattern::kUnstructured,
          isa,
          [](const Conv2DParams& p, const float*) { return Permute::accepts(p); },
          Permute::bytes,
          [](const Conv2DParams& p, const ClampFloat& to, const float* w, const float* bias,
             void* packed) {
            Permute::pack(p, to, w, bias, packed);
            return true;
          },
          run,
          [](const Conv2DParams& p, const void* packed) {
            return static_cast<double>(Permute::view(p, packed).head->steps) * kLanes / p.weights();
          }};
}

constexpr SparseConv2DF32 kKernels[] = {
#if defined(__x86_64__)
    permute<16>("permute_f32_avx512", Isa::kAvx512, run_permute_f32_avx512),
    stream<1, kAvx512Shape>("stream_f32_avx512", Pattern::kUnstructured, Isa::kAvx512,
                            run_stream_avx512),
    permute<8>("permute_f32_avx2", Isa::kAvx2, run_permute_f32_avx2),
    stream<1, kAvx2Shape>("stream_f32_avx2", Pattern::kUnstructured, Isa::kAvx2, run_stream_avx2),
    stream<4, kAvx512Shape>("stream_4x1_f32_avx512", Pattern::kVector4x1, Isa::kAvx512,
                            run_stream_4x1_avx512),
    stream<4, kAvx2Shape>("stream_4x1_f32_avx2", Pattern::kVector4x1, Isa::kAvx2,
                          run_stream_4x1_avx2),
    vectors("vectors_16x1_f32_avx512", Isa::kAvx512, run_vectors_avx512),
    vectors("vectors_16x1_f32_avx2", Isa::kAvx2, run_vectors_avx2),
#elif defined(__aarch64__)
    stream<1, kNeonShape>("stream_f32_neon", Pattern::kUnstructured, Isa::kNeon, run_stream_neon),
    stream<4, kNeonShape>("stream_4x1_f32_neon", Pattern::kVector4x1, Isa::kNeon,
                          run_stream_4x1_neon),
    vectors("vectors_16x1_f32_neon", Isa::kNeon, run_vectors_neon),
#endif
};
#endif

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
kernels::KernelList<SparseConv2DF32> sparse_conv2d_f32() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
kernels::KernelList<SparseConv2DF32> sparse_conv2d_f32() { return {}; }
#endif

}  // namespace coppice::sparse
