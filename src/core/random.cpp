#include "coppice/core/random.h"

#include <numeric>
#include <utility>

namespace coppice {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = 0xD2511F53ull * c[0];
    const uint64_t p1 = 0xCD9E8D57ull * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k = {k[0] + 0x9E3779B9u, k[1] + 0xBB67AE85u};
  }
  return c;
}

// The counter is (block number, 32 bits of the stream, index); the other half of the stream's
// name goes into the key with the seed.
Random::Random(uint64_t seed, uint64_t stream, uint64_t index)
    : counter_{0, static_cast<uint32_t>(stream), static_cast<uint32_t>(index),
               static_cast<uint32_t>(index >> 32)},
      key_{static_cast<uint32_t>(seed),
           static_cast<uint32_t>(seed >> 32) ^ static_cast<uint32_t>(stream >> 32)} {}

uint32_t Random::bits() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

float Random::uniform() { return static_cast<float>(bits() >> 8) * 0x1.0p-24f; }

float Random::uniform(float low, float high) { return low + (high - low) * uniform(); }

uint32_t Random::below(uint32_t n) {
  uint64_t product = static_cast<uint64_t>(bits()) * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = (0u - n) % n;
    while (static_cast<uint32_t>(product) < threshold) product = static_cast<uint64_t>(bits()) * n;
  }
  return static_cast<uint32_t>(product >> 32);
}

float Random::normal() {
  int32_t sum = 0;
  for (int i = 0; i < 6; ++i) {
    const uint32_t word = bits();
    sum += static_cast<int32_t>(word & 0xFFFF) + static_cast<int32_t>(word >> 16);
  }
  // Twelve uniforms on {0..65535}: mean 12 * 32767.5, variance 12 * (65536^2 - 1) / 12.
  return static_cast<float>(sum - 393210) * 0x1.0p-16f;
}

std::vector<int> random_permutation(int n, Random& random) {
  std::vector<int> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int i = n - 1; i > 0; --i) {
    const auto j = random.below(static_cast<uint32_t>(i) + 1);
    std::swap(order[static_cast<size_t>(i)], order[j]);
  }
  return order;
}

}  // namespace coppice
