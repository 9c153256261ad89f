// Everything below lives in namespaces of its own, Eigen included: an inline function compiled for
// this instruction set must never be the copy that the linker keeps for another.
#define Eigen CoppiceEigenAvx512
#define COPPICE_TRAIN_ISA avx512
#include "train/generic/table.h"

namespace coppice::train {

const Kernels& kernels_avx512() {
  static const Kernels table = avx512::make_table(Isa::kAvx512);
  return table;
}

}  // namespace coppice::train
