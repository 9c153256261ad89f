#include "kernels/conv2d/u8_kernels.h"
#include "kernels/conv2d/u8_pack.h"

namespace coppice::kernels {
namespace {

template <int kLanes, int kWeightBytes>
constexpr Conv2DKernelU8 kernel(const char* name, Isa isa, conv_u8::Run* run) {
  return {name,
          isa,
          [](const Conv2DParams&) { return true; },
          [](const Conv2DParams& p) {
            return conv_u8::packed_bytes({kLanes, kWeightBytes}, p);
          },
          [](const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
             void* packed) {
            return conv_u8::pack({kLanes, kWeightBytes}, p, to, w, bias, packed);
          },
          run};
}

#if defined(__x86_64__)
constexpr Conv2DKernelU8 kKernels[] = {
    kernel<16, 1>("conv2d_u8_avx512vnni", Isa::kAvx512Vnni, conv_u8::run_avx512vnni),
    kernel<16, 2>("conv2d_u8_avx512", Isa::kAvx512, conv_u8::run_avx512),
};
#endif

}  // namespace

#if defined(__x86_64__)
KernelList<Conv2DKernelU8> conv2d_kernels_u8() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<Conv2DKernelU8> conv2d_kernels_u8() { return {}; }
#endif

}  // namespace coppice::kernels
