#include "train/direct_convolution.h"

#include <algorithm>

#include "train/memory.h"

namespace coppice::train {
namespace {

// Pixels of a weight gradient's block: with 64 channels their windows and gradients stay in the
// first-level cache while all weights are visited.
constexpr int kBlockPixels = 64;
// Shorter runs of a window fill vectors badly: windows are copied to make one run.
constexpr int kShortRun = 16;

constexpr int64_t kNoRuns[] = {0};

// A plain matrix [pixels, depth] as windows.
PatchGrid matrix_grid(int64_t pixels, int64_t depth) {
  PatchGrid grid;
  grid.out_w = static_cast<int>(pixels);
  grid.pixel_step = depth;
  grid.runs = kNoRuns;
  grid.run_count = 1;
  grid.run = static_cast<int>(depth);
  return grid;
}

}  // namespace

DirectConvolution::DirectConvolution(const ConvolutionShape& shape, const Kernels& kernels)
    : shape_(shape),
      kernels_(kernels),
      layout_(shape),
      weight_row_((shape.out_channels + kWeightAlignment - 1) / kWeightAlignment *
                  kWeightAlignment),
      weight_(static_cast<size_t>(weight_row_ * layout_.depth()), 0.0f) {}

void DirectConvolution::set_weight(const float* weight) {
  const int64_t depth = layout_.depth();
  for (int o = 0; o < shape_.out_channels; ++o, weight += depth) {
    for (int64_t k = 0; k < depth; ++k)
      weight_[static_cast<size_t>(k * weight_row_ + o)] = weight[k];
  }
}

void DirectConvolution::set_turned_weight(const float* weight) {
  // weight[i][tap][o] goes to [last tap - tap][i][o].
  const int outputs = shape_.out_channels, inputs = shape_.in_channels, taps = shape_.taps();
  for (int i = 0; i < inputs; ++i) {
    for (int t = taps - 1; t >= 0; --t, weight += outputs) {
      std::copy_n(weight, outputs, weight_.data() + (int64_t{1} * t * inputs + i) * weight_row_);
    }
  }
}

void DirectConvolution::forward(const float* x, float* y, int count, bool accumulate) const {
  if (shape_.pointwise()) {
    const PatchGrid grid =
        matrix_grid(int64_t{1} * count * shape_.out_h * shape_.out_w, shape_.in_channels);
    kernels_.direct(grid, x, 1, weight_.data(), weight_row_, shape_.out_channels, y, accumulate);
    return;
  }
  for (int i = 0; i < count; ++i, x += shape_.in_elements(), y += shape_.out_elements()) {
    kernels_.direct(layout_.grid(), pad_sample(shape_, x), shape_.out_h, weight_.data(),
                    weight_row_, shape_.out_channels, y, accumulate);
  }
}

void DirectConvolution::weight_gradient(const float* x, const float* dy, float* dweight,
                                        int count) const {
  if (!shape_.pointwise()) {
    for (int i = 0; i < count; ++i, x += shape_.in_elements(), dy += shape_.out_elements()) {
      sample_weight_gradient(pad_sample(shape_, x), dy, dweight);
    }
    return;
  }
  const int64_t pixels = int64_t{1} * count * shape_.out_h * shape_.out_w;
  for (int64_t p = 0; p < pixels; p += kBlockPixels) {
    const PatchGrid grid =
        matrix_grid(std::min<int64_t>(kBlockPixels, pixels - p), shape_.in_channels);
    kernels_.direct_weight(grid, x + p * shape_.in_channels, 1, dy + p * shape_.out_channels,
                           shape_.out_channels, dweight);
  }
}

void DirectConvolution::sample_weight_gradient(const float* padded, const float* dy,
                                               float* dweight) const {
  const PatchGrid& grid = layout_.grid();
  const int block = std::clamp(kBlockPixels / grid.out_w, 1, shape_.out_h);
  for (int begin = 0; begin < shape_.out_h; begin += block) {
    const int rows = std::min(block, shape_.out_h - begin);
    const float* gradient = dy + int64_t{1} * begin * grid.out_w * shape_.out_channels;
    if (grid.run >= kShortRun) {
      kernels_.direct_weight(grid, padded + begin * grid.row_step, rows, gradient,
                             shape_.out_channels, dweight);
      continue;
    }
    const int64_t pixels = int64_t{1} * rows * grid.out_w;
    float* columns = scratch(Scratch::kColumns, static_cast<size_t>(pixels * layout_.depth()));
    kernels_.gather(grid, padded, begin, begin + rows, columns);
    kernels_.direct_weight(matrix_grid(pixels, layout_.depth()), columns, 1, gradient,
                           shape_.out_channels, dweight);
  }
}

}  // namespace coppice::train
