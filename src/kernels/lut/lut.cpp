#include "coppice/kernels/lut/lut.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/lut/layout.h"

namespace coppice::kernels {

int32_t lut_dot_2x2_scalar(const int8_t* table, const uint8_t* a, const uint8_t* w, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const int shift = static_cast<int>(i % 4) * 2;
    sum += table[(a[i / 4] >> shift & 3) * 4 + (w[i / 4] >> shift & 3)];
  }
  return sum;
}

#if defined(__x86_64__)
namespace lut {
namespace {

struct Header {
  Requantize to;  // Its factors follow the bias.
};
constexpr size_t kHeaderBytes = 128;
static_assert(sizeof(Header) <= kHeaderBytes);

template <int kBits>
class Kernel {
 public:
  static bool accepts(const Conv2DParams& p) {
    return p.groups == 1 && p.out_channels >= 8 && p.out_channels <= kMostRows;
  }
  static size_t packed_bytes(const Conv2DParams& p) {
    return kHeaderBytes + 4 * kFactors * rows(p) +
           static_cast<size_t>(chunks(p) * chunk_bytes(p, kChunk));
  }

  static bool pack(const Conv2DParams& p, const Requantize& to, const int8_t* w,
                   const int32_t* bias, void* packed) {
    std::memset(packed, 0, packed_bytes(p));
    Arrays at(p, packed);
    for (int o = 0; o < p.out_channels; ++o) {
      int64_t sum = bias != nullptr ? bias[o] : 0, largest = std::abs(sum);
      for (int i = 0; i < inner(p); ++i) {
        const int weight = w[o * inner(p) + i];
        sum -= int64_t{weight} * (p.x_zero + 128);
        largest += 255 * std::abs(weight);
        put_index(p, o, i, weight, at.indices);
      }
      if (largest > INT32_MAX) return false;
      at.bias[o] = static_cast<int32_t>(sum);
      const int k = o * to.channel_step;
      if (to.multiplier != nullptr) at.multiplier[o] = to.multiplier[k];
      if (to.shift != nullptr) at.shift[o] = to.shift[k];
      if (to.scale != nullptr) at.scale[o] = to.scale[k];
    }
    Header header{to};
    std::memcpy(packed, &header, sizeof(header));
    return true;
  }

  static void run(const Conv2DParams& p, const void* packed, const Image<const uint8_t>& x,
                  const Image<uint8_t>& y, RowRange range) {
    const Arrays at(p, const_cast<void*>(packed));
    Requantize to;
    std::memcpy(static_cast<void*>(&to), packed, sizeof(to));
    to.multiplier = at.multiplier, to.shift = at.shift, to.scale = at.scale;
    to.channel_step = 1;
    for (int oy = range.begin; oy < range.end; ++oy) {
      for (int ox = 0; ox < p.window.out_w; ++ox) {
        run_pixel(p, at, to,
                  x.pixel(oy * p.window.stride_h - p.window.pad_top,
                          ox * p.window.stride_w - p.window.pad_left),
                  x, y.pixel(oy, ox));
      }
    }
  }

 private:
  static constexpr int kGroup = 4 / kBits;
  static constexpr size_t kFactors = 4;  // Bias, multiplier, shift, scale.

  static int inner(const Conv2DParams& p) { return p.taps() * p.in_channels; }
  static int blocks(const Conv2DParams& p) {
    return (p.out_channels + kBlockRows - 1) / kBlockRows;
  }
  static size_t rows(const Conv2DParams& p) { return static_cast<size_t>(blocks(p) * kBlockRows); }
  static int chunks(const Conv2DParams& p) { return (inner(p) + kChunk - 1) / kChunk; }
  static int chunk_bytes(const Conv2DParams& p, int inputs) {
    return inputs / kGroup / 2 * blocks(p) * kBlockRows;
  }
  // Inputs of a chunk, in whole pairs of groups.
  static int chunk_inputs(const Conv2DParams& p, int chunk) {
    return (std::min(kChunk, inner(p) - chunk * kChunk) + 3) / 4 * 4;
  }

  struct Arrays {
    int32_t *bias, *multiplier, *shift;
    float* scale;
    uint8_t* indices;
    Arrays(const Conv2DParams& p, void* packed) {
      bias = reinterpret_cast<int32_t*>(static_cast<std::byte*>(packed) + kHeaderBytes);
      multiplier = bias + rows(p);
      shift = multiplier + rows(p);
      scale = reinterpret_cast<float*>(shift + rows(p));
      indices = reinterpret_cast<uint8_t*>(scale + rows(p));
    }
  };

  static void put_index(const Conv2DParams& p, int row, int input, int weight, uint8_t* indices) {
    const int chunk = input / kChunk, group = input % kChunk / kGroup;
    const int pairs = chunk_inputs(p, chunk) / kGroup / 2;
    uint8_t& byte = indices[ptrdiff_t{chunk} * chunk_bytes(p, kChunk) +
                            (row / kBlockRows * pairs + group / 2) * kBlockRows + row % kBlockRows];
    const auto field = static_cast<unsigned>(weight) & ((1u << kBits) - 1u);
    byte = static_cast<uint8_t>(byte | field << (group % 2 * 4 + input % kGroup * kBits));
  }

  // The window's bytes [first, first + count) in the order of the weights; zeros beyond its end.
  static void gather(const Conv2DParams& p, const uint8_t* window, const Image<const uint8_t>& x,
                     int first, int count, uint8_t* to) {
    for (int i = 0; i < count;) {
      const int at = first + i, tap = at / p.in_channels, channel = at % p.in_channels;
      if (tap >= p.taps()) return std::fill(to + i, to + count, uint8_t{0});
      const int run = std::min(count - i, p.in_channels - channel);
      const uint8_t* from = window + tap / p.window.kernel_w * p.window.dilation_h * x.row_step +
                            tap % p.window.kernel_w * p.window.dilation_w * x.pixel_step + channel;
      std::memcpy(to + i, from, static_cast<size_t>(run));
      i += run;
    }
  }

  static void run_pixel(const Conv2DParams& p, const Arrays& at, const Requantize& to,
                        const uint8_t* window, const Image<const uint8_t>& x, uint8_t* y) {
    alignas(32) int32_t sums[kMostRows];
    std::copy_n(at.bias, rows(p), sums);
    for (int chunk = 0; chunk < chunks(p); ++chunk) {
      uint8_t inputs[kChunk];
      const int count = chunk_inputs(p, chunk);
      gather(p, window, x, chunk * kChunk, count, inputs);
      const auto add = kBits == 2 ? add_chunk_2_bits_avx2 : add_chunk_4_bits_avx2;
      add(inputs, count, at.indices + ptrdiff_t{chunk} * chunk_bytes(p, kChunk), blocks(p), sums);
    }
    int8_t row[kRowChannels];
    for (int first = 0; first < p.out_channels; first += kRowChannels) {
      const int count = std::min(kRowChannels, p.out_channels - first);
      finish_row(to, first, count, sums + first, row);
      for (int i = 0; i < count; ++i) y[first + i] = static_cast<uint8_t>(row[i] ^ 0x80);
    }
  }
};

template <int kBits>
constexpr LayerKernel<uint8_t, Conv2DParams> kEntry = {
    kBits == 2 ? "conv2d_u8_lut_2_bits_avx2" : "conv2d_u8_lut_4_bits_avx2",
    Isa::kAvx2,
    Kernel<kBits>::accepts,
    Kernel<kBits>::packed_bytes,
    Kernel<kBits>::pack,
    Kernel<kBits>::run};

}  // namespace
}  // namespace lut

KernelList<LayerKernel<uint8_t, Conv2DParams>> conv2d_kernels_u8_lut(int bits) {
  if (bits == 2) return {&lut::kEntry<2>, 1};
  if (bits == 4) return {&lut::kEntry<4>, 1};
  return {};
}
#else
KernelList<LayerKernel<uint8_t, Conv2DParams>> conv2d_kernels_u8_lut(int) { return {}; }
#endif

}  // namespace coppice::kernels
