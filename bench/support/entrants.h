#pragma once

#include <optional>
#include <vector>

#include "coppice/core/cpu.h"
#include "support/contender.h"

namespace coppice::bench {

/// Every executor of ours ("coppice:" and its name) and every peer that can run here. With `isa`,
/// all are kept to that instruction set; a peer that has no switch for it is left out. What is
/// missing, and why, goes to stderr.
std::vector<Entrant> make_entrants(std::optional<Isa> isa);

}  // namespace coppice::bench
