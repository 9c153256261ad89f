// Calls one kernel on raw pointers, without a graph: a pointwise convolution in int8 by the best
// kernel of this processor, beside the specification.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"

namespace {

using namespace coppice::kernels;

constexpr int kHeight = 25, kWidth = 5, kIn = 64, kOut = 64;

struct alignas(64) CacheLine {
  uint8_t bytes[64];
};

// Runs `kernel` and returns how many of its outputs differ from `expected`.
int count_differences(const Conv2DKernelU8& kernel, const Conv2DParams& params,
                      const Requantize& to, const std::vector<int8_t>& x,
                      const std::vector<int8_t>& w, const std::vector<int32_t>& bias,
                      const std::vector<int8_t>& expected) {
  // Weights are packed once.
  std::vector<CacheLine> packed(kernel.packed_bytes(params) / sizeof(CacheLine) + 1);
  if (!kernel.pack(params, to, w.data(), bias.data(), packed.data())) return -1;
  // Activations are uint8 (int8 ^ 0x80), with bytes behind them that the kernel may read. This
  // window has no padding, so the images need no border.
  std::vector<uint8_t> in(x.size() + kImageSlack), out(expected.size() + kImageSlack);
  for (size_t i = 0; i < x.size(); ++i) in[i] = static_cast<uint8_t>(x[i] ^ 0x80);
  const Image<const uint8_t> from{in.data(), kWidth * kIn, kIn};
  const Image<uint8_t> into{out.data(), kWidth * kOut, kOut};
  kernel.run(params, packed.data(), from, into, {0, kHeight});
  int differences = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    differences += static_cast<int8_t>(out[i] ^ 0x80) != expected[i];
  }
  return differences;
}

}  // namespace

int main() {
  Conv2DParams params;  // 1x1, stride 1
  params.window.in_h = params.window.out_h = kHeight;
  params.window.in_w = params.window.out_w = kWidth;
  params.in_channels = kIn;
  params.out_channels = kOut;
  params.x_zero = -128;

  std::vector<int8_t> x(kHeight * kWidth * kIn), w(kOut * kIn), y(kHeight * kWidth * kOut);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int8_t>(i * 37 % 256 - 128);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<int8_t>(i * 91 % 255 - 127);
  const std::vector<int32_t> bias(kOut, 1000);
  const std::vector<float> scale(kOut, 0.0005f);  // x scale * w scale / y scale, by channel
  Requantize to;
  to.rounding = Rounding::kFloat;
  to.scale = scale.data();
  conv2d_ref(params, to, x.data(), w.data(), bias.data(), y.data());

  for (const Conv2DKernelU8& kernel : conv2d_kernels_u8()) {
    if (!coppice::isa_supported(kernel.isa) || !kernel.accepts(params)) continue;
    const int differences = count_differences(kernel, params, to, x, w, bias, y);
    std::printf("%s: %d of %zu outputs differ from conv2d_ref\n", kernel.name, differences,
                y.size());
    return differences == 0 ? 0 : 1;
  }
  std::printf("no vector kernel for this processor; conv2d_ref gave %d first\n", y[0]);
  return 0;
}
