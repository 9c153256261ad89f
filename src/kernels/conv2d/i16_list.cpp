#include <cstring>

#include "kernels/conv2d/i16_kernels.h"
#include "kernels/conv2d/u8_layout.h"
#include "kernels/simd/wide_stage.h"

namespace coppice::kernels {
namespace {

using conv_i16::in_bytes;
using conv_u8::kBlockVectors;

conv_u8::BlockBytes bytes_of_block(const Conv2DParams& p, int vectors, int lanes) {
  return conv_u8::block_bytes(in_bytes(p), conv_u8::kinds_of(in_bytes(p), 1),
                              simd::StageKind::kShift, vectors, lanes, 1, 1);
}

// body(first channel of the group, its block's vectors)
template <class Body>
void for_each_block(const Conv2DParams& p, int lanes, const Body& body) {
  for (int group = 0; group < p.groups; ++group) {
    for (int first = 0; first < p.out_per_group(); first += kBlockVectors * lanes) {
      body(group * p.out_per_group(), first,
           conv_u8::block_vectors(p.out_per_group(), first, lanes));
    }
  }
}

template <int kLanes>
size_t packed_bytes(const Conv2DParams& p) {
  size_t bytes = conv_u8::kHeaderBytes;
  for_each_block(p, kLanes,
                 [&](int, int, int vectors) { bytes += bytes_of_block(p, vectors, kLanes).total; });
  return bytes;
}

// The weights of a channel, run by run, in pairs of int16; the second of a run's last may be 0.
void pack_channel(const Conv2DParams& p, const int8_t* w, int lane, std::byte* word, int step) {
  const conv_u8::Runs runs = conv_u8::runs_of(in_bytes(p), 1);
  const int length = runs.bytes / 2;
  for (int run = 0; run < p.window.kernel_h * runs.count; ++run, w += length) {
    for (int i = 0; i < length; i += 2, word += step) {
      const int16_t pair[2] = {w[i], i + 1 < length ? w[i + 1] : int8_t{0}};
      std::memcpy(word + 4 * lane, pair, sizeof(pair));
    }
  }
}

template <int kLanes>
bool pack(const Conv2DParams& p, const RequantizeWide& to, const int8_t* w, const int32_t* bias,
          void* packed) {
  const int inner = p.taps() * p.in_per_group();
  const simd::WideStagePacker stage(to);
  const auto bias_of = [&](int channel) { return bias == nullptr ? 0 : bias[channel]; };
  for (int o = 0; o < p.out_channels; ++o) {
    const int64_t largest =
        simd::WideStagePacker::largest_sum(w + ptrdiff_t{o} * inner, 1, inner, bias_of(o));
    if (!stage.fits(o, largest)) return false;
  }
  const conv_u8::Header header{stage.header(), conv_u8::kinds_of(in_bytes(p), 1)};
  std::memcpy(packed, &header, sizeof(header));
  auto* block = static_cast<std::byte*>(packed) + conv_u8::kHeaderBytes;
  for_each_block(p, kLanes, [&](int base, int first, int vectors) {
    const conv_u8::BlockBytes bytes = bytes_of_block(p, vectors, kLanes);
    std::memset(block, 0, bytes.total);
    for (int i = 0; i < vectors * kLanes; ++i) {
      const int vector = i / kLanes, lane = i % kLanes;
      const int channel = first + i < p.out_per_group() ? base + first + i : -1;
      stage.pack_lane(
          kLanes, lane, channel,
          block + bytes.stage + vector * simd::stage_bytes(simd::StageKind::kShift, kLanes));
      if (channel < 0) continue;
      const int32_t start = bias_of(channel);
      for (int kind = 0; kind < header.kinds.count(); ++kind)
        std::memcpy(block + 4 * (kind * vectors * kLanes + i), &start, sizeof(start));
      pack_channel(p, w + ptrdiff_t{channel} * inner, lane,
                   block + bytes.weights + vector * 4 * kLanes, vectors * 4 * kLanes);
    }
    block += bytes.total;
  });
  return true;
}

template <int kLanes>
constexpr Conv2DKernelI16 kernel(const char* name, Isa isa, conv_i16::Run* run) {
  return {name,         isa, [](const Conv2DParams&) { return true; }, packed_bytes<kLanes>,
          pack<kLanes>, run};
}

#if defined(__x86_64__)
constexpr Conv2DKernelI16 kKernels[] = {
    kernel<16>("conv2d_i16_avx512vnni", Isa::kAvx512Vnni, conv_i16::run_avx512vnni),
    kernel<16>("conv2d_i16_avx512", Isa::kAvx512, conv_i16::run_avx512),
    kernel<8>("conv2d_i16_avxvnni", Isa::kAvxVnni, conv_i16::run_avxvnni),
    kernel<8>("conv2d_i16_avx2", Isa::kAvx2, conv_i16::run_avx2),
};
#endif

}  // namespace

#if defined(__x86_64__)
KernelList<Conv2DKernelI16> conv2d_kernels_i16() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
KernelList<Conv2DKernelI16> conv2d_kernels_i16() { return {}; }
#endif

}  // namespace coppice::kernels
