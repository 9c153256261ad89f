#pragma once

#include <cstring>

#include "coppice/sparse/storage.h"
#include "sparse/depthwise_layout.h"

namespace coppice::sparse {

/// Float weights of a depthwise 3x3 convolution without the channels whose kernel is zero. Two
/// vectors of neighbouring channels are a window. Where one vector holds all of its channels that
/// have weights, these are gathered: the window costs one vector of sums instead of two.
struct FloatDepthwise {
  static constexpr int kLanes = 16;
  static constexpr int kWindow = 2 * kLanes;
  static constexpr int kTaps = kDepthwiseKernel * kDepthwiseKernel;

  enum class Kind : int32_t { kPlain, kGathered, kConstant };
  struct alignas(64) Window {
    Kind kind;
    uint8_t pick[kLanes];    ///< Gathered: channel of the window in each lane.
    uint8_t place[kWindow];  ///< Gathered: lane of each channel, or kLanes + i: constant i.
  };
  struct alignas(64) Head {
    kernels::ClampFloat clamp;
    int64_t executed = 0;  ///< Weights multiplied for one output pixel, padding included.
  };
  /// Vectors of a window: constants of both halves, then for each vector of sums its bias and taps.
  static constexpr int vectors(Kind kind) {
    return 2 + (kind == Kind::kConstant ? 0 : kind == Kind::kGathered ? 1 : 2) * (1 + kTaps);
  }

  /// Fewer channels than a window would leave lanes empty that the dense kernel fills with pixels.
  static bool accepts(const kernels::DepthwiseConv2DParams& p) {
    const kernels::Window2D& w = p.window;
    return w.kernel_h == kDepthwiseKernel && w.kernel_w == kDepthwiseKernel && w.dilation_h == 1 &&
           w.dilation_w == 1 && w.stride_w <= 2 && p.multiplier == 1 && p.channels >= kWindow;
  }
  static size_t bytes(const kernels::DepthwiseConv2DParams& p, const float* w) {
    size_t total = sizeof(Head);
    for (int first = 0; first < p.channels; first += kWindow) {
      total += sizeof(Window) + window_bytes(window_of(p, w, first).kind);
    }
    return total;
  }
  static void pack(const kernels::DepthwiseConv2DParams& p, const kernels::ClampFloat& to,
                   const float* w, const float* bias, void* memory) {
    auto* bytes = static_cast<std::byte*>(memory);
    Head head{to};
    auto* at = bytes + sizeof(head);
    const auto bias_of = [&](int c) { return bias != nullptr && c < p.channels ? bias[c] : 0.0f; };
    for (int first = 0; first < p.channels; first += kWindow) {
      const Window window = window_of(p, w, first);
      std::memcpy(at, &window, sizeof(window));
      auto* value = reinterpret_cast<float*>(at + sizeof(window));
      for (int i = 0; i < kWindow; ++i) *value++ = finish(to, 0, bias_of(first + i));
      const int sums = (vectors(window.kind) - 2) / (1 + kTaps);
      for (int v = 0; v < sums; ++v) {
        const auto channel = [&](int lane) {
          return first + (window.kind == Kind::kGathered ? window.pick[lane] : v * kLanes + lane);
        };
        for (int lane = 0; lane < kLanes; ++lane) *value++ = bias_of(channel(lane));
        for (int tap = 0; tap < kTaps; ++tap) {
          for (int lane = 0; lane < kLanes; ++lane) *value++ = weight(p, w, channel(lane), tap);
        }
      }
      head.executed += sums * kTaps * kLanes;
      at += sizeof(window) + window_bytes(window.kind);
    }
    std::memcpy(bytes, &head, sizeof(head));
  }

 private:
  static constexpr size_t window_bytes(Kind kind) {
    return static_cast<size_t>(vectors(kind)) * kLanes * sizeof(float);
  }
  static float weight(const kernels::DepthwiseConv2DParams& p, const float* w, int channel,
                      int tap) {
    return channel < p.channels ? w[tap * p.channels + channel] : 0.0f;
  }
  static Window window_of(const kernels::DepthwiseConv2DParams& p, const float* w, int first) {
    Window window{};
    int kept = 0, upper = 0;
    for (int i = 0; i < kWindow; ++i) {
      bool keep = false;
      for (int tap = 0; tap < kTaps; ++tap) keep |= weight(p, w, first + i, tap) != 0.0f;
      if (keep && kept < kLanes) window.pick[kept] = static_cast<uint8_t>(i);
      window.place[i] = static_cast<uint8_t>(keep ? kept : kLanes + i % kLanes);
      kept += keep;
      upper += keep && i >= kLanes;
    }
    window.kind = kept == 0 ? Kind::kConstant : kept > kLanes ? Kind::kPlain : Kind::kGathered;
    // A last window of one vector has nothing to gather.
    if (upper == 0 && p.channels - first <= kLanes && kept > 0) window.kind = Kind::kPlain;
    return window;
  }
};

}  // namespace coppice::sparse
