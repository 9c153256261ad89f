#include "train/kernels.h"

namespace coppice::train {

#if defined(__x86_64__)
const Kernels& kernels_for(Isa limit) {
  if (isa_allowed(Isa::kAvx512, limit)) return kernels_avx512();
  if (isa_allowed(Isa::kAvx2, limit)) return kernels_avx2();
  return kernels_baseline();
}
#else
const Kernels& kernels_for(Isa) { return kernels_baseline(); }
#endif

}  // namespace coppice::train
