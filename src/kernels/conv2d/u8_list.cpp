#include "kernels/conv2d/u8_gathered_pack.h"
#include "kernels/conv2d/u8_kernels.h"
#include "kernels/conv2d/u8_pack.h"

namespace coppice::kernels {
namespace {

using simd::VectorLayout;

template <VectorLayout kLayout>
constexpr Conv2DKernelU8 kernel(const char* name, Isa isa, conv_u8::Run* run) {
  return {name,
          isa,
          [](const Conv2DParams&) { return true; },
          [](const Conv2DParams& p) { return conv_u8::packed_bytes(kLayout, p); },
          [](const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
             void* packed) { return conv_u8::pack(kLayout, p, to, w, bias, packed); },
          run};
}

#if defined(__x86_64__)
constexpr Conv2DKernelU8 kKernels[] = {
    {"conv2d_u8_gathered_avx512vnni", Isa::kAvx512Vnni, conv_u8::gathered::accepts,
     conv_u8::gathered::packed_bytes, conv_u8::gathered::pack, conv_u8::run_gathered_avx512vnni},
    kernel<simd::kAvx512VnniLayout>("conv2d_u8_avx512vnni", Isa::kAvx512Vnni,
                                    conv_u8::run_avx512vnni),
    kernel<simd::kAvx512Layout>("conv2d_u8_avx512", Isa::kAvx512, conv_u8::run_avx512),
    kernel<simd::kAvxVnniLayout>("conv2d_u8_avxvnni", Isa::kAvxVnni, conv_u8::run_avxvnni),
    kernel<simd::kAvx2Layout>("conv2d_u8_avx2", Isa::kAvx2, conv_u8::run_avx2),
    kernel<simd::kSse41Layout>("conv2d_u8_sse41", Isa::kSse41, conv_u8::run_sse41),
};
constexpr Conv2DKernelU8 kKernelsOf4Bits[] = {
    kernel<VectorLayout{16, simd::WeightForm::kBytes, 2}>(
        "conv2d_u8_4_bits_avx512vnni", Isa::kAvx512Vnni, conv_u8::run_4_bits_avx512vnni),
};
constexpr Conv2DKernelU8 kKernelsOf2Bits[] = {
    kernel<VectorLayout{16, simd::WeightForm::kBytes, 4}>(
        "conv2d_u8_2_bits_avx512vnni", Isa::kAvx512Vnni, conv_u8::run_2_bits_avx512vnni),
};
#elif defined(__aarch64__)
constexpr Conv2DKernelU8 kKernels[] = {
    kernel<simd::kNeonDotLayout>("conv2d_u8_neondot", Isa::kNeonDot, conv_u8::run_neondot),
    kernel<simd::kNeonLayout>("conv2d_u8_neon", Isa::kNeon, conv_u8::run_neon),
};
#endif

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
KernelList<Conv2DKernelU8> conv2d_kernels_u8() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<Conv2DKernelU8> conv2d_kernels_u8() { return {}; }
#endif

#if defined(__x86_64__)
KernelList<Conv2DKernelU8> conv2d_kernels_u8_packed(int bits) {
  if (bits == 4) return {kKernelsOf4Bits, 1};
  if (bits == 2) return {kKernelsOf2Bits, 1};
  return {};
}
#else
KernelList<Conv2DKernelU8> conv2d_kernels_u8_packed(int) { return {}; }
#endif

}  // namespace coppice::kernels
