#pragma once

#include <optional>
#include <vector>

#include "coppice/core/cpu.h"
#include "support/contender.h"

namespace coppice::bench {

/// Every kernel of our lists that this processor (and `isa`) allows, as a contender for single
/// layers: "coppice:" and the kernel's name. Input and output are images as a plan holds them, the
/// border in place. A layer that is not of the kernel's kind is an error without a message.
std::vector<Entrant> dense_kernel_entrants(std::optional<Isa> isa);
std::vector<Entrant> sparse_kernel_entrants(std::optional<Isa> isa);

}  // namespace coppice::bench
