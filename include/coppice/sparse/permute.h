#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// How the columns of a filter lie in memory under a window: `count` runs of `length` consecutive
/// bytes. A run is cut into chunks of 64 bytes, one register each.
struct Runs {
  int count = 1;
  int length = 1;

  static constexpr int kChunk = 64;
  constexpr int chunks_per_run() const { return (length + kChunk - 1) / kChunk; }
  constexpr int chunks() const { return count * chunks_per_run(); }
};

/// One run a kernel row when its pixels are dense in memory (dilation 1, one group), else one a
/// tap.
constexpr Runs runs_of(const kernels::Conv2DParams& p) {
  if (p.window.dilation_w == 1 && p.groups == 1) {
    return {p.window.kernel_h, p.window.kernel_w * p.in_channels};
  }
  return {p.taps(), p.in_per_group()};
}

/// int8 weights as steps of a register permute and a dot product: a step gives each of 16 output
/// channels (lanes) four weights and the places of their four inputs in two registers of 64 bytes.
///
/// kUnit 1: four single weights, each with an index of its own (vpermb, then vpdpbusd).
/// kUnit 4: one block of four consecutive columns of a run, with one index (vpermd).
///
/// The two registers of segment s hold the chunks s and s + 1, each in the register of its parity:
/// from one segment to the next one register is loaded. A weight of chunk c may be taken in segment
/// c - 1 or c, which evens out rows with many and rows with few weights in one chunk; taking each
/// as late as possible makes the fewest steps. Within 64 output channels lanes are sorted by their
/// number of weights, so that lanes of one group are equally long; the kernel puts them back. What
/// is still uneven is padding: slots with weight 0. If each row has the same number of weights, a
/// multiple of four, in each chunk ("balanced"), there is none.
template <int kUnit>
struct Permute {
  static_assert(kUnit == 1 || kUnit == 4);
  using Value = int8_t;
  static constexpr int kLanes = 16;          ///< Output channels of a step.
  static constexpr int kOrdered = 64;        ///< Output channels that are sorted together.
  static constexpr int kPlaces = 4 / kUnit;  ///< Indices of a lane in a step.
  static constexpr int kIndexBytes = kLanes * kPlaces;
  static constexpr int kStepBytes = kIndexBytes + 4 * kLanes;  ///< Indices, then weights.

  int rows = 0, taps = 1, depth = 1;
  Runs runs;
  const uint8_t* channel = nullptr;  ///< [groups() * 16] Output channel of the lane, modulo 64.
  const uint16_t* steps = nullptr;   ///< [groups(), segments()] Number of steps.
  const uint8_t* stream = nullptr;   ///< [all steps, kStepBytes]

  constexpr int groups() const { return (rows + kLanes - 1) / kLanes; }
  constexpr int segments() const { return runs.chunks() > 1 ? runs.chunks() - 1 : 1; }

  static bool accepts(const DenseWeights<int8_t>& w, const Runs& runs) {
    return runs.count * runs.length == w.columns();
  }
  static size_t bytes(const DenseWeights<int8_t>& w, const Runs& runs) {
    Carver carver;
    layout(w, runs, count_steps(w, runs), carver);
    return carver.used();
  }
  static Permute pack(const DenseWeights<int8_t>& w, const Runs& runs, void* memory) {
    Carver carver(memory);
    auto [format, channel, steps, stream] = layout(w, runs, count_steps(w, runs), carver);
    for (int group = 0; group < format.groups(); ++group) {
      Schedule schedule(w, runs, group);
      for (int lane = 0; lane < kLanes; ++lane) *channel++ = schedule.channel(lane);
      for (int segment = 0; segment < format.segments(); ++segment) {
        *steps = static_cast<uint16_t>(schedule.steps(segment));
        for (int step = 0; step < *steps; ++step, stream += kStepBytes) {
          schedule.emit(segment, stream);
        }
        ++steps;
      }
    }
    return format;
  }

  /// All steps: what a run over one pixel executes.
  size_t step_count() const {
    size_t count = 0;
    for (int i = 0; i < groups() * segments(); ++i) count += steps[i];
    return count;
  }

  /// Weights that a run multiplies with, padding included; without padding (the balanced pattern)
  /// they are as many as count_nonzeros() says.
  size_t slots() const { return step_count() * 4 * kLanes; }

  /// Slow: looks through the stream of the row's group.
  template <class Visit>
  void for_each(int row, Visit&& visit) const;

 private:
  struct Parts {
    Permute format;
    uint8_t* channel;
    uint16_t* steps;
    uint8_t* stream;
  };
  class Schedule;

  static Parts layout(const DenseWeights<int8_t>& w, const Runs& runs, size_t count,
                      Carver& carver) {
    Permute format{w.rows, w.taps, w.depth, runs};
    const auto groups = static_cast<size_t>(format.groups());
    auto* stream = carver.take<uint8_t>(count * kStepBytes);
    auto* steps = carver.take<uint16_t>(groups * static_cast<size_t>(format.segments()));
    auto* channel = carver.take<uint8_t>(groups * kLanes);
    format.channel = channel, format.steps = steps, format.stream = stream;
    return {format, channel, steps, stream};
  }
  static size_t count_steps(const DenseWeights<int8_t>& w, const Runs& runs) {
    const Permute format{w.rows, w.taps, w.depth, runs};
    size_t count = 0;
    for (int group = 0; group < format.groups(); ++group) {
      Schedule schedule(w, runs, group);
      for (int segment = 0; segment < format.segments(); ++segment) {
        const int steps = schedule.steps(segment);
        for (int step = 0; step < steps; ++step) schedule.emit(segment, nullptr);
        count += static_cast<size_t>(steps);
      }
    }
    return count;
  }
};

/// Hands out the weights of 16 lanes in the order of their chunks.
template <int kUnit>
class Permute<kUnit>::Schedule {
 public:
  Schedule(const DenseWeights<int8_t>& w, const Runs& runs, int group) : w_(w), runs_(runs) {
    const int first = group * kLanes / kOrdered * kOrdered;
    const int count = w.rows - first < kOrdered ? w.rows - first : kOrdered;
    int items[kOrdered];
    uint8_t order[kOrdered];
    for (int row = 0; row < count; ++row) {  // Insertion sort, longest first.
      const int mine = count_items(first + row, 0, runs.chunks());
      int place = row;
      for (; place > 0 && items[place - 1] < mine; --place) {
        items[place] = items[place - 1], order[place] = order[place - 1];
      }
      items[place] = mine, order[place] = static_cast<uint8_t>(row);
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      const int place = group * kLanes - first + lane;
      channel_[lane] = place < count ? order[place] : static_cast<uint8_t>(place);
      row_[lane] = place < count ? first + order[place] : -1;
      seek(lane);
    }
  }

  uint8_t channel(int lane) const { return channel_[lane]; }

  /// The steps that bring every lane past chunk `segment` (the last segment: past all chunks).
  int steps(int segment) const {
    const int last = runs_.chunks() - 1;
    const int due = segment + 1 == last ? last : segment;
    int most = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (row_[lane] < 0) continue;
      const int items = count_items(row_[lane], at_[lane].chunk, due + 1, at_[lane].offset);
      most = items > most ? items : most;
    }
    return (most + kPlaces - 1) / kPlaces;
  }

  /// Writes one step, if `out` is not null, and moves on.
  void emit(int segment, uint8_t* out) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int place = 0; place < kPlaces; ++place) {
        const bool has =
            row_[lane] >= 0 && at_[lane].chunk < runs_.chunks() && at_[lane].chunk <= segment + 1;
        if (out != nullptr) write(lane, place, has, out);
        if (!has) continue;
        at_[lane].offset += kUnit;
        seek(lane);
      }
    }
  }

 private:
  struct Cursor {
    int chunk = 0;
    int offset = 0;
  };

  int8_t weight(int row, int chunk, int offset) const {
    const int start = chunk % runs_.chunks_per_run() * Runs::kChunk + offset;
    if (start >= runs_.length) return 0;
    return w_(row, chunk / runs_.chunks_per_run() * runs_.length + start);
  }
  bool is_item(int row, int chunk, int offset) const {
    for (int i = 0; i < kUnit; ++i) {
      if (weight(row, chunk, offset + i) != 0) return true;
    }
    return false;
  }
  int count_items(int row, int begin, int end, int offset = 0) const {
    int count = 0;
    for (int chunk = begin; chunk < end; ++chunk, offset = 0) {
      for (; offset < Runs::kChunk; offset += kUnit) count += is_item(row, chunk, offset);
    }
    return count;
  }
  // To the next item at or after the cursor.
  void seek(int lane) {
    Cursor& at = at_[lane];
    if (row_[lane] < 0) return;
    for (; at.chunk < runs_.chunks(); ++at.chunk, at.offset = 0) {
      for (; at.offset < Runs::kChunk; at.offset += kUnit) {
        if (is_item(row_[lane], at.chunk, at.offset)) return;
      }
    }
  }
  void write(int lane, int place, bool has, uint8_t* out) const {
    const Cursor at = at_[lane];
    const int slot = lane * kPlaces + place;
    out[slot] = has ? static_cast<uint8_t>((at.chunk % 2 * Runs::kChunk + at.offset) / kUnit) : 0;
    for (int i = 0; i < kUnit; ++i) {
      const int8_t value = has ? weight(row_[lane], at.chunk, at.offset + i) : int8_t{0};
      out[kIndexBytes + slot * kUnit + i] = static_cast<uint8_t>(value);
    }
  }

  DenseWeights<int8_t> w_;
  Runs runs_;
  uint8_t channel_[kLanes];
  int row_[kLanes];
  Cursor at_[kLanes];
};

template <int kUnit>
template <class Visit>
void Permute<kUnit>::for_each(int row, Visit&& visit) const {
  const int first = row / kOrdered * kOrdered;
  const uint8_t* step = stream;
  for (int group = 0; group < groups(); ++group) {
    int lane = group * kLanes / kOrdered * kOrdered == first ? 0 : kLanes;
    while (lane < kLanes && first + channel[group * kLanes + lane] != row) ++lane;
    for (int segment = 0; segment < segments(); ++segment) {
      for (int left = steps[group * segments() + segment]; left > 0; --left, step += kStepBytes) {
        if (lane == kLanes) continue;
        for (int i = 0; i < 4; ++i) {
          const auto value = static_cast<int8_t>(step[kIndexBytes + lane * 4 + i]);
          if (value == 0) continue;
          const int place = step[lane * kPlaces + i / kUnit] * kUnit + i % kUnit;
          const int chunk = segment + (place / Runs::kChunk != segment % 2 ? 1 : 0);
          const int start = chunk % runs.chunks_per_run() * Runs::kChunk + place % Runs::kChunk;
          const int column = chunk / runs.chunks_per_run() * runs.length + start;
          visit(column / depth, column % depth, value);
        }
      }
    }
  }
}

using Permute64 = Permute<1>;
using PermuteBlocks = Permute<4>;

}  // namespace coppice::sparse
