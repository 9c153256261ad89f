#pragma once

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "kernels/simd/stage_pack.h"
#include "kernels/simd/vector_layout.h"
#include "sparse/depthwise_layout.h"

namespace coppice::sparse {

/// Packs an int8 depthwise convolution as depthwise_layout.h describes.
class DepthwisePacker {
 public:
  DepthwisePacker(const kernels::DepthwiseConv2DParams& p, const int8_t* w)
      : p_(p), rows_(depthwise_rows(p)), w_(w) {}

  /// Fewer channels than a set would leave lanes empty that the dense kernel fills with pixels.
  bool accepts() const {
    const kernels::Window2D& w = p_.window;
    return w.kernel_h == kDepthwiseKernel && w.kernel_w == kDepthwiseKernel && w.dilation_h == 1 &&
           w.dilation_w == 1 && p_.multiplier == 1 && p_.channels >= kDepthwiseSet;
  }

  size_t bytes() const {
    size_t total = sizeof(DepthwiseHeader);
    for (int set = 0; set < sets(); ++set) {
      total += static_cast<size_t>(
          depthwise_set_bytes(kLargestStage, rows_, lanes_of(set).header.vectors));
    }
    return total;
  }

  bool pack(const kernels::Requantize& to, const int32_t* bias, void* packed) const {
    kernels::simd::StagePacker stage(to);
    for (int channel = 0; channel < p_.channels; ++channel) {
      if (!stage.add_channel(channel, largest_sum(channel, bias))) return false;
    }
    DepthwiseHeader header{stage.header(), rows_, 0};
    auto* at = static_cast<std::byte*>(packed) + sizeof(header);
    for (int set = 0; set < sets(); ++set) {
      const Lanes lanes = lanes_of(set);
      const int bytes = depthwise_set_bytes(header.stage.kind, rows_, lanes.header.vectors);
      std::memset(at, 0, static_cast<size_t>(bytes));
      pack_set(set, lanes, stage, to, bias, at);
      for (int v = 0; v < lanes.header.vectors; ++v) {
        header.executed +=
            std::popcount(lanes.header.columns[v]) * kDepthwiseKernel * kDepthwiseLanes;
      }
      at += bytes;
    }
    std::memcpy(packed, &header, sizeof(header));
    return true;
  }

 private:
  static constexpr kernels::simd::StageKind kLargestStage = kernels::simd::StageKind::kShift;
  /// The kept channels of a set in the order of their lanes.
  struct Lanes {
    DepthwiseSet header;
    int count = 0;
    uint8_t channel[kDepthwiseSet];
  };

  int sets() const { return (p_.channels + kDepthwiseSet - 1) / kDepthwiseSet; }
  int8_t weight(int channel, int ky, int kx) const {
    return w_[(ky * kDepthwiseKernel + kx) * p_.channels + channel];
  }
  int columns_of(int channel) const {
    int columns = 0;
    for (int ky = 0; ky < kDepthwiseKernel; ++ky) {
      for (int kx = 0; kx < kDepthwiseKernel; ++kx) {
        columns |= (weight(channel, ky, kx) != 0) << kx;
      }
    }
    return columns;
  }

  int64_t largest_sum(int channel, const int32_t* bias) const {
    int64_t sum = bias != nullptr ? std::abs(int64_t{bias[channel]}) : 0;
    for (int tap = 0; tap < p_.taps(); ++tap) {
      sum += 255 * std::abs(int{w_[tap * p_.channels + channel]});
    }
    return sum;
  }
  // Inputs are 128 higher than the model's and carry their zero point.
  int32_t bias_of(int channel, const int32_t* bias) const {
    int64_t sum = bias != nullptr ? bias[channel] : 0;
    for (int tap = 0; tap < p_.taps(); ++tap) {
      sum -= int64_t{w_[tap * p_.channels + channel]} * (p_.x_zero + 128);
    }
    return static_cast<int32_t>(sum);
  }

  Lanes lanes_of(int set) const {
    // Neighbours of this order have most columns in common.
    constexpr uint8_t kPatterns[] = {1, 3, 2, 6, 4, 5, 7};
    Lanes lanes;
    const int first = set * kDepthwiseSet;
    const int count = std::min(kDepthwiseSet, p_.channels - first);
    for (const int pattern : kPatterns) {
      for (int i = 0; i < count; ++i) {
        if (columns_of(first + i) != pattern) continue;
        lanes.header.kept |= uint64_t{1} << i;
        lanes.header.columns[lanes.count / kDepthwiseLanes] |= static_cast<uint8_t>(pattern);
        lanes.channel[lanes.count++] = static_cast<uint8_t>(i);
      }
    }
    lanes.header.vectors = (lanes.count + kDepthwiseLanes - 1) / kDepthwiseLanes;
    return lanes;
  }

  void pack_set(int set, const Lanes& lanes, const kernels::simd::StagePacker& stage,
                const kernels::Requantize& to, const int32_t* bias, std::byte* at) const {
    const int first = set * kDepthwiseSet;
    std::memcpy(at, &lanes.header, sizeof(lanes.header));
    auto* pick = reinterpret_cast<uint8_t*>(at + sizeof(lanes.header));
    uint8_t* order = pick + 2 * kDepthwiseSet;
    uint8_t* constant = order + kDepthwiseSet;
    for (int i = 0; i < kDepthwiseSet && first + i < p_.channels; ++i) {
      const int8_t alone = finish(to, first + i, bias != nullptr ? bias[first + i] : 0);
      constant[i] = static_cast<uint8_t>(alone ^ 0x80);
    }
    for (int i = 0; i < lanes.count; ++i) {
      const int vector = i / kDepthwiseLanes, lane = i % kDepthwiseLanes;
      order[lanes.channel[i]] = static_cast<uint8_t>(kernels::simd::quad_place(vector, lane));
      // Interleaving words by blocks of 128 bits, low and high halves, leaves the lanes in order.
      uint8_t* pair =
          pick + vector / 2 * kDepthwiseSet + lane / 4 * 16 + vector % 2 * 8 + lane % 4 * 2;
      pair[0] = lanes.channel[i];
      pair[1] = static_cast<uint8_t>(lanes.channel[i] + kDepthwiseSet);
    }
    auto* vector = reinterpret_cast<std::byte*>(constant + kDepthwiseSet);
    for (int v = 0; v < lanes.header.vectors; ++v) {
      pack_vector(first, lanes, v, stage, bias, vector);
      vector += depthwise_vector_bytes(stage.header().kind, rows_);
    }
  }

  void pack_vector(int first, const Lanes& lanes, int vector,
                   const kernels::simd::StagePacker& stage, const int32_t* bias,
                   std::byte* at) const {
    const auto channel_of = [&](int lane) {
      const int i = vector * kDepthwiseLanes + lane;
      return i < lanes.count ? first + lanes.channel[i] : -1;
    };
    std::byte* constants = at + 4 * kDepthwiseLanes;
    stage.pack_group(kDepthwiseLanes, channel_of, constants);
    auto* weights = reinterpret_cast<int8_t*>(constants + stage.group_bytes(kDepthwiseLanes));
    for (int lane = 0; lane < kDepthwiseLanes; ++lane) {
      const int channel = channel_of(lane);
      if (channel < 0) continue;
      const int32_t start = bias_of(channel, bias);
      std::memcpy(at + 4 * lane, &start, sizeof(start));
      for (int kx = 0; kx < kDepthwiseKernel; ++kx) {
        for (int row = 0; row < rows_; ++row) {
          for (int ky = 0; ky < kDepthwiseKernel; ++ky) {
            weights[((kx * rows_ + row) * kDepthwiseLanes + lane) * 4 + row + ky] =
                weight(channel, ky, kx);
          }
        }
      }
    }
  }

  const kernels::DepthwiseConv2DParams& p_;
  int rows_;
  const int8_t* w_;
};

}  // namespace coppice::sparse
