#pragma once

#include <algorithm>
#include <cstring>

#include "coppice/sparse/permute.h"
#include "kernels/simd/stage_pack.h"
#include "kernels/simd/vector_layout.h"
#include "sparse/permute_layout.h"

namespace coppice::sparse {

/// Packs a convolution as permute_layout.h describes; Format is a Permute.
template <class Format>
class PermutePacker {
 public:
  /// `input_offset`: how much higher than the model's the inputs of the products are.
  PermutePacker(const kernels::Conv2DParams& p, const int8_t* w, int input_offset)
      : p_(p),
        runs_(runs_of(p)),
        w_(w),
        input_offset_(input_offset),
        split_rows_(p.window.out_w >= kFewestPixels &&
                    kernels::simd::is_padded(WindowAxis::rows(p.window))),
        spans_(split_rows_ ? kernels::simd::tap_spans(WindowAxis::rows(p.window)) : 1) {}

  bool accepts() const {
    return runs_.length >= 4 && p_.out_per_group() >= 4 && Format::accepts(weights_of(0), runs_);
  }

  size_t bytes() const {
    size_t total = kPermuteHeaderBytes;
    for (int group = 0; group < p_.groups; ++group) {
      Carver carver;
      carve(group, kLargestStage, carver);
      total += rounded(carver.used());
    }
    return total;
  }

  bool pack(const kernels::Requantize& to, const int32_t* bias, void* packed) const {
    kernels::simd::StagePacker stage(to);
    for (int channel = 0; channel < p_.out_channels; ++channel) {
      if (!stage.add_channel(channel, largest_sum(channel, bias))) return false;
    }
    auto* bytes = static_cast<std::byte*>(packed);
    PermuteHeader header{stage.header(), runs_in_row(), split_rows_, 0};
    std::byte* part = bytes + kPermuteHeaderBytes;
    for (int group = 0; group < p_.groups; ++group) {
      part += pack_part(group, stage, bias, part, &header.executed);
    }
    std::memcpy(packed, &header, sizeof(header));
    return true;
  }

 private:
  using TapRectangle = kernels::simd::TapRectangle;
  using WindowAxis = kernels::simd::WindowAxis;
  // Of a row that is split off: tiles of less are slower than what they save.
  static constexpr int kFewestPixels = 3;
  static constexpr int kLanes = Format::kLanes;
  static constexpr int kBlock = kBlockVectors * kLanes;
  static constexpr kernels::simd::StageKind kLargestStage = kernels::simd::StageKind::kShift;

  static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }
  int inner() const { return p_.taps() * p_.in_per_group(); }
  int runs_in_row() const { return runs_.count / p_.window.kernel_h; }
  int vectors() const { return (p_.out_per_group() + kLanes - 1) / kLanes; }
  int blocks() const { return (p_.out_per_group() + kBlock - 1) / kBlock; }

  DenseWeights<int8_t> weights_of(int group) const {
    auto all = dense_weights(p_, w_);
    all.data += group * p_.out_per_group() * all.row_step;
    all.rows = p_.out_per_group();
    return all;
  }

  // |sum| over all inputs of 8 bits: |x - zero| is at most 255.
  int64_t largest_sum(int channel, const int32_t* bias) const {
    int64_t sum = bias != nullptr ? std::abs(int64_t{bias[channel]}) : 0;
    for (int i = 0; i < inner(); ++i) sum += 255 * std::abs(int{w_[channel * inner() + i]});
    return sum;
  }

  struct Arrays {
    std::byte *weights, *stage;
    int32_t* bias;
    uint8_t* order;
    PermuteSegment* segment = nullptr;  // Of spans; all rows as one take the format's own.
    uint32_t* end = nullptr;
  };
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  Arrays carve(int group, kernels::simd::StageKind kind, Carver& carver) const {
    const auto lines = [&](size_t bytes) {
      auto* first = carver.take<Line>((bytes + 63) / 64);
      return first == nullptr ? nullptr : first->bytes;
    };
    const auto count = static_cast<size_t>(vectors());
    const auto spans = static_cast<size_t>(spans_);
    lines(sizeof(PermutePart));
    Arrays arrays;
    arrays.weights = lines(Format::bytes(weights_of(group), runs_));
    arrays.bias = reinterpret_cast<int32_t*>(lines(spans * count * kLanes * sizeof(int32_t)));
    arrays.stage = lines(count * static_cast<size_t>(kernels::simd::stage_bytes(kind, kLanes)));
    // A kernel loads a whole register of places.
    arrays.order = reinterpret_cast<uint8_t*>(lines(static_cast<size_t>(blocks() * kBlock) + 64));
    if (split_rows_) {
      const size_t segments = Format::segment_count(weights_of(group), runs_);
      arrays.segment = carver.take<PermuteSegment>(spans * segments);
      arrays.end = carver.take<uint32_t>(spans * count);
    }
    return arrays;
  }

  /// The channel of a lane, or -1; `first` is the first of the group.
  int channel_at(const Format& format, int first, int vector, int lane) const {
    const int channel = Format::first_of(vector) + format.channel[vector * kLanes + lane];
    return channel < p_.out_per_group() ? first + channel : -1;
  }

  /// Lists the segments that a span sees, unless `list` is at null, and adds their weights to the
  /// sums of the lanes.
  void list_seen(const TapRectangle& span, const Format& format, int vector, PermuteSegment** list,
                 int64_t* sums) const {
    for (uint32_t i = vector == 0 ? 0 : format.end[vector - 1]; i < format.end[vector]; ++i) {
      const PermuteSegment& segment = format.segment[i];
      const int row = segment.run / runs_in_row();
      if (row < span.rows.first || row >= span.rows.last) continue;
      if (*list != nullptr) *(*list)++ = segment;
      const uint8_t* step = format.step + size_t{segment.step} * Format::kStepBytes;
      for (const uint8_t* end = step + segment.steps * Format::kStepBytes; step != end;
           step += Format::kStepBytes) {
        for (int w = 0; w < Format::kWeightBytes; ++w) {
          sums[w / 4] += static_cast<int8_t>(step[Format::kPlaceBytes + w]);
        }
      }
    }
  }

  size_t pack_part(int group, const kernels::simd::StagePacker& stage, const int32_t* bias,
                   std::byte* part, int64_t* executed) const {
    Carver carver(part);
    const Arrays arrays = carve(group, stage.header().kind, carver);
    const Format format = Format::pack(weights_of(group), runs_, arrays.weights);
    *executed += static_cast<int64_t>(format.slots());
    const int first = group * p_.out_per_group();
    std::memset(arrays.order, 0, static_cast<size_t>(blocks() * kBlock) + 64);
    for (int v = 0; v < vectors(); ++v) {
      const auto channel_of = [&](int lane) { return channel_at(format, first, v, lane); };
      stage.pack_group(kLanes, channel_of, arrays.stage + v * stage.group_bytes(kLanes));
      for (int lane = 0; lane < kLanes; ++lane) {
        if (channel_of(lane) < 0) continue;
        arrays.order[channel_of(lane) - first] =
            static_cast<uint8_t>(kernels::simd::quad_place(v % kBlockVectors, lane));
      }
    }
    PermuteSegment* segment = arrays.segment;
    kernels::simd::for_each_tap_rectangle(
        p_.window, {0, p_.window.out_h}, split_rows_, false, [&](const TapRectangle& span) {
          for (int v = 0; v < vectors(); ++v) {
            const int list = span.row_kind * vectors() + v;
            int64_t sums[kLanes] = {};
            list_seen(span, format, v, &segment, sums);
            if (segment != nullptr) {
              arrays.end[list] = static_cast<uint32_t>(segment - arrays.segment);
            }
            for (int lane = 0; lane < kLanes; ++lane) {
              const int channel = channel_at(format, first, v, lane);
              const int64_t start = bias == nullptr || channel < 0 ? 0 : bias[channel];
              // Inputs are higher than the model's and carry their zero point.
              arrays.bias[list * kLanes + lane] =
                  static_cast<int32_t>(start - sums[lane] * (p_.x_zero + input_offset_));
            }
          }
        });
    const auto offset = [&](const void* at) {
      return static_cast<uint32_t>(static_cast<const std::byte*>(at) - part);
    };
    const PermutePart at{rounded(carver.used()),
                         vectors(),
                         offset(arrays.bias),
                         offset(arrays.stage),
                         offset(arrays.order),
                         offset(format.step),
                         offset(split_rows_ ? arrays.segment : format.segment),
                         offset(split_rows_ ? arrays.end : format.end)};
    std::memcpy(part, &at, sizeof(at));
    return at.bytes;
  }

  const kernels::Conv2DParams& p_;
  Runs runs_;
  const int8_t* w_;
  int input_offset_;
  bool split_rows_;
  int spans_;
};

}  // namespace coppice::sparse
