#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace coppice {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
/// 128 random bits as a pure function of a 64-bit key and a 128-bit counter.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// FNV-1a hash of a name; equal on every machine.
constexpr uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return hash;
}

/// A named stream of random numbers: the same (seed, name, index) gives the same bits on any
/// compiler and any number of threads. Give each purpose its own name ("init", "shuffle", ...)
/// and each sample or step its own index.
class Random {
 public:
  explicit Random(uint64_t seed, std::string_view name = {}, uint64_t index = 0)
      : Random(seed, hash_name(name), index) {}
  Random(uint64_t seed, uint64_t stream, uint64_t index);

  uint32_t bits();                       ///< 32 uniform bits.
  float uniform();                       ///< Uniform in [0, 1), a multiple of 2^-24.
  float uniform(float low, float high);  ///< Uniform in [low, high).
  /// Uniform in {0, ..., n-1} without modulo bias (Lemire's multiply and reject).
  uint32_t below(uint32_t n);
  /// Mean 0, variance 1: the sum of twelve 16-bit uniforms, in integers, so that no library
  /// function can make the bits differ between machines. Tails end at 6 sigma.
  float normal();

 private:
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

/// A permutation of 0..n-1 (Fisher-Yates).
std::vector<int> random_permutation(int n, Random& random);

}  // namespace coppice
