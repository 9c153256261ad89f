#pragma once

#include <array>
#include <bit>
#include <span>

#include "coppice/audio/maths.h"

namespace coppice::audio {

/// Discrete Fourier transform of N real floats, N a power of two, N >= 8:
/// X[k] = sum_n x[n] exp(-2 pi i n k / N) for k = 0 .. N/2.
///
/// A complex transform of N/2 points (Stockham, radix 4 with one radix-2 pass where needed: no bit
/// reversal, unit-stride inner loops) and a pass that separates even from odd samples. Twiddle
/// factors are constants of the program: 6 N bytes or less, in flash on a chip. No X[k] is off by
/// more than 4 log2(N) epsilon ||X||_2 (Higham, "Accuracy and Stability of Numerical
/// Algorithms", 24.1).
template <int N>
class RealFft {
  static_assert(N >= 8 && std::has_single_bit(static_cast<unsigned>(N)),
                "N must be a power of two");

 public:
  static constexpr int kSize = N;
  static constexpr int kBins = N / 2 + 1;

  /// 8 N bytes of scratch, the caller's. forward() returns a part of it.
  struct Workspace {
    std::array<std::array<float, kBins>, 2> real;
    std::array<std::array<float, kBins>, 2> imaginary;
  };
  struct Spectrum {
    std::span<const float, kBins> real;
    std::span<const float, kBins> imaginary;
  };

  /// The spectrum of `input`, valid until the workspace is used again.
  static Spectrum forward(std::span<const float, N> input, Workspace& workspace) {
    Buffer from{workspace.real[0].data(), workspace.imaginary[0].data()};
    Buffer to{workspace.real[1].data(), workspace.imaginary[1].data()};
    for (int i = 0; i < kHalf; ++i) {
      from.real[i] = input[static_cast<size_t>(2 * i)];
      from.imaginary[i] = input[static_cast<size_t>(2 * i + 1)];
    }
    const float* twiddle = kTables.stages.data();
    int size = kHalf;
    int stride = 1;
    for (; size > 4; size /= 4, stride *= 4) {
      pass(from, to, size, stride, twiddle);
      twiddle += 6 * (size / 4);
      swap(from, to);
    }
    if (size == 4) {
      last_pass_radix4(from, to);
    } else {
      last_pass_radix2(from, to);
    }
    swap(from, to);
    separate(from, to);
    return {std::span<const float, kBins>(to.real, kBins),
            std::span<const float, kBins>(to.imaginary, kBins)};
  }

 private:
  static constexpr int kHalf = N / 2;
  static constexpr int kQuarter = N / 4;

  struct Buffer {
    float* real;
    float* imaginary;
  };
  static void swap(Buffer& a, Buffer& b) {
    const Buffer keep = a;
    a = b;
    b = keep;
  }

  static constexpr int stage_floats() {
    int count = 0;
    for (int size = kHalf; size > 4; size /= 4) count += 6 * (size / 4);
    return count;
  }
  // stages: for each radix-4 pass over `size` points the real and imaginary parts of w, w^2, w^3
  // with w = exp(-2 pi i p / size), each a run over p. split: exp(-2 pi i k / N), k <= N/4.
  struct Tables {
    std::array<float, static_cast<size_t>(stage_floats() == 0 ? 1 : stage_floats())> stages;
    std::array<float, kQuarter + 1> split_real;
    std::array<float, kQuarter + 1> split_imaginary;
  };
  static constexpr Tables make_tables() {
    Tables tables{};
    size_t at = 0;
    for (int size = kHalf; size > 4; size /= 4) {
      for (int power = 1; power <= 3; ++power) {
        for (int p = 0; p < size / 4; ++p) {
          tables.stages[at++] = static_cast<float>(cos_turn(power * p, size));
        }
        for (int p = 0; p < size / 4; ++p) {
          tables.stages[at++] = static_cast<float>(-sin_turn(power * p, size));
        }
      }
    }
    for (int k = 0; k <= kQuarter; ++k) {
      tables.split_real[static_cast<size_t>(k)] = static_cast<float>(cos_turn(k, N));
      tables.split_imaginary[static_cast<size_t>(k)] = static_cast<float>(-sin_turn(k, N));
    }
    return tables;
  }
  static constexpr Tables kTables = make_tables();

  // One radix-4 pass of decimation in frequency over `size` points that lie `stride` apart. The
  // first pass (stride 1) runs along p, the others along q: either way unit stride.
  static void pass(Buffer from, Buffer to, int size, int stride, const float* twiddle) {
    const int quarter = size / 4;
    const int step = quarter * stride;
    if (stride == 1) {
      for (int p = 0; p < quarter; ++p) {
        butterfly(from, to, p, step, 4 * p, 1, twiddle + p, quarter);
      }
      return;
    }
    for (int p = 0; p < quarter; ++p) {
      for (int q = 0; q < stride; ++q) {
        butterfly(from, to, p * stride + q, step, 4 * p * stride + q, stride, twiddle + p, quarter);
      }
    }
  }

  static void butterfly(Buffer from, Buffer to, int source, int source_step, int target,
                        int target_step, const float* twiddle, int run) {
    const float* re = from.real + source;
    const float* im = from.imaginary + source;
    const float sum_re = re[0] + re[2 * source_step], sum_im = im[0] + im[2 * source_step];
    const float diff_re = re[0] - re[2 * source_step], diff_im = im[0] - im[2 * source_step];
    const float odd_sum_re = re[source_step] + re[3 * source_step];
    const float odd_sum_im = im[source_step] + im[3 * source_step];
    const float odd_diff_re = re[source_step] - re[3 * source_step];
    const float odd_diff_im = im[source_step] - im[3 * source_step];
    float* out_re = to.real + target;
    float* out_im = to.imaginary + target;
    out_re[0] = sum_re + odd_sum_re;
    out_im[0] = sum_im + odd_sum_im;
    const float b_re = diff_re + odd_diff_im, b_im = diff_im - odd_diff_re;
    const float c_re = sum_re - odd_sum_re, c_im = sum_im - odd_sum_im;
    const float d_re = diff_re - odd_diff_im, d_im = diff_im + odd_diff_re;
    const float w1_re = twiddle[0], w1_im = twiddle[run];
    const float w2_re = twiddle[2 * run], w2_im = twiddle[3 * run];
    const float w3_re = twiddle[4 * run], w3_im = twiddle[5 * run];
    out_re[target_step] = b_re * w1_re - b_im * w1_im;
    out_im[target_step] = b_re * w1_im + b_im * w1_re;
    out_re[2 * target_step] = c_re * w2_re - c_im * w2_im;
    out_im[2 * target_step] = c_re * w2_im + c_im * w2_re;
    out_re[3 * target_step] = d_re * w3_re - d_im * w3_im;
    out_im[3 * target_step] = d_re * w3_im + d_im * w3_re;
  }

  // The last passes have no twiddle factors.
  static void last_pass_radix4(Buffer from, Buffer to) {
    constexpr int kStep = kHalf / 4;
    for (int q = 0; q < kStep; ++q) {
      const float* re = from.real + q;
      const float* im = from.imaginary + q;
      const float sum_re = re[0] + re[2 * kStep], sum_im = im[0] + im[2 * kStep];
      const float diff_re = re[0] - re[2 * kStep], diff_im = im[0] - im[2 * kStep];
      const float odd_sum_re = re[kStep] + re[3 * kStep];
      const float odd_sum_im = im[kStep] + im[3 * kStep];
      const float odd_diff_re = re[kStep] - re[3 * kStep];
      const float odd_diff_im = im[kStep] - im[3 * kStep];
      to.real[q] = sum_re + odd_sum_re;
      to.imaginary[q] = sum_im + odd_sum_im;
      to.real[q + kStep] = diff_re + odd_diff_im;
      to.imaginary[q + kStep] = diff_im - odd_diff_re;
      to.real[q + 2 * kStep] = sum_re - odd_sum_re;
      to.imaginary[q + 2 * kStep] = sum_im - odd_sum_im;
      to.real[q + 3 * kStep] = diff_re - odd_diff_im;
      to.imaginary[q + 3 * kStep] = diff_im + odd_diff_re;
    }
  }
  static void last_pass_radix2(Buffer from, Buffer to) {
    constexpr int kStep = kHalf / 2;
    for (int q = 0; q < kStep; ++q) {
      to.real[q] = from.real[q] + from.real[q + kStep];
      to.imaginary[q] = from.imaginary[q] + from.imaginary[q + kStep];
      to.real[q + kStep] = from.real[q] - from.real[q + kStep];
      to.imaginary[q + kStep] = from.imaginary[q] - from.imaginary[q + kStep];
    }
  }

  // Z is the transform of even samples + i odd samples. With E = (Z[k] + conj Z[M-k]) / 2,
  // O = -i (Z[k] - conj Z[M-k]) / 2 and M = N/2: X[k] = E + w^k O, X[M-k] = conj(E - w^k O).
  static void separate(Buffer from, Buffer to) {
    const float* re = from.real;
    const float* im = from.imaginary;
    to.real[0] = re[0] + im[0];
    to.real[kHalf] = re[0] - im[0];
    to.imaginary[0] = to.imaginary[kHalf] = 0.0f;
    for (int k = 1; k <= kQuarter; ++k) {
      const int mirror = kHalf - k;
      const float even_re = 0.5f * (re[k] + re[mirror]), even_im = 0.5f * (im[k] - im[mirror]);
      const float odd_re = 0.5f * (im[k] + im[mirror]), odd_im = 0.5f * (re[mirror] - re[k]);
      const float w_re = kTables.split_real[static_cast<size_t>(k)];
      const float w_im = kTables.split_imaginary[static_cast<size_t>(k)];
      const float turned_re = odd_re * w_re - odd_im * w_im;
      const float turned_im = odd_re * w_im + odd_im * w_re;
      to.real[k] = even_re + turned_re;
      to.imaginary[k] = even_im + turned_im;
      to.real[mirror] = even_re - turned_re;
      to.imaginary[mirror] = turned_im - even_im;
    }
  }
};

}  // namespace coppice::audio
