#pragma once

#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// How the columns of a filter lie in memory under a window: `count` runs of `length` consecutive
/// bytes.
struct Runs {
  int count = 1;
  int length = 1;
};

/// Most runs that kernels take.
inline constexpr int kMaxRuns = 256;

/// One run a kernel row when its pixels are dense in memory (dilation 1, one group), else one a
/// tap.
constexpr Runs runs_of(const kernels::Conv2DParams& p) {
  if (p.window.dilation_w == 1 && p.groups == 1) {
    return {p.window.kernel_h, p.window.kernel_w * p.in_channels};
  }
  return {p.taps(), p.in_per_group()};
}

/// Registers and instructions that Permute packs for.
struct PermuteShape {
  int unit = 1;        ///< Weights that share a place: 1, or a block of 4 consecutive columns.
  int lanes = 16;      ///< Output channels of a step.
  int window = 64;     ///< Bytes that a step sees.
  int alignment = 32;  ///< Windows begin at multiples of this.
  int ordered = 64;    ///< Output channels that are sorted together; 1: none.
  /// 0, or the largest |w| + |w| of the weights 2 i and 2 i + 1 of a lane (vpmaddubsw saturates
  /// beyond 128).
  int largest_pair = 0;
  /// Bytes of a place. vpermd takes its places as they are in four; widening single bytes on the
  /// way costs a step of five pixels 2 of 9 cycles (Zen 4).
  int place_bytes = 1;
};

/// Consecutive steps of a Permute that look at one window: a kernel loads it once for each pixel.
struct PermuteSegment {
  uint32_t step;   ///< The first of them, counted from the first of all.
  uint16_t start;  ///< First byte of the window in the run.
  uint8_t run;
  uint8_t steps;  ///< At least 1.
};

/// int8 weights as steps of a register permute and a dot product. A step looks at `window`
/// consecutive bytes of a run and gives each of `lanes` output channels four weights and the places
/// of their inputs in the window: vpermb (or vpermd for blocks, or vpshufb), then vpdpbusd.
///
/// The window of a step begins near the first column that any lane still needs; lanes that are
/// further take what they find in it. So a lane with few weights in one place and many in another
/// loses little. Within `ordered` output channels lanes are sorted by their number of weights.
/// If each row has the same number of weights, a multiple of four, in each 64 columns ("balanced"),
/// there is no padding.
template <PermuteShape kShape>
struct Permute {
  using Value = int8_t;
  static constexpr int kUnit = kShape.unit;
  static constexpr int kLanes = kShape.lanes;
  static constexpr int kPlaces = 4 / kUnit;  ///< Places of a lane in a step.
  static constexpr int kPlaceBytes = kLanes * kPlaces * kShape.place_bytes;
  static constexpr int kWeightBytes = kLanes * 4;
  static constexpr int kStepBytes = kPlaceBytes + kWeightBytes;
  static_assert(kUnit == 1 || kUnit == 4);
  static_assert(kMaxRuns <= 256 && kShape.window < 256);  // PermuteSegment.
  static_assert(kShape.ordered == 1 || kShape.ordered % kShape.lanes == 0);

  int rows = 0, taps = 1, depth = 1;
  Runs runs;
  const uint8_t* step = nullptr;            ///< [all steps, kStepBytes] Places, then weights.
  const PermuteSegment* segment = nullptr;  ///< [all segments]
  const uint32_t* end = nullptr;            ///< [groups()] End of the group in `segment`.
  const uint8_t* channel = nullptr;  ///< [groups() * 16] Channel of the lane: see first_of().

  constexpr int groups() const { return (rows + kLanes - 1) / kLanes; }
  /// Channels of the lanes of a group count from here.
  static constexpr int first_of(int group) {
    return kShape.ordered == 1 ? group * kLanes : group * kLanes / kShape.ordered * kShape.ordered;
  }

  static bool accepts(const DenseWeights<int8_t>& w, const Runs& runs) {
    return runs.count * runs.length == w.columns() && runs.length <= kMaxColumns &&
           runs.count <= kMaxRuns;
  }
  static size_t bytes(const DenseWeights<int8_t>& w, const Runs& runs) {
    Carver carver;
    layout(w, runs, carver);
    return carver.used();
  }
  static Permute pack(const DenseWeights<int8_t>& w, const Runs& runs, void* memory) {
    Carver carver(memory);
    Parts at = layout(w, runs, carver);
    const Permute format = at.format;
    --at.segment;  // The first window moves on to the first.
    for_each_group(
        w, runs,
        [&](const Schedule& schedule) {
          for (int lane = 0; lane < kLanes; ++lane) *at.channel++ = schedule.channel(lane);
          *at.end++ = static_cast<uint32_t>(at.segment + 1 - format.segment);
        },
        [&](const Schedule& schedule, int run, int start, bool same_window) {
          if (!same_window) {
            const auto before = static_cast<uint32_t>((at.step - format.step) / kStepBytes);
            *++at.segment = {before, static_cast<uint16_t>(start), static_cast<uint8_t>(run), 0};
          }
          ++at.segment->steps;
          at.end[-1] = static_cast<uint32_t>(at.segment + 1 - format.segment);
          schedule.write(start, at.step);
          at.step += kStepBytes;
        });
    return format;
  }

  /// Of pack().
  static size_t segment_count(const DenseWeights<int8_t>& w, const Runs& runs) {
    size_t count = 0;
    for_each_group(
        w, runs, [](const Schedule&) {},
        [&](const Schedule&, int, int, bool same_window) { count += !same_window; });
    return count;
  }

  /// All steps: what a run over one pixel executes.
  size_t step_count() const {
    size_t count = 0;
    for (uint32_t i = 0; groups() > 0 && i < end[groups() - 1]; ++i) count += segment[i].steps;
    return count;
  }
  /// Weights that a run multiplies with, padding included.
  size_t slots() const { return step_count() * 4 * kLanes; }

  /// Slow: looks through the stream of the row's group.
  template <class Visit>
  void for_each(int row, Visit&& visit) const;

 private:
  struct Parts {
    Permute format;
    uint8_t* step;
    PermuteSegment* segment;
    uint32_t* end;
    uint8_t* channel;
  };
  class Arrangement;
  class Schedule;

  // Calls begin(schedule) for each group, then step(schedule, run, start, whether the step before
  // had this window) for each of its steps.
  template <class Begin, class Step>
  static void for_each_group(const DenseWeights<int8_t>& w, const Runs& runs, const Begin& begin,
                             const Step& step) {
    Arrangement arrangement(w, runs);
    for (int group = 0; group < (w.rows + kLanes - 1) / kLanes; ++group) {
      if (group * kLanes == first_of(group)) arrangement.arrange(group * kLanes);
      Schedule schedule(w, runs, group, arrangement);
      begin(schedule);
      for (int run = 0; run < runs.count; ++run) {
        schedule.begin_run(run);
        int before = -1;
        for (int start = 0; schedule.next_window(&start); before = start) {
          step(schedule, run, start, start == before);
          schedule.advance(start);
        }
      }
    }
  }
  static Parts layout(const DenseWeights<int8_t>& w, const Runs& runs, Carver& carver) {
    size_t steps = 0, windows = 0;
    for_each_group(
        w, runs, [](const Schedule&) {},
        [&](const Schedule&, int, int, bool same_window) {
          ++steps;
          windows += !same_window;
        });
    Permute format{w.rows, w.taps, w.depth, runs};
    const auto groups = static_cast<size_t>(format.groups());
    auto* step = carver.take<uint8_t>(steps * kStepBytes);
    auto* segment = carver.take<PermuteSegment>(windows);
    auto* end = carver.take<uint32_t>(groups);
    auto* channel = carver.take<uint8_t>(groups * kLanes);
    format.step = step, format.segment = segment;
    format.end = end, format.channel = channel;
    return {format, step, segment, end, channel};
  }
};

/// Which of `ordered` channels share a group. Each run takes a group as many steps as its longest
/// lane needs. So channels are sorted by their number of weights, and then exchanged between groups
/// as long as that leaves fewer steps in the runs.
template <PermuteShape kShape>
class Permute<kShape>::Arrangement {
 public:
  Arrangement(const DenseWeights<int8_t>& w, const Runs& runs) : w_(w), runs_(runs) {}

  /// Of the channels from `first` on.
  void arrange(int first) {
    count_ = w_.rows - first < kSorted ? w_.rows - first : kSorted;
    for (int i = 0; i < kSorted; ++i) channel_[i] = static_cast<uint8_t>(i);
    if (kShape.ordered == 1) return;
    const int parts = runs_.count <= kMostParts ? runs_.count : 1;
    for (int i = 0; i < count_; ++i) {
      int total = 0;
      for (int part = 0; part < parts; ++part) {
        const int run = part * runs_.count / parts;
        const int run_end = (part + 1) * runs_.count / parts;
        items_[i][part] = count_items(first + i, run, run_end);
        total += items_[i][part];
      }
      int place = i;  // Insertion sort, longest first.
      for (; place > 0 && total_[channel_[place - 1]] < total; --place) {
        channel_[place] = channel_[place - 1];
      }
      channel_[place] = static_cast<uint8_t>(i);
      total_[i] = total;
    }
    for (int round = 0; parts > 1 && round < kMostRounds && exchange(parts); ++round) {
    }
  }

  int count() const { return count_; }
  /// The channel, counted from the first, at a place; places beyond the channels hold themselves.
  uint8_t channel(int place) const { return channel_[place]; }

 private:
  static constexpr int kSorted = kShape.ordered == 1 ? kLanes : kShape.ordered;
  static constexpr int kMostParts = 16, kMostRounds = 8;

  int count_items(int row, int run, int run_end) const {
    int count = 0;
    for (int column = run * runs_.length; column < run_end * runs_.length; column += kUnit) {
      bool any = false;
      for (int i = column; i < column + kUnit && i < run_end * runs_.length; ++i)
        any |= w_(row, i) != 0;
      count += any;
    }
    return count;
  }
  // A group's steps in one part, then its longest lane: a shorter one may save the step later.
  static int cost(int items) { return (items + kPlaces - 1) / kPlaces * 1024 + items; }
  /// The two longest lanes of a group in each part.
  void measure(int group, int parts) {
    for (int part = 0; part < parts; ++part) {
      int longest = 0, second = 0;
      for (int place = group * kLanes; place < (group + 1) * kLanes && place < count_; ++place) {
        const int items = items_[channel_[place]][part];
        second = items > longest ? longest : items > second ? items : second;
        longest = items > longest ? items : longest;
      }
      longest_[group][part] = longest, second_[group][part] = second;
    }
  }
  /// The cost of a group if `in` takes the place of its channel `out`.
  int group_cost(int group, int out, int in, int parts) const {
    int sum = 0;
    for (int part = 0; part < parts; ++part) {
      const int others =
          items_[out][part] == longest_[group][part] ? second_[group][part] : longest_[group][part];
      sum += cost(items_[in][part] > others ? items_[in][part] : others);
    }
    return sum;
  }
  // Whether any exchange was worth it.
  bool exchange(int parts) {
    bool better = false;
    for (int group = 0; group * kLanes < count_; ++group) measure(group, parts);
    for (int a = 0; a < count_; ++a) {
      for (int b = (a / kLanes + 1) * kLanes; b < count_; ++b) {
        const int x = channel_[a], y = channel_[b], in_a = a / kLanes, in_b = b / kLanes;
        if (group_cost(in_a, x, y, parts) + group_cost(in_b, y, x, parts) >=
            group_cost(in_a, x, x, parts) + group_cost(in_b, y, y, parts)) {
          continue;
        }
        channel_[a] = static_cast<uint8_t>(y), channel_[b] = static_cast<uint8_t>(x);
        measure(in_a, parts), measure(in_b, parts);
        better = true;
      }
    }
    return better;
  }

  DenseWeights<int8_t> w_;
  Runs runs_;
  int count_ = 0;
  uint8_t channel_[kSorted];
  int items_[kSorted][kMostParts];
  int total_[kSorted];
  int longest_[kSorted / kLanes][kMostParts], second_[kSorted / kLanes][kMostParts];
};

/// Hands out the weights of 16 lanes, run by run, in the order of their columns.
template <PermuteShape kShape>
class Permute<kShape>::Schedule {
 public:
  Schedule(const DenseWeights<int8_t>& w, const Runs& runs, int group,
           const Arrangement& arrangement)
      : w_(w), runs_(runs) {
    const int first = first_of(group);
    for (int lane = 0; lane < kLanes; ++lane) {
      const int place = group * kLanes - first + lane;
      channel_[lane] = arrangement.channel(place);
      row_[lane] = place < arrangement.count() ? first + channel_[lane] : -1;
    }
  }

  uint8_t channel(int lane) const { return channel_[lane]; }

  void begin_run(int run) {
    run_ = run;
    for (int lane = 0; lane < kLanes; ++lane) at_[lane] = next_item(lane, 0);
  }

  /// Where the next step's window begins; false if no lane needs one.
  bool next_window(int* start) const {
    int first = runs_.length;
    for (const int at : at_) first = at < first ? at : first;
    // No window reaches further beyond the run than it must.
    const int padded = (runs_.length + kShape.alignment - 1) / kShape.alignment * kShape.alignment;
    const int latest = padded > kShape.window ? padded - kShape.window : 0;
    *start = first / kShape.alignment * kShape.alignment;
    *start = *start < latest ? *start : latest;
    return first < runs_.length;
  }

  /// Writes the step of this window.
  void write(int start, uint8_t* places) const {
    auto* weights = reinterpret_cast<int8_t*>(places + kPlaceBytes);
    for (int lane = 0; lane < kLanes; ++lane) {
      int at = at_[lane];
      for (int place = 0; place < kPlaces; ++place) {
        const bool has = is_due(at, start) && fits_pair(lane, place, at);
        const int slot = lane * kPlaces + place;
        uint8_t* to = places + slot * kShape.place_bytes;
        to[0] = static_cast<uint8_t>(has ? (at - start) / kUnit : 0);
        for (int i = 1; i < kShape.place_bytes; ++i) to[i] = 0;
        for (int i = 0; i < kUnit; ++i) {
          weights[slot * kUnit + i] = has ? weight(row_[lane], run_, at + i) : int8_t{0};
        }
        if (has) at = next_item(lane, at + kUnit);
      }
    }
  }

  /// Moves the lanes behind the step of this window.
  void advance(int start) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int place = 0; place < kPlaces; ++place) {
        if (!is_due(at_[lane], start) || !fits_pair(lane, place, at_[lane])) continue;
        at_[lane] = next_item(lane, at_[lane] + kUnit);
      }
    }
  }

 private:
  int8_t weight(int row, int run, int at) const {
    return at < runs_.length ? w_(row, run * runs_.length + at) : int8_t{0};
  }
  bool is_item(int row, int run, int at) const {
    for (int i = 0; i < kUnit; ++i) {
      if (weight(row, run, at + i) != 0) return true;
    }
    return false;
  }
  bool is_due(int at, int start) const { return at < runs_.length && at < start + kShape.window; }
  // Whether the weight at `at` may take this place, after the weights that were taken before it: a
  // second of a pair follows a first that was taken, the item before it.
  bool fits_pair(int lane, int place, int at) const {
    if (kShape.largest_pair == 0 || place % 2 == 0) return true;
    const int before = weight(row_[lane], run_, previous_item(lane, at));
    const int value = weight(row_[lane], run_, at);
    return (before < 0 ? -before : before) + (value < 0 ? -value : value) <= kShape.largest_pair;
  }
  int previous_item(int lane, int at) const {
    do {
      at -= kUnit;
    } while (!is_item(row_[lane], run_, at));
    return at;
  }
  int next_item(int lane, int at) const {
    if (row_[lane] < 0) return runs_.length;
    while (at < runs_.length && !is_item(row_[lane], run_, at)) at += kUnit;
    return at;
  }

  DenseWeights<int8_t> w_;
  Runs runs_;
  int run_ = 0;
  uint8_t channel_[kLanes];
  int row_[kLanes];
  int at_[kLanes];  // Next item in the run.
};

template <PermuteShape kShape>
template <class Visit>
void Permute<kShape>::for_each(int row, Visit&& visit) const {
  const PermuteSegment* window = segment;
  for (int group = 0; group < groups(); ++group) {
    int lane = 0;
    while (lane < kLanes && first_of(group) + channel[group * kLanes + lane] != row) ++lane;
    for (; window < segment + end[group]; ++window) {
      const int begin = window->run * runs.length + window->start;
      const uint8_t* places = step + size_t{window->step} * kStepBytes;
      for (int k = 0; k < window->steps; ++k, places += kStepBytes) {
        const auto* weights = reinterpret_cast<const int8_t*>(places + kPlaceBytes);
        for (int i = 0; lane < kLanes && i < 4; ++i) {
          const int8_t value = weights[lane * 4 + i];
          const int column =
              begin + places[(lane * kPlaces + i / kUnit) * kShape.place_bytes] * kUnit + i % kUnit;
          if (value != 0) visit(column / depth, column % depth, value);
        }
      }
    }
  }
}

/// Unstructured, balanced and N:M weights, for vpermb.
using PermuteWeights = Permute<PermuteShape{}>;
/// Blocks of 1 x 4, for vpermd.
using PermuteBlocks = Permute<PermuteShape{4, 16, 64, 32, 64, 0, 4}>;
/// The same with places of one byte: where each weight is used once, bytes cost more than widening.
using CompactBlocks = Permute<PermuteShape{4}>;
/// Unstructured weights for vpshufb: windows of 16 bytes, channels in order.
using ShuffleWeights = Permute<PermuteShape{1, 8, 16, 1, 1}>;
/// The same for vpmaddubsw, without saturation.
using ShufflePairs = Permute<PermuteShape{1, 8, 16, 1, 1, 128}>;
/// The same for tbl of NEON.
using TableWeights = Permute<PermuteShape{1, 4, 16, 1, 1}>;

}  // namespace coppice::sparse
