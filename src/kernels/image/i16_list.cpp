#include "kernels/image/i16_kernels.h"

namespace coppice::kernels {

KernelList<ImageOpsI16> image_ops_i16() {
  static const ImageOpsI16 all[] = {
#if defined(__x86_64__)
    image_i16::kOpsAvx512,
    image_i16::kOpsAvx2,
#endif
    image_i16::kOpsScalar,
  };
  return {all, static_cast<int>(sizeof(all) / sizeof(all[0]))};
}

}  // namespace coppice::kernels
