// Included once by each kernels_<isa>.cpp, which defines COPPICE_TRAIN_ISA and renames Eigen.
#pragma once

#define EIGEN_DONT_PARALLELIZE
#define EIGEN_FAST_MATH 0  // True square roots, not an estimate with a Newton step.
// Packing buffers up to this many bytes live on the stack: no allocation in a training step.
#define EIGEN_STACK_ALLOCATION_LIMIT (1 << 20)

// GCC 12's AVX-512 intrinsics start from undefined vectors on purpose (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include <Eigen/Core>

#include "train/kernels.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

// a * b + c. With -ffp-contract=off the compiler does not fuse by itself, and without the
// instruction the builtin would be a slow library call.
#if defined(__FMA__) || defined(__aarch64__)
inline float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
inline float multiply_add(float a, float b, float c) { return a * b + c; }
#endif

using Packet = Eigen::internal::packet_traits<float>::type;

/// A vector of floats, as wide as the instruction set has it.
struct Wide {
  static constexpr int kWidth = Eigen::internal::packet_traits<float>::size;
  Packet v;

  static Wide load(const float* from) { return {Eigen::internal::ploadu<Packet>(from)}; }
  static Wide all(float value) { return {Eigen::internal::pset1<Packet>(value)}; }
  static Wide zero() { return all(0.0f); }
  void store(float* to) const { Eigen::internal::pstoreu(to, v); }
  Wide plus(Wide a) const { return {Eigen::internal::padd(v, a.v)}; }
  Wide minus(Wide a) const { return {Eigen::internal::psub(v, a.v)}; }
  /// *this + a * b, in one rounding where the instruction set has it.
  Wide plus_product(Wide a, Wide b) const { return {Eigen::internal::pmadd(a.v, b.v, v)}; }
  Wide times(Wide a) const { return {Eigen::internal::pmul(v, a.v)}; }
  Wide smaller(Wide a) const { return {Eigen::internal::pmin(v, a.v)}; }
  Wide larger(Wide a) const { return {Eigen::internal::pmax(v, a.v)}; }
  Wide clamped(Wide low, Wide high) const {
    return {Eigen::internal::pmin(Eigen::internal::pmax(v, low.v), high.v)};
  }
  /// *this where low < z < high, else 0.
  Wide where_inside(Wide z, Wide low, Wide high) const {
    const Packet inside = Eigen::internal::pand(Eigen::internal::pcmp_lt(low.v, z.v),
                                                Eigen::internal::pcmp_lt(z.v, high.v));
    return {Eigen::internal::pand(inside, v)};
  }
};

/// One float behind the same interface, for what is left over after the last whole vector.
struct Single {
  static constexpr int kWidth = 1;
  float v;

  static Single load(const float* from) { return {*from}; }
  static Single all(float value) { return {value}; }
  static Single zero() { return {0.0f}; }
  void store(float* to) const { *to = v; }
  Single plus(Single a) const { return {v + a.v}; }
  Single minus(Single a) const { return {v - a.v}; }
  Single plus_product(Single a, Single b) const { return {multiply_add(a.v, b.v, v)}; }
  Single times(Single a) const { return {v * a.v}; }
  Single smaller(Single a) const { return {v < a.v ? v : a.v}; }
  Single larger(Single a) const { return {v > a.v ? v : a.v}; }
  Single clamped(Single low, Single high) const {
    const float above = v > low.v ? v : low.v;
    return {above < high.v ? above : high.v};
  }
  Single where_inside(Single z, Single low, Single high) const {
    const bool inside = (z.v > low.v) & (z.v < high.v);
    return {inside ? v : 0.0f};
  }
};

/// The nearest integers, halves to even, of values below 2^22: as in kernels/requantize.h.
template <class Vector>
inline Vector rounded(Vector value) {
  const Vector magic = Vector::all(12582912.0f);
  return value.plus(magic).minus(magic);
}

/// Calls body(offset, n) for each period of a periodic vector along `count` floats.
template <class Body>
inline void for_each_period(int period, int64_t count, Body body) {
  int64_t offset = 0;
  for (; offset + period <= count; offset += period) body(offset, period);
  if (offset < count) body(offset, static_cast<int>(count - offset));
}

/// Calls body(vector type, index) for indices below `count`, in whole vectors first.
template <class Index, class Body>
inline void for_each_vector(Index count, Body body) {
  Index i = 0;
  for (; i + Wide::kWidth <= count; i += Wide::kWidth) body(Wide{}, i);
  for (; i < count; ++i) body(Single{}, i);
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
