#pragma once

#include <cstddef>
#include <cstdint>

#include "coppice/core/cpu.h"

namespace coppice::train {

/// A matrix product on row-major arrays with row strides; which operand is transposed is the
/// function's choice.
struct Product {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t a_stride = 0;
  const float* b = nullptr;
  int64_t b_stride = 0;
  float* c = nullptr;
  int64_t c_stride = 0;
  bool accumulate = false;  ///< c += product instead of c = product.
};

/// The interval an activation clamps to: (-inf, inf), (0, inf) or (0, 6).
struct Clamp {
  float low = 0, high = 0;
};

/// A window moved over one zero-padded sample [H, W, channels] in memory order.
struct WindowGrid {
  int out_h = 0, out_w = 0;
  int64_t row_step = 0;           ///< Floats between the windows of two output rows.
  int64_t pixel_step = 0;         ///< Floats between the windows of two output pixels.
  const int64_t* taps = nullptr;  ///< Offset of each tap from the window's first float.
  int tap_count = 0;
  int channels = 0;
};

/// How to copy windows to rows of a matrix and back: `runs` runs of `run` contiguous floats.
struct PatchGrid {
  int out_w = 0;
  int64_t row_step = 0, pixel_step = 0;
  const int64_t* runs = nullptr;  ///< Offset of each run from the window's first float.
  int run_count = 0;
  int run = 0;
};

/// A pooling window over one sample [in_h, in_w, channels] without padding copies.
struct PoolGrid {
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0, channels = 0;
  int kernel_h = 0, kernel_w = 0, stride_h = 0, stride_w = 0, pad_top = 0, pad_left = 0;
};

/// What a dropout decision is a function of: Philox key and the upper counter words.
struct DropoutStream {
  uint32_t key[2] = {};
  uint32_t counter[3] = {};
  uint32_t threshold = 0;  ///< Elements whose 16 random bits are below it are dropped.
  float scale = 1;         ///< Factor of the kept ones.
};

/// One optimizer step on `count` parameters whose gradients lie in `lanes` arrays.
struct Update {
  int64_t count = 0;
  float* value = nullptr;
  float* first = nullptr;         ///< Momentum (SGD) or first moment (Adam).
  float* second = nullptr;        ///< Second moment (Adam).
  const uint8_t* mask = nullptr;  ///< nullptr: all kept.
  const float* gradient = nullptr;
  int64_t lane_stride = 0;
  int lanes = 0;
  float rate = 0;               ///< Learning rate; for Adam divided by 1 - beta1^t.
  float momentum = 0;           ///< SGD.
  float decay = 0;              ///< Added to the gradient: decay * value.
  float shrink = 1;             ///< Factor of the value before the step (decoupled decay).
  float second_correction = 1;  ///< Adam: 1 / (1 - beta2^t).
};

/// Sums become the integers of an output, held in floats as steps from the zero point.
struct FakeQuantize {
  const float* bias = nullptr;    ///< [period], in sums.
  const float* factor = nullptr;  ///< [period]: steps of the output a sum.
  int period = 0;
  Clamp clamp;             ///< In steps.
  float* lows = nullptr;   ///< [period], or nullptr: smallest and
  float* highs = nullptr;  ///< largest values before the clamp.
};

/// The way back through FakeQuantize.
struct FakeQuantizeGradient {
  int period = 0;
  Clamp clamp;
  float factor = 1;         ///< Of the gradient that passes.
  float* sums = nullptr;    ///< [period] += the gradient of the logarithm of the scale; or nullptr.
  float rounding_gain = 0;  ///< What rounding inside the clamp adds to it (1: LSQ, 0: PACT).
  float highest_step = 0;   ///< What a value above the clamp adds to it.
};

/// The inner loops of training, compiled once for each instruction set. Arrays named `period`
/// wide repeat a per-channel vector (see periodic.h); `count` is a number of floats.
struct Kernels {
  Isa isa = Isa::kScalar;

  // c[m,n] (+)= a * b with a [m,k] and b [n,k] transposed (nt), a [m,k] and b [k,n] (nn),
  // a [k,m] transposed and b [k,n] (tn).
  void (*gemm_nt)(const Product&) = nullptr;
  void (*gemm_nn)(const Product&) = nullptr;
  void (*gemm_tn)(const Product&) = nullptr;

  /// y = clamp(x + bias).
  void (*bias_clamp)(float* y, const float* bias, int period, int64_t count, Clamp clamp) = nullptr;
  /// sums[period] += columns of x.
  void (*column_sums)(const float* x, int period, int64_t count, float* sums) = nullptr;
  /// y = clamp(x).
  void (*clamp_forward)(const float* x, float* y, int64_t count, Clamp clamp) = nullptr;
  /// dx (+)= dy where y is inside the interval.
  void (*clamp_backward)(const float* y, const float* dy, float* dx, int64_t count, Clamp clamp,
                         bool accumulate) = nullptr;
  /// y = clamp(a + b).
  void (*add)(const float* a, const float* b, float* y, int64_t count, Clamp clamp) = nullptr;
  /// y (+)= x.
  void (*copy)(const float* x, float* y, int64_t count, bool accumulate) = nullptr;

  /// sums += x - shift, squares += (x - shift)^2 by column.
  void (*moments)(const float* x, const float* shift, int period, int64_t count, float* sums,
                  float* squares) = nullptr;
  /// y = clamp(x * factor + offset).
  void (*scale_clamp)(const float* x, const float* factor, const float* offset, int period,
                      int64_t count, Clamp clamp, float* y) = nullptr;
  /// With g = dy where x * factor + offset is inside the interval: sums += g, products +=
  /// g * (x - mean).
  void (*norm_sums)(const float* x, const float* dy, const float* factor, const float* offset,
                    const float* mean, int period, int64_t count, Clamp clamp, float* sums,
                    float* products) = nullptr;
  /// dx (+)= g * factor + x * slope + constant.
  void (*norm_backward)(const float* x, const float* dy, const float* factor, const float* offset,
                        const float* slope, const float* constant, int period, int64_t count,
                        Clamp clamp, bool accumulate, float* dx) = nullptr;

  /// y[out_h*out_w, channels] (+)= sum over taps of x[window + tap] * weight[tap].
  void (*depthwise)(const WindowGrid&, const float* x, const float* weight, float* y,
                    bool accumulate) = nullptr;
  /// dweight[tap] += sum over windows of x[window + tap] * dy.
  void (*depthwise_weight)(const WindowGrid&, const float* x, const float* dy,
                           float* dweight) = nullptr;
  /// x[window + tap] += dy * weight[tap].
  void (*depthwise_scatter)(const WindowGrid&, const float* dy, const float* weight,
                            float* x) = nullptr;

  /// Copies the windows of output rows [begin, end) to the rows of `columns`.
  void (*gather)(const PatchGrid&, const float* x, int begin, int end, float* columns) = nullptr;
  /// Adds the rows of `columns` to their windows in x.
  void (*scatter)(const PatchGrid&, const float* columns, int begin, int end, float* x) = nullptr;

  /// y[rows * out_w, outputs] (+)= the windows of `rows` output rows times weight
  /// [run_count * run, weight_row]; the columns of weight beyond `outputs`, up to a multiple of
  /// kWeightAlignment, are zero.
  void (*direct)(const PatchGrid&, const float* x, int rows, const float* weight,
                 int64_t weight_row, int outputs, float* y, bool accumulate) = nullptr;
  /// dweight[outputs, run_count * run] += dy^T times the windows. Reads up to kSlack floats past
  /// the last window.
  void (*direct_weight)(const PatchGrid&, const float* x, int rows, const float* dy, int outputs,
                        float* dweight) = nullptr;

  void (*max_pool)(const PoolGrid&, const float* x, float* y, int32_t* argmax) = nullptr;
  /// dx += dy at the argmax.
  void (*max_pool_backward)(const PoolGrid&, const float* dy, const int32_t* argmax,
                            float* dx) = nullptr;
  void (*avg_pool)(const PoolGrid&, const float* x, float* y) = nullptr;
  void (*avg_pool_backward)(const PoolGrid&, const float* dy, float* dx) = nullptr;

  /// y = x * scale or 0, and which.
  void (*dropout)(const DropoutStream&, const float* x, int64_t count, float* y,
                  uint8_t* kept) = nullptr;
  /// dx (+)= dy * scale where kept.
  void (*dropout_backward)(const float* dy, const uint8_t* kept, int64_t count, float scale,
                           bool accumulate, float* dx) = nullptr;

  /// values = (y + bias) * factor; y = round(clamp(values)), halves to even.
  void (*fake_quantize)(const FakeQuantize&, float* y, int64_t count, float* values) = nullptr;
  /// dy = dy * factor where the values are inside the clamp, else 0 (straight-through estimator).
  void (*fake_quantize_backward)(const FakeQuantizeGradient&, const float* values, float* dy,
                                 int64_t count) = nullptr;
  /// y = a * a_factor + b * b_factor.
  void (*weighted_sum)(const float* a, float a_factor, const float* b, float b_factor, float* y,
                       int64_t count) = nullptr;
  /// y (+)= x * factor.
  void (*scaled_copy)(const float* x, float factor, float* y, int64_t count,
                      bool accumulate) = nullptr;

  void (*sgd)(const Update&) = nullptr;
  void (*adam)(const Update&) = nullptr;
};

/// Two of the widest vectors.
inline constexpr int kWeightAlignment = 32;
/// Floats that a kernel may read (never use) past the end of an array.
inline constexpr int kSlack = 32;

/// Adam's decay rates of the moments and its epsilon (Kingma & Ba, ICLR 2015).
inline constexpr float kAdamBeta1 = 0.9f;
inline constexpr float kAdamBeta2 = 0.999f;
inline constexpr float kAdamEpsilon = 1e-8f;

/// The kernels of the best instruction set not above `limit`.
const Kernels& kernels_for(Isa limit);

// One translation unit each.
const Kernels& kernels_baseline();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();

}  // namespace coppice::train
