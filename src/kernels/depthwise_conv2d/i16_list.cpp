#include <cstring>

#include "kernels/depthwise_conv2d/i16_kernels.h"
#include "kernels/simd/wide_stage.h"

namespace coppice::kernels {
namespace {

using namespace depthwise_i16;

template <int kLanes>
size_t packed_bytes(const DepthwiseConv2DParams& p) {
  const int groups = (p.channels + kLanes - 1) / kLanes;
  return static_cast<size_t>(kHeaderBytes + groups * group_bytes(p.taps(), kLanes));
}

template <int kLanes>
bool pack(const DepthwiseConv2DParams& p, const RequantizeWide& to, const int8_t* w,
          const int32_t* bias, void* packed) {
  const simd::WideStagePacker stage(to);
  const simd::StageHeader header = stage.header();
  std::memset(packed, 0, packed_bytes<kLanes>(p));
  std::memcpy(packed, &header, sizeof(header));
  for (int i = 0; i < (p.channels + kLanes - 1) / kLanes * kLanes; ++i) {
    const int lane = i % kLanes, channel = i < p.channels ? i : -1;
    auto* group = static_cast<std::byte*>(packed) + kHeaderBytes +
                  ptrdiff_t{i / kLanes} * group_bytes(p.taps(), kLanes);
    stage.pack_lane(kLanes, lane, channel, group + stage_offset(kLanes));
    if (channel < 0) continue;
    const int32_t start = bias == nullptr ? 0 : bias[channel];
    const int64_t largest =
        simd::WideStagePacker::largest_sum(w + channel, p.channels, p.taps(), start);
    if (!stage.fits(channel, largest)) return false;
    std::memcpy(group + 4 * lane, &start, sizeof(start));
    for (int tap = 0; tap < p.taps(); ++tap) {
      const int16_t weight = w[tap * p.channels + channel];
      std::memcpy(group + weights_offset(kLanes) + 4 * (tap * kLanes + lane), &weight,
                  sizeof(weight));
    }
  }
  return true;
}

template <int kLanes>
constexpr DepthwiseConv2DKernelI16 kernel(const char* name, Isa isa, Run* run) {
  return {name,
          isa,
          [](const DepthwiseConv2DParams& p) { return p.multiplier == 1; },
          packed_bytes<kLanes>,
          pack<kLanes>,
          run};
}

#if defined(__x86_64__)
constexpr DepthwiseConv2DKernelI16 kKernels[] = {
    kernel<16>("depthwise_conv2d_i16_avx512vnni", Isa::kAvx512Vnni, run_avx512vnni),
    kernel<16>("depthwise_conv2d_i16_avx512", Isa::kAvx512, run_avx512),
    kernel<8>("depthwise_conv2d_i16_avxvnni", Isa::kAvxVnni, run_avxvnni),
    kernel<8>("depthwise_conv2d_i16_avx2", Isa::kAvx2, run_avx2),
};
#endif

}  // namespace

#if defined(__x86_64__)
KernelList<DepthwiseConv2DKernelI16> depthwise_conv2d_kernels_i16() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<DepthwiseConv2DKernelI16> depthwise_conv2d_kernels_i16() { return {}; }
#endif

}  // namespace coppice::kernels
