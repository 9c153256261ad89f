#pragma once

namespace coppice::kernels {

/// One input of a concatenation along channels: copies x [pixels, channels] to the channels from
/// `first` on of y [pixels, y_channels]. Inputs and output share one quantization (as TFLite's
/// specification demands), so integers are copied as they are.
template <class T>
constexpr void concat_ref(int pixels, int channels, const T* x, int first, int y_channels, T* y) {
  for (int pixel = 0; pixel < pixels; ++pixel) {
    for (int c = 0; c < channels; ++c) y[pixel * y_channels + first + c] = x[pixel * channels + c];
  }
}

}  // namespace coppice::kernels
