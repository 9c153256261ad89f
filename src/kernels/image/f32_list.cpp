#include "kernels/image/f32_ops.h"
#include "kernels/simd/f32_portable.h"

namespace coppice::kernels {

#if defined(__x86_64__)
extern const ImageOpsF32 kImageOpsF32Avx512, kImageOpsF32Avx2;
#elif defined(__aarch64__)
extern const ImageOpsF32 kImageOpsF32Neon;
#endif

KernelList<ImageOpsF32> image_ops_f32() {
  static const ImageOpsF32 all[] = {
#if defined(__x86_64__)
    kImageOpsF32Avx512,
    kImageOpsF32Avx2,
#elif defined(__aarch64__)
    kImageOpsF32Neon,
#endif
    ImageOpsSimdF32<simd::PortableF32>::ops(Isa::kScalar),
  };
  return {all, static_cast<int>(sizeof(all) / sizeof(all[0]))};
}

}  // namespace coppice::kernels
