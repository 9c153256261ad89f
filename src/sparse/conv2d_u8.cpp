#include "coppice/sparse/kernel.h"
#include "coppice/sparse/n_of_m.h"
#include "sparse/permute_pack.h"

namespace coppice::sparse {
namespace {

using kernels::Conv2DParams;
using kernels::Requantize;

bool any_weights(const Conv2DParams&, const int8_t*) { return true; }

[[maybe_unused]] bool one_pixel(const Conv2DParams& p, const int8_t*) {
  return p.window.out_h * p.window.out_w == 1;
}

bool n_of_m(const Conv2DParams& p, const int8_t* w) {
  constexpr struct {
    int n, m;
  } kRatios[] = {{1, 4}, {2, 4}, {1, 8}, {2, 8}, {4, 8}, {1, 16}, {2, 16}, {4, 16}, {8, 16}};
  for (const auto& [n, m] : kRatios) {
    if (p.in_per_group() % m == 0 && NOfM<int8_t>::accepts(dense_weights(p, w), n, m)) return true;
  }
  return false;
}

template <class Format, bool (*kAccepts)(const Conv2DParams&, const int8_t*),
          int kInputOffset = 128>
constexpr SparseConv2DU8 permuted(const char* name, Pattern pattern, Isa isa, PermuteRun* run) {
  struct Packer : PermutePacker<Format> {
    Packer(const Conv2DParams& p, const int8_t* w) : PermutePacker<Format>(p, w, kInputOffset) {}
  };
  return {name,
          pattern,
          isa,
          [](const Conv2DParams& p, const int8_t* w) {
            return Packer(p, w).accepts() && kAccepts(p, w);
          },
          [](const Conv2DParams& p, const int8_t* w) { return Packer(p, w).bytes(); },
          [](const Conv2DParams& p, const Requantize& to, const int8_t* w, const int32_t* bias,
             void* packed) { return Packer(p, w).pack(to, bias, packed); },
          run,
          [](const Conv2DParams& p, const void* packed) {
            return static_cast<double>(static_cast<const PermuteHeader*>(packed)->executed) /
                   static_cast<double>(p.weights());
          }};
}

#if defined(__x86_64__)
constexpr SparseConv2DU8 kKernels[] = {
    permuted<PermuteWeights, any_weights>("permute_u8_avx512vnni", Pattern::kUnstructured,
                                          Isa::kAvx512Vnni, run_permute_avx512vnni),
    permuted<CompactBlocks, one_pixel>("compact_blocks_u8_avx512vnni", Pattern::kBlock1x4,
                                       Isa::kAvx512Vnni, run_compact_blocks_avx512vnni),
    permuted<PermuteBlocks, any_weights>("permute_blocks_u8_avx512vnni", Pattern::kBlock1x4,
                                         Isa::kAvx512Vnni, run_permute_blocks_avx512vnni),
    permuted<ShuffleWeights, any_weights>("shuffle_u8_avxvnni", Pattern::kUnstructured,
                                          Isa::kAvxVnni, run_shuffle_avxvnni),
    permuted<ShufflePairs, any_weights>("shuffle_u8_avx2", Pattern::kUnstructured, Isa::kAvx2,
                                        run_shuffle_pairs_avx2),
    // Rows of a vector are equally long: its zeros leave no slot empty.
    permuted<PermuteWeights, any_weights>("permute_vectors_u8_avx512vnni", Pattern::kVector16x1,
                                          Isa::kAvx512Vnni, run_permute_avx512vnni),
    permuted<PermuteWeights, n_of_m>("permute_nm_u8_avx512vnni", Pattern::kNOfM, Isa::kAvx512Vnni,
                                     run_permute_avx512vnni),
};
#elif defined(__aarch64__)
constexpr SparseConv2DU8 kKernels[] = {
    permuted<TableWeights, any_weights, 0>("table_u8_neondot", Pattern::kUnstructured,
                                           Isa::kNeonDot, run_table_neondot),
    permuted<TableWeights, n_of_m, 0>("table_nm_u8_neondot", Pattern::kNOfM, Isa::kNeonDot,
                                      run_table_neondot),
};
#endif

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
SparseConv2DU8List sparse_conv2d_u8() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}
#else
SparseConv2DU8List sparse_conv2d_u8() { return {}; }
#endif

}  // namespace coppice::sparse
