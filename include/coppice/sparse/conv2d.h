#pragma once

#include <cstddef>
#include <type_traits>

#include "coppice/sparse/storage.h"

// Convolutions over any storage format, in the two loop orders of arXiv 2208.02765. They are plain
// C++ for any processor and equal conv2d_ref bit for bit. Depthwise and fully connected layers run
// as the convolutions that they are (as_conv2d). Arguments are conv2d_ref's.

namespace coppice::sparse {

/// x without its zero point, as an operand of a product.
template <class Accumulator, class Value>
constexpr Accumulator centred(Value x, int32_t zero) {
  if constexpr (std::is_same_v<Value, float>) return x;
  return static_cast<Accumulator>(x) - zero;
}

/// Bytes of workspace for conv2d_output_stationary, aligned to a pointer.
template <class Value>
constexpr size_t output_stationary_workspace(const kernels::Conv2DParams& p) {
  return static_cast<size_t>(p.taps()) * sizeof(const Value*) +
         static_cast<size_t>(p.in_channels) * sizeof(Value);
}

/// Output-stationary order: one sum at a time, over what is stored of its filter. Each output pixel
/// first looks up the pixels under its taps; padding is a pixel that holds the zero point.
template <class Output, StorageFormat Format>
void conv2d_output_stationary(const kernels::Conv2DParams& p, const Output& to,
                              const typename Output::Value* x, const Format& w,
                              const typename Output::Accumulator* bias, void* workspace,
                              typename Output::Value* y) {
  using Value = typename Output::Value;
  using Accumulator = typename Output::Accumulator;
  auto** under = static_cast<const Value**>(workspace);
  auto* padding = reinterpret_cast<Value*>(under + p.taps());
  for (int i = 0; i < p.in_channels; ++i) padding[i] = static_cast<Value>(p.x_zero);
  for (int out = 0; out < p.window.out_h * p.window.out_w; ++out) {
    for (int tap = 0; tap < p.taps(); ++tap) under[tap] = padding;
    kernels::for_each_tap(p.window, out / p.window.out_w, out % p.window.out_w,
                          [&](int tap, int pixel) { under[tap] = x + pixel * p.in_channels; });
    int o = 0;
    for (int group = 0; group < p.groups; ++group) {
      const int first = group * p.in_per_group();
      for (const int end = o + p.out_per_group(); o < end; ++o) {
        Accumulator sum = bias != nullptr ? bias[o] : Accumulator{0};
        w.for_each(o, [&](int tap, int channel, Value value) {
          sum += centred<Accumulator>(under[tap][first + channel], p.x_zero) *
                 static_cast<Accumulator>(value);
        });
        *y++ = finish(to, o, sum);
      }
    }
  }
}

/// The outputs along one axis whose tap lies inside the image.
struct OutputRange {
  int begin, end;
};
/// `tap` is the tap's distance from the window's first pixel.
constexpr OutputRange outputs_inside(int tap, int stride, int pad, int in, int out) {
  // 0 <= o * stride - pad + tap <= in - 1
  const int low = pad - tap, high = in - 1 + pad - tap;
  const int begin = low <= 0 ? 0 : (low + stride - 1) / stride;
  const int end = high < 0 ? 0 : high / stride + 1;
  return {begin, end < out ? end : out};
}

/// Bytes of workspace for conv2d_weight_stationary, aligned to an accumulator.
template <class Accumulator>
constexpr size_t weight_stationary_workspace(const kernels::Conv2DParams& p) {
  return static_cast<size_t>(p.window.out_h * p.window.out_w) * sizeof(Accumulator);
}

/// Weight-stationary ("weight-prioritized") order: each weight is met once and added to all outputs
/// of its channel that it touches, so that one test or one index serves a whole image; the price is
/// a load and a store of a sum for each product.
template <class Output, StorageFormat Format>
void conv2d_weight_stationary(const kernels::Conv2DParams& p, const Output& to,
                              const typename Output::Value* x, const Format& w,
                              const typename Output::Accumulator* bias, void* workspace,
                              typename Output::Value* y) {
  using Value = typename Output::Value;
  using Accumulator = typename Output::Accumulator;
  const kernels::Window2D& window = p.window;
  auto* sum = static_cast<Accumulator*>(workspace);
  const int pixels = window.out_h * window.out_w;
  const int step = window.stride_w * p.in_channels;
  for (int o = 0; o < p.out_channels; ++o) {
    const Value* group = x + o / p.out_per_group() * p.in_per_group();
    for (int i = 0; i < pixels; ++i) sum[i] = bias != nullptr ? bias[o] : Accumulator{0};
    w.for_each(o, [&](int tap, int channel, Value value) {
      const auto weight = static_cast<Accumulator>(value);
      const int ky = tap / window.kernel_w * window.dilation_h;
      const int kx = tap % window.kernel_w * window.dilation_w;
      const OutputRange ys =
          outputs_inside(ky, window.stride_h, window.pad_top, window.in_h, window.out_h);
      const OutputRange xs =
          outputs_inside(kx, window.stride_w, window.pad_left, window.in_w, window.out_w);
      for (int oy = ys.begin; oy < ys.end; ++oy) {
        const int iy = oy * window.stride_h - window.pad_top + ky;
        const int ix = xs.begin * window.stride_w - window.pad_left + kx;
        const Value* from = group + (iy * window.in_w + ix) * p.in_channels + channel;
        Accumulator* row = sum + oy * window.out_w;
        for (int ox = xs.begin; ox < xs.end; ++ox, from += step) {
          row[ox] += centred<Accumulator>(*from, p.x_zero) * weight;
        }
      }
    });
    for (int i = 0; i < pixels; ++i) y[i * p.out_channels + o] = finish(to, o, sum[i]);
  }
}

}  // namespace coppice::sparse
