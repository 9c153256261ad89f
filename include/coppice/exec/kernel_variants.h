#pragma once

#include <string>
#include <vector>

#include "coppice/core/isa.h"

namespace coppice::exec {

/// One entry of a family of kernels.
struct KernelVariant {
  std::string name;
  Isa isa;         ///< What it needs.
  bool available;  ///< Whether this processor can run it.
};

/// All kernels of layers with weights that the executors choose from, family by family, best first.
std::vector<KernelVariant> kernel_variants();

}  // namespace coppice::exec
