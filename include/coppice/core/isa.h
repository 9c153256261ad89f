#pragma once

namespace coppice {

/// Instruction sets that a kernel variant may need, weakest first; each includes those before it
/// of the same architecture.
enum class Isa {
  kScalar,      ///< Plain C++: always there.
  kSse41,       ///< x86 SSE4.1.
  kAvx2,        ///< x86 AVX2 and FMA.
  kAvxVnni,     ///< x86 AVX2 with the VEX-coded VNNI.
  kAvx512,      ///< x86 AVX-512 F, BW, DQ, VL.
  kAvx512Vnni,  ///< x86 AVX-512 with VNNI, VBMI.
  kNeon,        ///< Arm NEON (AArch64).
  kNeonDot,     ///< Arm NEON with the dot product extension.
};

}  // namespace coppice
