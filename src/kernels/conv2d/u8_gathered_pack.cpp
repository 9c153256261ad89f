#include "kernels/conv2d/u8_gathered_pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/conv2d/u8_gathered_layout.h"
#include "kernels/simd/stage_pack.h"
#include "kernels/simd/vector_layout.h"

namespace coppice::kernels::conv_u8::gathered {
namespace {

constexpr simd::VectorLayout kLayout = simd::kAvx512VnniLayout;

// Weights [channel][word][4]; zero where a word holds nothing.
std::vector<int8_t> gather_weights(const Conv2DParams& p, const int8_t* w) {
  const Words words = words_of(p);
  const int run = 4 * words.whole + words.rest;
  std::vector<int8_t> gathered(static_cast<size_t>(p.out_channels * 4 * words.count));
  auto at = gathered.begin();
  for (int channel = 0; channel < p.out_channels; ++channel, at += 4 * words.count) {
    const int8_t* from = w + ptrdiff_t{channel} * p.window.kernel_h * run;
    for (int ky = 0; ky < p.window.kernel_h; ++ky, from += run) {
      std::copy_n(from, 4 * words.whole, at + ky * 4 * words.whole);
      const int shared = p.window.kernel_h * words.whole + ky / words.sharing;
      std::copy_n(from + 4 * words.whole, words.rest,
                  at + 4 * shared + ky % words.sharing * words.rest);
    }
  }
  return gathered;
}

Indices indices_of(const Conv2DParams& p) {
  Indices indices{};
  const Words words = words_of(p);
  for (int byte = 0; byte < 64; ++byte) {
    const int lane = byte / 4, k = byte % 4;
    const int unit = lane / kUnitPixels, pixel = lane % kUnitPixels;
    const int first = (is_narrow(p) ? 32 : 64) * unit + pixel * step_of(p);
    indices.whole[byte] = static_cast<uint8_t>(first + k);
    indices.rest[byte] =
        static_cast<uint8_t>(first + 4 * words.whole + k % std::max(words.rest, 1));
  }
  const int channels = p.out_channels;
  for (int byte = 0; byte < kUnitPixels * channels; ++byte) {
    const int pixel = byte / channels, channel = byte % channels;
    for (int unit = 0; unit < 2; ++unit) {
      const int place = simd::quad_place(channel % 4, unit * kUnitPixels + pixel);
      indices.place[unit][byte] = static_cast<uint8_t>(channel / 4 * 64 + place);
    }
  }
  return indices;
}

// |sum| over all inputs of 8 bits: |x - zero| is at most 255.
int64_t largest_sum(const int8_t* w, int count, int64_t bias) {
  int64_t sum = std::abs(bias);
  for (int i = 0; i < count; ++i) sum += 255 * std::abs(int{w[i]});
  return sum;
}

class Packer {
 public:
  Packer(const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias)
      : p_(p),
        inputs_(4 * words_of(p).count),
        weights_(gather_weights(p, w)),
        bias_(bias),
        stage_(to) {}

  bool pack(void* packed) {
    for (int channel = 0; channel < p_.out_channels; ++channel) {
      const int64_t largest = largest_sum(weights_of(channel), inputs_, bias_of(channel));
      if (!stage_.add_channel(channel, largest) || largest > INT32_MAX) return false;
    }
    const Indices indices = indices_of(p_);
    std::memcpy(packed, &indices, sizeof(indices));
    std::byte* at = static_cast<std::byte*>(packed) + sizeof(indices);
    const simd::StageHeader header = stage_.header();
    std::memcpy(at, &header, sizeof(header));
    pack_channels(at + kHeaderBytes);
    return true;
  }

 private:
  const int8_t* weights_of(int channel) const { return &weights_[size_t(channel * inputs_)]; }
  int32_t bias_of(int channel) const { return bias_ != nullptr ? bias_[channel] : 0; }

  void pack_channels(std::byte* at) const {
    constexpr int kLanes = kLayout.lanes;
    const int channels = packed_channels(p_);
    const size_t step = channel_bytes(stage_.header().kind, kLanes);
    std::byte* words = at + static_cast<size_t>(channels) * step;
    std::fill(at, words + ptrdiff_t{1} * channels * inputs_, std::byte{0});
    for (int c = 0; c < channels; ++c, at += step) {
      const int channel = c < p_.out_channels ? c : -1;
      stage_.pack_group(
          kLanes, [=](int) { return channel; }, at + 4 * kLanes);
      if (channel < 0) continue;
      const int8_t* from = weights_of(channel);
      int32_t sum = bias_of(channel);
      for (int i = 0; i < inputs_; ++i) sum -= from[i] * (p_.x_zero + 128);
      for (int lane = 0; lane < kLanes; ++lane) std::memcpy(at + 4 * lane, &sum, sizeof(sum));
      for (int i = 0; i < inputs_; i += 4) std::memcpy(words + i * channels + 4 * c, from + i, 4);
    }
  }

  const Conv2DParams& p_;
  int inputs_;
  std::vector<int8_t> weights_;
  const int32_t* bias_;
  simd::StagePacker stage_;
};

}  // namespace

bool accepts(const Conv2DParams& p) {
  const Window2D& window = p.window;
  if (p.groups != 1 || (window.dilation_w != 1 && window.kernel_w != 1)) return false;
  const Words words = words_of(p);
  if (unit_bytes(p) > kMostBytes || words.count > kMostWords) return false;
  return window.out_w >= kUnitPixels / 2 && p.out_channels <= kMostChannels;
}

size_t packed_bytes(const Conv2DParams& p) {
  const size_t channel = std::max({channel_bytes(simd::StageKind::kFloat, kLayout.lanes),
                                   channel_bytes(simd::StageKind::kShift, kLayout.lanes),
                                   channel_bytes(simd::StageKind::kTwice, kLayout.lanes)}) +
                         4 * static_cast<size_t>(words_of(p).count);
  return sizeof(Indices) + kHeaderBytes + static_cast<size_t>(packed_channels(p)) * channel;
}

bool pack(const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
          void* packed) {
  return Packer(p, to, w, bias).pack(packed);
}

}  // namespace coppice::kernels::conv_u8::gathered
