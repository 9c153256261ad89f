#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coppice/audio/maths.h"

namespace coppice::audio {

/// A complex number of two Q15 fractions.
struct ComplexQ15 {
  int16_t real;
  int16_t imaginary;
};

/// Real Fourier transform in 16-bit fixed point, N a power of two, N >= 8. The result is
/// X[k] / N with the rounding of KISS FFT (FIXED_POINT = 16), bit for bit: decimation in time,
/// radix 4 (the innermost pass radix 2 where log2(N / 2) is odd); every pass first scales its
/// inputs by 32767 / radix / 32768, and each product is rounded to Q15 once.
template <int N>
class FixedRealFft {
  static_assert(N >= 8 && std::has_single_bit(static_cast<unsigned>(N)),
                "N must be a power of two");

 public:
  static constexpr int kSize = N;
  static constexpr int kBins = N / 2 + 1;

  /// 2 N bytes of scratch, the caller's.
  struct Workspace {
    std::array<ComplexQ15, N / 2> points;
  };

  static void forward(std::span<const int16_t, N> input, std::span<ComplexQ15, kBins> output,
                      Workspace& workspace) {
    ComplexQ15* points = workspace.points.data();
    for (size_t i = 0; i < kHalf; ++i) {
      const size_t source = 2 * size_t{kTables.order[i]};
      points[i] = {input[source], input[source + 1]};
    }
    int part = kRadix2First ? 2 : 1;  // Length of the transforms that are done.
    if (kRadix2First) radix2_first_pass(points);
    for (; part < kHalf; part *= 4) radix4_pass(points, part);
    separate(points, output);
  }

 private:
  static constexpr int kHalf = N / 2;
  static constexpr bool kRadix2First = std::bit_width(static_cast<unsigned>(kHalf)) % 2 == 0;

  // Wrapping to 16 bits is part of the specification.
  static constexpr int16_t wrap(int32_t x) { return static_cast<int16_t>(x); }
  static constexpr int16_t round_q15(int32_t product) { return wrap((product + (1 << 14)) >> 15); }

  template <int kDivisor>
  static constexpr ComplexQ15 divide(ComplexQ15 a) {
    constexpr int32_t kFactor = 32767 / kDivisor;
    return {round_q15(a.real * kFactor), round_q15(a.imaginary * kFactor)};
  }
  static constexpr ComplexQ15 multiply(ComplexQ15 a, ComplexQ15 b) {
    return {round_q15(a.real * b.real - a.imaginary * b.imaginary),
            round_q15(a.real * b.imaginary + a.imaginary * b.real)};
  }
  static constexpr ComplexQ15 add(ComplexQ15 a, ComplexQ15 b) {
    return {wrap(a.real + b.real), wrap(a.imaginary + b.imaginary)};
  }
  static constexpr ComplexQ15 subtract(ComplexQ15 a, ComplexQ15 b) {
    return {wrap(a.real - b.real), wrap(a.imaginary - b.imaginary)};
  }

  // A pass of radix 2 over single points: its twiddle factor is 1.
  static void radix2_first_pass(ComplexQ15* points) {
    for (int i = 0; i < kHalf; i += 2) {
      const ComplexQ15 a = divide<2>(points[i]);
      const ComplexQ15 b = multiply(divide<2>(points[i + 1]), kTables.twiddles[0]);
      points[i] = add(a, b);
      points[i + 1] = subtract(a, b);
    }
  }

  // Joins four transforms of `part` points into one.
  static void radix4_pass(ComplexQ15* points, int part) {
    const int stride = kHalf / (4 * part);
    for (ComplexQ15* group = points; group != points + kHalf; group += 4 * part) {
      for (int k = 0; k < part; ++k) {
        ComplexQ15* p = group + k;
        const auto twiddle = [&](int power) {
          return kTables.twiddles[static_cast<size_t>(power * k * stride)];
        };
        const ComplexQ15 a = divide<4>(p[0]);
        const ComplexQ15 b = multiply(divide<4>(p[part]), twiddle(1));
        const ComplexQ15 c = multiply(divide<4>(p[2 * part]), twiddle(2));
        const ComplexQ15 d = multiply(divide<4>(p[3 * part]), twiddle(3));
        const ComplexQ15 even_sum = add(a, c), even_difference = subtract(a, c);
        const ComplexQ15 odd_sum = add(b, d), odd_difference = subtract(b, d);
        p[0] = add(even_sum, odd_sum);
        p[2 * part] = subtract(even_sum, odd_sum);
        p[part] = {wrap(even_difference.real + odd_difference.imaginary),
                   wrap(even_difference.imaginary - odd_difference.real)};
        p[3 * part] = {wrap(even_difference.real - odd_difference.imaginary),
                       wrap(even_difference.imaginary + odd_difference.real)};
      }
    }
  }

  // From the transform Z of even samples + i odd samples to the spectrum of the real signal.
  static void separate(const ComplexQ15* points, std::span<ComplexQ15, kBins> output) {
    const ComplexQ15 mean = divide<2>(points[0]);
    output[0] = {wrap(mean.real + mean.imaginary), 0};
    output[kHalf] = {wrap(mean.real - mean.imaginary), 0};
    for (int k = 1; k <= kHalf / 2; ++k) {
      const ComplexQ15 mirrored = points[kHalf - k];
      const ComplexQ15 a = divide<2>(points[k]);
      const ComplexQ15 b = divide<2>({mirrored.real, wrap(-mirrored.imaginary)});
      const ComplexQ15 even = add(a, b);
      const ComplexQ15 odd = multiply(subtract(a, b), kTables.split[static_cast<size_t>(k - 1)]);
      output[static_cast<size_t>(k)] = {wrap((even.real + odd.real) >> 1),
                                        wrap((even.imaginary + odd.imaginary) >> 1)};
      output[static_cast<size_t>(kHalf - k)] = {wrap((even.real - odd.real) >> 1),
                                                wrap((odd.imaginary - even.imaginary) >> 1)};
    }
  }

  struct Tables {
    std::array<ComplexQ15, kHalf> twiddles;   // exp(-2 pi i k / (N/2))
    std::array<ComplexQ15, kHalf / 2> split;  // -i exp(-2 pi i (k+1) / N)
    std::array<uint16_t, kHalf> order;        // where each point comes from: digits reversed
  };
  static constexpr int16_t q15(double x) {
    return static_cast<int16_t>(round_half_up(32767.0 * x));
  }
  static constexpr int reversed(int index) {
    int reversed_index = 0;
    int weight = 1;
    for (int part = kHalf; part > 1;) {
      const int radix = part % 4 == 0 ? 4 : 2;
      part /= radix;
      reversed_index += (index / part) * weight;
      index %= part;
      weight *= radix;
    }
    return reversed_index;
  }
  static constexpr Tables make_tables() {
    Tables tables{};
    for (int k = 0; k < kHalf; ++k) {
      tables.twiddles[static_cast<size_t>(k)] = {q15(cos_turn(k, kHalf)), q15(-sin_turn(k, kHalf))};
      tables.order[static_cast<size_t>(k)] = static_cast<uint16_t>(reversed(k));
    }
    for (int k = 1; k <= kHalf / 2; ++k) {
      tables.split[static_cast<size_t>(k - 1)] = {q15(-sin_turn(k, N)), q15(-cos_turn(k, N))};
    }
    return tables;
  }
  static constexpr Tables kTables = make_tables();
};

}  // namespace coppice::audio
