#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/kernels/requantize.h"
#include "kernels/simd/stage.h"

namespace coppice::kernels::simd {

/// The vector form of a requantization, and whether it is exact for sums up to a bound.
class StagePacker {
 public:
  /// `to` is in int8; the stage's output is uint8.
  explicit StagePacker(const Requantize& to);

  StageHeader header() const { return header_; }
  int group_bytes(int lanes) const { return stage_bytes(header_.kind, lanes); }

  /// Takes a channel into account, before any pack_group(). False when a sum of this magnitude
  /// would leave the range of 32 bits on the way.
  bool add_channel(int channel, int64_t largest_sum);

  /// Writes the constants of `lanes` lanes; channel_of(lane) is a channel, or -1 for none.
  template <class ChannelOf>
  void pack_group(int lanes, const ChannelOf& channel_of, std::byte* group) const {
    for (int lane = 0; lane < lanes; ++lane) pack_lane(lanes, lane, channel_of(lane), group);
  }

 private:
  void pack_lane(int lanes, int lane, int channel, std::byte* group) const;

  Requantize to_;
  StageHeader header_;
};

}  // namespace coppice::kernels::simd
