#include "kernels/depthwise_conv2d/u8_pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/depthwise_conv2d/u8_layout.h"
#include "kernels/simd/stage_pack.h"

namespace coppice::kernels::depthwise_u8 {
namespace {

constexpr int kMostLanes = 16;

class Packer {
 public:
  Packer(const simd::VectorLayout& layout, const DepthwiseConv2DParams& p, const Requantize& to,
         const int8_t* w, const int32_t* bias)
      : layout_(layout), p_(p), plan_(plan_of(p, layout.lanes)), stage_(to), w_(w), bias_(bias) {}

  bool pack(void* packed) {
    for (int channel = 0; channel < p_.out_channels(); ++channel) {
      if (!stage_.add_channel(channel, largest_sum(channel))) return false;
    }
    const simd::StageHeader header = stage_.header();
    std::memcpy(packed, &header, sizeof(header));
    const size_t bytes = set_bytes(p_, plan_, header.kind, layout_.lanes, layout_.weight_bytes());
    auto* at = static_cast<std::byte*>(packed) + kHeaderBytes;
    for (int set = 0; set < plan_.sets; ++set) {
      for (int multiple = 0; multiple < p_.multiplier; ++multiple, at += bytes) {
        std::memset(at, 0, bytes);
        pack_set(set, multiple, at);
      }
    }
    return true;
  }

 private:
  int weight(int channel, int tap) const { return w_[tap * p_.out_channels() + channel]; }

  // Sums of weights fit 32 bits up to 2^24 taps.
  int64_t largest_sum(int channel) const {
    int weights = 0;
    for (int tap = 0; tap < p_.taps(); ++tap) weights += std::abs(weight(channel, tap));
    return 255 * int64_t{weights} + (bias_ != nullptr ? std::abs(int64_t{bias_[channel]}) : 0);
  }
  int32_t bias_of(int channel) const {
    int weights = 0;
    for (int tap = 0; tap < p_.taps(); ++tap) weights += weight(channel, tap);
    const int64_t bias = bias_ != nullptr ? bias_[channel] : 0;
    return static_cast<int32_t>(bias - int64_t{weights} * (p_.x_zero + layout_.input_offset));
  }

  // The output channel of a byte of a set, or -1.
  int channel_of(int set, int multiple, int place) const {
    int channel = set * layout_.quad() + place;
    if (plan_.flat || plan_.gathers) channel %= p_.channels;
    return channel < p_.channels ? channel * p_.multiplier + multiple : -1;
  }

  void pack_set(int set, int multiple, std::byte* at) {
    const int lanes = layout_.lanes;
    std::byte* constants = at + 16 * lanes;
    std::byte* words = constants + 4 * stage_.group_bytes(lanes);
    for (int v = 0; v < 4; ++v) {
      int channels[kMostLanes];
      for (int lane = 0; lane < lanes; ++lane)
        channels[lane] = channel_of(set, multiple, simd::quad_place(v, lane));
      stage_.pack_group(
          lanes, [&](int lane) { return channels[lane]; },
          constants + v * stage_.group_bytes(lanes));
      for (int lane = 0; lane < lanes; ++lane) {
        if (channels[lane] < 0) continue;
        const int32_t bias = bias_of(channels[lane]);
        std::memcpy(at + 4 * (v * lanes + lane), &bias, sizeof(bias));
        pack_weights(channels[lane], lane, words + v * layout_.word_bytes());
      }
    }
  }

  void pack_weights(int channel, int lane, std::byte* word) {
    for (int quad = 0; quad < plan_.row_quads; ++quad) {
      for (int kx = 0; kx < p_.window.kernel_w; ++kx) {
        for (int row = 0; row < plan_.rows; ++row, word += 4 * layout_.word_bytes()) {
          for (int k = 0; k < 4; ++k) {
            const int ky = 4 * quad + k - row;
            if (ky < 0 || ky >= p_.window.kernel_h) continue;
            const int tap = ky * p_.window.kernel_w + kx;
            simd::put_weight(layout_, word, lane, k, static_cast<int8_t>(weight(channel, tap)));
          }
        }
      }
    }
  }

  const simd::VectorLayout& layout_;
  const DepthwiseConv2DParams& p_;
  Plan plan_;
  simd::StagePacker stage_;
  const int8_t* w_;
  const int32_t* bias_;
};

}  // namespace

size_t packed_bytes(const simd::VectorLayout& layout, const DepthwiseConv2DParams& p) {
  const Plan plan = plan_of(p, layout.lanes);
  size_t largest = 0;  // The stage is not known yet.
  for (const auto kind :
       {simd::StageKind::kFloat, simd::StageKind::kShift, simd::StageKind::kTwice}) {
    largest = std::max(largest, set_bytes(p, plan, kind, layout.lanes, layout.weight_bytes()));
  }
  return kHeaderBytes + largest * static_cast<size_t>(plan.sets * p.multiplier);
}

bool pack(const simd::VectorLayout& layout, const DepthwiseConv2DParams& p, const Requantize& to,
          const int8_t* w, const int32_t* bias, void* packed) {
  return Packer(layout, p, to, w, bias).pack(packed);
}

}  // namespace coppice::kernels::depthwise_u8
