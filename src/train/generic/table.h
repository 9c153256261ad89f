#pragma once

#include "train/generic/batch_norm.h"
#include "train/generic/common.h"
#include "train/generic/depthwise.h"
#include "train/generic/direct.h"
#include "train/generic/dropout.h"
#include "train/generic/elementwise.h"
#include "train/generic/fake_quantize.h"
#include "train/generic/gemm.h"
#include "train/generic/patches.h"
#include "train/generic/pool.h"
#include "train/generic/update.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

inline Kernels make_table(Isa isa) {
  // Eigen splits sums by the cache sizes it finds; fixed ones make results equal on all machines
  // of one instruction set.
  Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20);
  Kernels table;
  table.isa = isa;
  table.gemm_nt = gemm_nt;
  table.gemm_nn = gemm_nn;
  table.gemm_tn = gemm_tn;
  table.bias_clamp = bias_clamp;
  table.column_sums = column_sums;
  table.clamp_forward = clamp_forward;
  table.clamp_backward = clamp_backward;
  table.add = add;
  table.copy = copy;
  table.moments = moments;
  table.scale_clamp = scale_clamp;
  table.norm_sums = norm_sums;
  table.norm_backward = norm_backward;
  table.depthwise = depthwise;
  table.depthwise_weight = depthwise_weight;
  table.depthwise_scatter = depthwise_scatter;
  table.gather = gather;
  table.scatter = scatter;
  table.direct = direct;
  table.direct_weight = direct_weight;
  table.max_pool = max_pool;
  table.max_pool_backward = max_pool_backward;
  table.avg_pool = avg_pool;
  table.avg_pool_backward = avg_pool_backward;
  table.dropout = dropout;
  table.dropout_backward = dropout_backward;
  table.fake_quantize = fake_quantize;
  table.fake_quantize_backward = fake_quantize_backward;
  table.weighted_sum = weighted_sum;
  table.scaled_copy = scaled_copy;
  table.sgd = sgd;
  table.adam = adam;
  return table;
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
