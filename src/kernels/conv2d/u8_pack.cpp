#include "kernels/conv2d/u8_pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/conv2d/u8_layout.h"
#include "kernels/simd/stage_pack.h"

namespace coppice::kernels::conv_u8 {
namespace {

// In 32 bits, in parts that cannot leave them: that is vectorized.
template <class Term>
int64_t sum_of(const int8_t* w, int count, const Term& term) {
  constexpr int kPart = 1 << 16;
  int64_t sum = 0;
  for (int begin = 0; begin < count; begin += kPart) {
    const int end = std::min(count, begin + kPart);
    int32_t part = 0;
    for (int i = begin; i < end; ++i) part += term(int32_t{w[i]});
    sum += part;
  }
  return sum;
}

class Packer {
 public:
  Packer(const simd::VectorLayout& layout, const Conv2DParams& p, const Requantize& to,
         const int8_t* w, const int32_t* bias)
      : layout_(layout),
        p_(p),
        stage_(to),
        depth_(p.in_per_group()),
        inner_(p.taps() * depth_),
        outputs_(p.out_per_group()),
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
      for (int first = 0; first < outputs_; first += kBlockVectors * layout_.lanes) {
        block += pack_block(group * outputs_, first, block);
      }
    }
    return true;
  }

 private:
  // Packed weights are unpacked into the high bits of their bytes: sums are so many times as large.
  int scale() const { return 1 << (8 - layout_.weight_bits()); }
  const int8_t* weights_of(int channel) const { return w_ + ptrdiff_t{channel} * inner_; }

  // |sum| over all inputs of 8 bits: |x - zero| is at most 255.
  int64_t largest_sum(int channel) const {
    const int64_t bias = bias_ != nullptr ? std::abs(int64_t{bias_[channel]}) : 0;
    return bias + 255 * sum_of(weights_of(channel), inner_, [](int32_t w) { return std::abs(w); });
  }

  // Inputs are higher than the model's and carry their zero point, those of the taps that are seen.
  int32_t bias_of(int channel, const simd::TapRectangle& seen) const {
    const int row = p_.window.kernel_w * depth_;
    const int8_t* first = weights_of(channel) + seen.rows.first * row + seen.columns.first * depth_;
    const bool whole_rows = seen.columns.taps() == p_.window.kernel_w;  // One run.
    const int runs = whole_rows ? 1 : seen.rows.taps();
    const int run = whole_rows ? seen.rows.taps() * row : seen.columns.taps() * depth_;
    int64_t weights = 0;
    for (int i = 0; i < runs; ++i)
      weights += sum_of(first + ptrdiff_t{i} * row, run, [](int32_t w) { return w; });
    const int64_t bias = bias_ != nullptr ? bias_[channel] : 0;
    return static_cast<int32_t>((bias - weights * (p_.x_zero + layout_.input_offset)) * scale());
  }

  size_t pack_block(int base, int first, std::byte* block) {
    const int lanes = layout_.lanes;
    const int vectors = block_vectors(outputs_, first, lanes);
    const BlockBytes bytes = block_bytes(p_, kinds_, stage_.header().kind, vectors, lanes,
                                         layout_.weight_bytes(), layout_.fields);
    std::memset(block, 0, bytes.total);
    const auto channel_of = [&](int v, int lane) {
      const int place = vectors == kBlockVectors ? simd::quad_place(v, lane) : v * lanes + lane;
      return first + place < outputs_ ? base + first + place : -1;
    };
    simd::for_each_tap_rectangle(p_.window, {0, p_.window.out_h}, kinds_.rows > 0,
                                 kinds_.columns > 0, [&](const simd::TapRectangle& seen) {
                                   std::byte* biases =
                                       block + 4 * kinds_.index(seen) * vectors * lanes;
                                   for (int i = 0; i < vectors * lanes; ++i) {
                                     const int channel = channel_of(i / lanes, i % lanes);
                                     if (channel < 0) continue;
                                     const int32_t bias = bias_of(channel, seen);
                                     std::memcpy(biases + 4 * i, &bias, sizeof(bias));
                                   }
                                 });
    for (int v = 0; v < vectors; ++v) {
      stage_.pack_group(
          lanes, [&](int lane) { return channel_of(v, lane); },
          block + bytes.stage + v * stage_.group_bytes(lanes));
      for (int lane = 0; lane < lanes; ++lane) {
        if (const int channel = channel_of(v, lane); channel >= 0) {
          pack_channel(channel, lane, block + bytes.weights + v * layout_.word_bytes(),
                       vectors * layout_.word_bytes());
        }
      }
    }
    return bytes.total;
  }

  // The weights of a channel are its runs one after the other.
  void pack_channel(int channel, int lane, std::byte* word, int step) {
    const int8_t* from = weights_of(channel);
    const int run_step = runs_.words / layout_.fields * step;
    for (int run = 0; run < p_.window.kernel_h * runs_.count; ++run, word += run_step) {
      simd::put_weights(layout_, word, step, lane, from, runs_.bytes);
      from += runs_.bytes;
    }
  }

  const simd::VectorLayout& layout_;
  const Conv2DParams& p_;
  simd::StagePacker stage_;
  int depth_, inner_;  // Inputs of a tap, of an output.
  int outputs_;        // Of a group.
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
