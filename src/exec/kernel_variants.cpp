#include "coppice/exec/kernel_variants.h"

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/lut/lut.h"
#include "coppice/sparse/kernel.h"

namespace coppice::exec {
namespace {

template <class List>
void append(const List& list, std::vector<KernelVariant>& all) {
  for (const auto& kernel : list)
    all.push_back({kernel.name, kernel.isa, isa_supported(kernel.isa)});
}

}  // namespace

std::vector<KernelVariant> kernel_variants() {
  std::vector<KernelVariant> all;
  append(kernels::conv2d_kernels_u8(), all);
  append(kernels::depthwise_conv2d_kernels_u8(), all);
  for (const int bits : {4, 2}) append(kernels::conv2d_kernels_u8_packed(bits), all);
  for (const int bits : {4, 2}) append(kernels::conv2d_kernels_u8_lut(bits), all);
  append(sparse::sparse_conv2d_u8(), all);
  append(sparse::sparse_depthwise_conv2d_u8(), all);
  append(kernels::conv2d_kernels_i16(), all);
  append(kernels::depthwise_conv2d_kernels_i16(), all);
  append(kernels::conv2d_kernels_f32(), all);
  append(kernels::depthwise_conv2d_kernels_f32(), all);
  append(sparse::sparse_conv2d_f32(), all);
  append(sparse::sparse_depthwise_conv2d_f32(), all);
  return all;
}

}  // namespace coppice::exec
