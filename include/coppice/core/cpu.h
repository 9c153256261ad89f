#pragma once

#include <span>
#include <string>
#include <string_view>

#include "coppice/core/isa.h"
#include "coppice/core/result.h"

namespace coppice {

/// The name used in COPPICE_FORCE_ISA, tables and logs: "scalar", "avx2", ...
std::string_view isa_name(Isa isa);

/// The instruction set of that name, or an error that lists the names.
Result<Isa> parse_isa(std::string_view name);

/// Whether this processor (and its operating system) can run `isa`.
bool isa_supported(Isa isa);

/// The best instruction set that may be used: the processor's best, or what COPPICE_FORCE_ISA
/// asks for. An unknown or unsupported forced name is an error.
Result<Isa> active_isa();

/// Whether a variant that needs `isa` may run when `limit` is the active one.
bool isa_allowed(Isa isa, Isa limit);

/// All instruction sets that this processor supports, weakest first.
std::string supported_isa_list();

/// The processor's name as the system reports it.
std::string cpu_model_name();

}  // namespace coppice
