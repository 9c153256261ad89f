#pragma once

#include "train/generic/common.h"

namespace coppice::train::COPPICE_TRAIN_ISA {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;
using ConstMap = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;

template <class Left, class Right>
inline void multiply(const Product& p, const Left& a, const Right& b) {
  Map c(p.c, p.m, p.n, Eigen::OuterStride<>(p.c_stride));
  if (p.accumulate) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

inline ConstMap map(const float* data, int64_t rows, int64_t columns, int64_t stride) {
  return ConstMap(data, rows, columns, Eigen::OuterStride<>(stride));
}

inline void gemm_nt(const Product& p) {
  multiply(p, map(p.a, p.m, p.k, p.a_stride), map(p.b, p.n, p.k, p.b_stride).transpose());
}
inline void gemm_nn(const Product& p) {
  multiply(p, map(p.a, p.m, p.k, p.a_stride), map(p.b, p.k, p.n, p.b_stride));
}
inline void gemm_tn(const Product& p) {
  multiply(p, map(p.a, p.k, p.m, p.a_stride).transpose(), map(p.b, p.k, p.n, p.b_stride));
}

}  // namespace coppice::train::COPPICE_TRAIN_ISA
