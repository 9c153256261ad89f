#pragma once

#include "coppice/kernels/image.h"
#include "coppice/kernels/requantize.h"
#include "coppice/sparse/storage.h"

namespace coppice::sparse {

/// Float weights of a fully connected layer (any zeros) as steps of a register permute and a
/// multiply-add. A step looks at a window of kWindow consecutive inputs and gives each of kLanes
/// outputs one of them and its weight. The window begins with the whole vector in which the first
/// input that any lane still needs lies (loads across two cache lines cost more than the slots that
/// this loses: 1.2 times as fast); lanes that are further take what they find in it, else a weight
/// of 0. Outputs are sorted by their number of weights, so that the lanes of a group are about
/// equally long. At 80 % random sparsity of 4000 -> 128 three slots of four hold a weight. 5 bytes
/// a slot, 4 a step.
template <int kLanes>
struct FloatPermute {
  using Value = float;
  static constexpr int kWindow = 2 * kLanes;
  static constexpr int kMostRows = 4096;
  struct alignas(64) Head {
    kernels::ClampFloat clamp;
    uint32_t steps;
  };

  int rows = 0, taps = 1, depth = 1;
  const Head* head = nullptr;
  const float* value = nullptr;     ///< [steps, kLanes]
  const float* bias = nullptr;      ///< [groups, kLanes]
  const uint32_t* end = nullptr;    ///< [groups] End of the group's steps.
  const uint32_t* start = nullptr;  ///< [steps] First input of the window.
  const uint16_t* order = nullptr;  ///< [groups, kLanes] Output of a lane; `rows`: none.
  const uint8_t* place = nullptr;   ///< [steps, kLanes] Input of a lane in the window.

  [[gnu::always_inline]] int groups() const { return (rows + kLanes - 1) / kLanes; }

  static bool accepts(const kernels::Conv2DParams& p) {
    return p.taps() == 1 && p.groups == 1 && p.window.out_h * p.window.out_w == 1 &&
           p.out_channels <= kMostRows && p.in_channels >= kWindow - kSlack;
  }
  static size_t bytes(const kernels::Conv2DParams& p, const float* w) {
    Carver carver;
    layout(p, count_steps(p, w), carver);
    return carver.used();
  }
  static FloatPermute pack(const kernels::Conv2DParams& p, const kernels::ClampFloat& to,
                           const float* w, const float* bias, void* memory) {
    Carver carver(memory);
    const size_t steps = count_steps(p, w);
    const Parts parts = layout(p, steps, carver);
    const Order order(p, w);
    *parts.head = {to, static_cast<uint32_t>(steps)};
    uint32_t step = 0;
    for (int group = 0; group * kLanes < p.out_channels; ++group) {
      Lanes lanes(p, w, order, group);
      for (int lane = 0; lane < kLanes; ++lane) {
        const int row = lanes.row[lane];
        parts.order[group * kLanes + lane] = static_cast<uint16_t>(row);
        parts.bias[group * kLanes + lane] = bias != nullptr && row < p.out_channels ? bias[row] : 0;
      }
      for (; lanes.more(); ++step) {
        parts.start[step] = static_cast<uint32_t>(lanes.first());
        lanes.take(parts.place + size_t{step} * kLanes, parts.value + size_t{step} * kLanes);
      }
      parts.end[group] = step;
    }
    return view(p, memory);
  }

  /// The weights that pack() left in this memory. (Always inlined: kernels of many instruction sets
  /// call it.)
  [[gnu::always_inline]] static FloatPermute view(const kernels::Conv2DParams& p,
                                                  const void* memory) {
    FloatPermute v;
    v.rows = p.out_channels;
    v.depth = p.in_channels;
    v.head = static_cast<const Head*>(memory);
    v.value = reinterpret_cast<const float*>(v.head + 1);
    v.bias = v.value + size_t{v.head->steps} * kLanes;
    v.end = reinterpret_cast<const uint32_t*>(v.bias + v.groups() * kLanes);
    v.start = v.end + v.groups();
    v.order = reinterpret_cast<const uint16_t*>(v.start + v.head->steps);
    v.place = reinterpret_cast<const uint8_t*>(v.order + v.groups() * kLanes);
    return v;
  }

  template <class Visit>
  void for_each(int row, Visit&& visit) const {
    for (int i = 0; i < groups() * kLanes; ++i) {
      if (order[i] != row) continue;
      const int group = i / kLanes;
      const auto lane = static_cast<size_t>(i % kLanes);
      for (uint32_t step = group == 0 ? 0 : end[group - 1]; step < end[group]; ++step) {
        const size_t slot = size_t{step} * kLanes + lane;
        if (value[slot] == 0.0f) continue;
        visit(0, static_cast<int>(start[step]) + place[slot], value[slot]);
      }
    }
  }

 private:
  static constexpr int kSlack = kernels::kImageSlack / static_cast<int>(sizeof(float));

  struct Parts {
    Head* head;
    float* value;
    float* bias;
    uint32_t* end;
    uint32_t* start;
    uint16_t* order;
    uint8_t* place;
  };

  /// Outputs by falling number of weights.
  struct Order {
    uint16_t row[kMostRows];

    Order(const kernels::Conv2DParams& p, const float* w) {
      int count[kMostRows];
      for (int r = 0; r < p.out_channels; ++r, w += p.in_channels) {
        int weights = 0;
        for (int i = 0; i < p.in_channels; ++i) weights += w[i] != 0.0f;
        int at = r;
        for (; at > 0 && count[at - 1] < weights; --at) {
          count[at] = count[at - 1];
          row[at] = row[at - 1];
        }
        count[at] = weights;
        row[at] = static_cast<uint16_t>(r);
      }
    }
  };

  /// The outputs of a group and how far each has come.
  struct Lanes {
    const kernels::Conv2DParams& p;
    const float* w;
    int row[kLanes];
    int next[kLanes];  ///< Next input with a weight; p.in_channels: none.

    Lanes(const kernels::Conv2DParams& of, const float* weights, const Order& order, int group)
        : p(of), w(weights) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const int rank = group * kLanes + lane;
        row[lane] = rank < p.out_channels ? order.row[rank] : p.out_channels;
        next[lane] = row[lane] < p.out_channels ? -1 : p.in_channels;
        advance(lane);
      }
    }
    void advance(int lane) {
      const float* from = w + ptrdiff_t{row[lane]} * p.in_channels;
      while (next[lane] < p.in_channels) {
        if (++next[lane] < p.in_channels && from[next[lane]] != 0.0f) return;
      }
    }
    bool more() const { return first_needed() < p.in_channels; }
    /// Of the next step's window, which must not reach beyond the slack of the input.
    int first() const {
      const int needed = first_needed(), last = p.in_channels + kSlack - kWindow;
      const int aligned = needed / kLanes * kLanes;
      return aligned < last ? aligned : last;
    }
    /// One step; null pointers only count.
    void take(uint8_t* places, float* values) {
      const int begin = first();
      for (int lane = 0; lane < kLanes; ++lane) {
        const bool inside = next[lane] < p.in_channels && next[lane] < begin + kWindow;
        if (places != nullptr) {
          places[lane] = static_cast<uint8_t>(inside ? next[lane] - begin : 0);
          values[lane] = inside ? w[ptrdiff_t{row[lane]} * p.in_channels + next[lane]] : 0.0f;
        }
        if (inside) advance(lane);
      }
    }

   private:
    int first_needed() const {
      int first = p.in_channels;
      for (const int at : next) first = at < first ? at : first;
      return first;
    }
  };

  static size_t count_steps(const kernels::Conv2DParams& p, const float* w) {
    const Order order(p, w);
    size_t steps = 0;
    for (int group = 0; group * kLanes < p.out_channels; ++group) {
      for (Lanes lanes(p, w, order, group); lanes.more(); ++steps) lanes.take(nullptr, nullptr);
    }
    return steps;
  }
  static Parts layout(const kernels::Conv2DParams& p, size_t steps, Carver& carver) {
    const auto groups = static_cast<size_t>((p.out_channels + kLanes - 1) / kLanes);
    Parts parts;
    parts.head = carver.take<Head>(1);
    parts.value = carver.take<float>(steps * kLanes);
    parts.bias = carver.take<float>(groups * kLanes);
    parts.end = carver.take<uint32_t>(groups);
    parts.start = carver.take<uint32_t>(steps);
    parts.order = carver.take<uint16_t>(groups * kLanes);
    parts.place = carver.take<uint8_t>(steps * kLanes);
    return parts;
  }
};

}  // namespace coppice::sparse
