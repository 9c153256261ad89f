#include "kernels/conv2d/u8_pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "kernels/conv2d/u8_layout.h"
#include "kernels/simd/stage_pack.h"

namespace coppice::kernels::conv_u8 {
namespace {

class Packer {
 public:
  Packer(const simd::VectorLayout& layout, const Conv2DParams& p, const Requantize& to,
         const int8_t* w, const int32_t* bias)
      : layout_(layout),
        p_(p),
        stage_(to),
        runs_(runs_of(p, layout.fields)),
        kinds_(kinds_of(p, layout.fields)),
        w_(w),
        bias_(bias) {}

  bool pack(void* packed) {
    for (int channel = 0; channel < p_.out_channels; ++channel) {
      const int64_t largest = largest_sum(channel);
      if (!stage_.add_channel(channel, largest) || largest * scale() > INT32_MAX) return false;
    }
    const Header header{stage_.header(), kinds_};
    std::memcpy(packed, &header, sizeof(header));
    auto* block = static_cast<std::byte*>(packed) + kHeaderBytes;
    for (int group = 0; group < p_.groups; ++group) {
      for (int first = 0; first < p_.out_per_group(); first += kBlockVectors * layout_.lanes) {
        block += pack_block(group * p_.out_per_group(), first, block);
      }
    }
    return true;
  }

 private:
  // Packed weights are unpacked into the high bits of their bytes: sums are so many times as large.
  int scale() const { return 1 << (8 - layout_.weight_bits()); }
  int inner() const { return p_.taps() * p_.in_per_group(); }
  const int8_t* weights_of(int channel) const { return w_ + ptrdiff_t{channel} * inner(); }

  // |sum| over all inputs of 8 bits: |x - zero| is at most 255.
  int64_t largest_sum(int channel) const {
    int64_t weights = 0;
    for (int i = 0; i < inner(); ++i) weights += std::abs(int{weights_of(channel)[i]});
    return 255 * weights + (bias_ != nullptr ? std::abs(int64_t{bias_[channel]}) : 0);
  }

  // Inputs are higher than the model's and carry their zero point, those of the taps that are seen.
  int32_t bias_of(int channel, const simd::TapRectangle& seen) const {
    int64_t weights = 0;
    for (int ky = seen.rows.first; ky < seen.rows.last; ++ky) {
      const int8_t* row = weights_of(channel) + ky * p_.window.kernel_w * p_.in_per_group();
      weights = std::accumulate(row + seen.columns.first * p_.in_per_group(),
                                row + seen.columns.last * p_.in_per_group(), weights);
    }
    const int64_t bias = bias_ != nullptr ? bias_[channel] : 0;
    return static_cast<int32_t>((bias - weights * (p_.x_zero + layout_.input_offset)) * scale());
  }

  size_t pack_block(int base, int first, std::byte* block) {
    const int lanes = layout_.lanes;
    const int vectors = block_vectors(p_.out_per_group(), first, lanes);
    const BlockBytes bytes = block_bytes(p_, kinds_, stage_.header().kind, vectors, lanes,
                                         layout_.weight_bytes(), layout_.fields);
    std::memset(block, 0, bytes.total);
    for (int v = 0; v < vectors; ++v) {
      const auto channel_of = [&](int lane) {
        const int place = vectors == kBlockVectors ? simd::quad_place(v, lane) : v * lanes + lane;
        return first + place < p_.out_per_group() ? base + first + place : -1;
      };
      stage_.pack_group(lanes, channel_of, block + bytes.stage + v * stage_.group_bytes(lanes));
      for (int lane = 0; lane < lanes; ++lane) {
        const int channel = channel_of(lane);
        if (channel < 0) continue;
        simd::for_each_tap_rectangle(p_.window, {0, p_.window.out_h}, kinds_.rows > 0,
                                     kinds_.columns > 0, [&](const simd::TapRectangle& seen) {
                                       const int32_t bias = bias_of(channel, seen);
                                       const int place =
                                           (kinds_.index(seen) * vectors + v) * lanes + lane;
                                       std::memcpy(block + 4 * place, &bias, sizeof(bias));
                                     });
        pack_channel(channel, lane, block + bytes.weights + v * layout_.word_bytes(),
                     vectors * layout_.word_bytes());
      }
    }
    return bytes.total;
  }

  // The weights of a channel are its runs one after the other.
  void pack_channel(int channel, int lane, std::byte* word, int step) {
    const int8_t* from = weights_of(channel);
    for (int run = 0; run < p_.window.kernel_h * runs_.count; ++run, from += runs_.bytes) {
      const int at_once = 4 * layout_.fields;
      for (int i = 0; i < runs_.bytes; i += at_once, word += step) {
        simd::put_weights(layout_, word, lane, from + i, std::min(at_once, runs_.bytes - i));
      }
    }
  }

  const simd::VectorLayout& layout_;
  const Conv2DParams& p_;
  simd::StagePacker stage_;
  Runs runs_;
  Kinds kinds_;
  const int8_t* w_;
  const int32_t* bias_;
};

}  // namespace

size_t packed_bytes(const simd::VectorLayout& layout, const Conv2DParams& p) {
  const Kinds kinds = kinds_of(p, layout.fields);
  size_t bytes = 0;
  for (int first = 0; first < p.out_per_group(); first += kBlockVectors * layout.lanes) {
    const int vectors = block_vectors(p.out_per_group(), first, layout.lanes);
    size_t largest = 0;  // The stage is not known yet.
    for (const auto kind :
         {simd::StageKind::kFloat, simd::StageKind::kShift, simd::StageKind::kTwice}) {
      largest = std::max(largest, block_bytes(p, kinds, kind, vectors, layout.lanes,
                                              layout.weight_bytes(), layout.fields)
                                      .total);
    }
    bytes += largest;
  }
  return kHeaderBytes + bytes * static_cast<size_t>(p.groups);
}

bool pack(const simd::VectorLayout& layout, const Conv2DParams& p, const Requantize& to,
          const int8_t* w, const int32_t* bias, void* packed) {
  return Packer(layout, p, to, w, bias).pack(packed);
}

}  // namespace coppice::kernels::conv_u8
