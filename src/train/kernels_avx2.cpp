// Everything below lives in namespaces of its own, Eigen included: an inline function compiled for
// this instruction set must never be the copy that the linker keeps for another.
#define Eigen CoppiceEigenAvx2
#define COPPICE_TRAIN_ISA avx2
#include "train/generic/table.h"

namespace coppice::train {

const Kernels& kernels_avx2() {
  static const Kernels table = avx2::make_table(Isa::kAvx2);
  return table;
}

}  // namespace coppice::train
