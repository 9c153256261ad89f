#pragma once

namespace coppice::kernels {

/// How integer kernels turn an accumulator into an int8 (arithmetic in requantize.h). A model names
/// its mode; every executor implements each mode bit-exactly, and nothing mixes them.
enum class Rounding {
  kDouble,  ///< TFLite Micro / CMSIS-NN: doubling high multiply, then rounding shift.
  kSingle,  ///< One rounding of the 64-bit product.
  kFloat,   ///< TFLite on a PC (XNNPACK): multiply in float, round to nearest even once.
};

}  // namespace coppice::kernels
