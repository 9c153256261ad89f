#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace coppice::testing {

/// Memory in whole cache lines.
class AlignedBytes {
 public:
  explicit AlignedBytes(size_t bytes, uint8_t fill = 0) : lines_(bytes / 64 + 1) {
    std::memset(data(), fill, lines_.size() * 64);
  }
  uint8_t* data() { return lines_.front().bytes; }

 private:
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  std::vector<Line> lines_;
};

}  // namespace coppice::testing
