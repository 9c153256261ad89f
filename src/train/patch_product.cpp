#include "train/patch_product.h"

#include <algorithm>

#include "train/memory.h"

namespace coppice::train {
namespace {

constexpr int64_t kBlockFloats = 32 * 1024;  // 128 KiB: with its packed copy a quarter of 1 MiB.

int64_t pixels(const ConvolutionShape& shape, int rows) { return int64_t{1} * rows * shape.out_w; }

}  // namespace

PatchProduct::PatchProduct(const ConvolutionShape& shape, const Kernels& kernels)
    : shape_(shape),
      kernels_(kernels),
      layout_(shape),
      in_group_(shape.in_channels / shape.groups),
      out_group_(shape.out_channels / shape.groups),
      depth_(layout_.depth()),
      block_rows_(static_cast<int>(
          std::clamp<int64_t>(kBlockFloats / (depth_ * shape.out_w), 1, shape.out_h))) {}

template <class Body>
void PatchProduct::for_each_block(Body body) const {
  for (int begin = 0; begin < shape_.out_h; begin += block_rows_) {
    const int end = std::min(begin + block_rows_, shape_.out_h);
    for (int group = 0; group < shape_.groups; ++group) body(group, begin, end);
  }
}

float* PatchProduct::columns() const {
  return scratch(Scratch::kColumns, static_cast<size_t>(pixels(shape_, block_rows_) * depth_));
}

void PatchProduct::forward(const float* x, const float* weight, float* y, int count,
                           bool accumulate) const {
  float* patches = columns();
  for (int i = 0; i < count; ++i, x += shape_.in_elements(), y += shape_.out_elements()) {
    const float* padded = pad_sample(shape_, x);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gather(layout_.grid(), padded + g * in_group_, begin, end, patches);
      kernels_.gemm_nt({pixels(shape_, end - begin), out_group_, depth_, patches, depth_,
                        weight + g * out_group_ * depth_, depth_,
                        y + pixels(shape_, begin) * shape_.out_channels + g * out_group_,
                        shape_.out_channels, accumulate});
    });
  }
}

void PatchProduct::weight_gradient(const float* x, const float* dy, float* dweight,
                                   int count) const {
  float* patches = columns();
  for (int i = 0; i < count; ++i, x += shape_.in_elements(), dy += shape_.out_elements()) {
    const float* padded = pad_sample(shape_, x);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gather(layout_.grid(), padded + g * in_group_, begin, end, patches);
      kernels_.gemm_tn({out_group_, depth_, pixels(shape_, end - begin),
                        dy + pixels(shape_, begin) * shape_.out_channels + g * out_group_,
                        shape_.out_channels, patches, depth_, dweight + g * out_group_ * depth_,
                        depth_, true});
    });
  }
}

void PatchProduct::input_gradient(const float* dy, const float* weight, float* dx, int count,
                                  bool accumulate) const {
  const auto padded_size = static_cast<size_t>(shape_.padded_elements());
  float* patches = columns();
  float* padded = scratch(Scratch::kPadded, padded_size);
  for (int i = 0; i < count; ++i, dx += shape_.in_elements(), dy += shape_.out_elements()) {
    std::fill_n(padded, padded_size, 0.0f);
    for_each_block([&](int g, int begin, int end) {
      kernels_.gemm_nn({pixels(shape_, end - begin), depth_, out_group_,
                        dy + pixels(shape_, begin) * shape_.out_channels + g * out_group_,
                        shape_.out_channels, weight + g * out_group_ * depth_, depth_, patches,
                        depth_, false});
      kernels_.scatter(layout_.grid(), patches, begin, end, padded + g * in_group_);
    });
    unpad_sample(shape_, padded, dx, accumulate);
  }
}

}  // namespace coppice::train
