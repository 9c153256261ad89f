#include "kernels/image/u8_kernels.h"

namespace coppice::kernels {

KernelList<ImageOpsU8> image_ops_u8() {
  static const ImageOpsU8 all[] = {
#if defined(__x86_64__)
    image_u8::kOpsAvx512,
    image_u8::kOpsAvx2,
    image_u8::kOpsSse41,
#elif defined(__aarch64__)
    image_u8::kOpsNeon,
#endif
    image_u8::kOpsScalar,
  };
  return {all, static_cast<int>(sizeof(all) / sizeof(all[0]))};
}

}  // namespace coppice::kernels
