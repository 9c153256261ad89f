// Everything below lives in namespaces of its own, Eigen included: an inline function compiled for
// this instruction set must never be the copy that the linker keeps for another.
#define Eigen CoppiceEigenBaseline
#define COPPICE_TRAIN_ISA baseline
#include "train/generic/table.h"

namespace coppice::train {

const Kernels& kernels_baseline() {
  static const Kernels table = baseline::make_table(Isa::kScalar);
  return table;
}

}  // namespace coppice::train
