#pragma once

#include <cstdint>
#include <optional>

#include "coppice/graph/op.h"

// What each op stores, once: the writer and both readers (model files, layers written by hand)
// walk over the same list. An archive has one function for each kind of field:
//   count(key, int&, low, high, default), size(key, Size2&, default), padding(key, op),
//   activation(key, Activation&), number(key, float&, low, high), shape(key, Shape&).
// A default of nullopt means that the key must be there; model files always hold every key.
namespace coppice::io {

// Sizes are bounded so that no size of a tensor or parameter, even of a broken file, overflows.
inline constexpr int kMaxWindow = 1024;
inline constexpr int kMaxChannels = 1 << 16;
inline constexpr int kMaxMultiplier = 64;
inline constexpr int kMaxNodeInputs = 64;
inline constexpr int kMaxAxis = 1 << 24;
inline constexpr int64_t kMaxElements = int64_t{1} << 30;

template <class Archive>
void fields(Archive& a, Conv2D& op) {
  a.count("out_channels", op.out_channels, 1, kMaxChannels, std::nullopt);
  a.size("kernel", op.kernel, std::nullopt);
  a.size("stride", op.stride, Size2{});
  a.size("dilation", op.dilation, Size2{});
  a.padding("padding", op, op.dilation);
  a.count("groups", op.groups, 1, kMaxChannels, 1);
  a.activation("activation", op.activation);
}

template <class Archive>
void fields(Archive& a, DepthwiseConv2D& op) {
  a.count("multiplier", op.multiplier, 1, kMaxMultiplier, 1);
  a.size("kernel", op.kernel, std::nullopt);
  a.size("stride", op.stride, Size2{});
  a.size("dilation", op.dilation, Size2{});
  a.padding("padding", op, op.dilation);
  a.activation("activation", op.activation);
}

template <class Archive>
void fields(Archive& a, FullyConnected& op) {
  a.count("out_features", op.out_features, 1, kMaxChannels, std::nullopt);
  a.activation("activation", op.activation);
}

template <class Archive>
void fields(Archive& a, BatchNorm& op) {
  a.number("epsilon", op.epsilon, 0.0, 1.0);
  a.number("momentum", op.momentum, 0.0, 1.0);
}

template <class Archive>
void fields(Archive& a, Add& op) {
  a.activation("activation", op.activation);
}

template <class Archive, class Pool>
void pool_fields(Archive& a, Pool& op) {
  a.size("kernel", op.kernel, std::nullopt);
  a.size("stride", op.stride, op.kernel);
  a.padding("padding", op, Size2{});
}
template <class Archive>
void fields(Archive& a, AvgPool2D& op) {
  pool_fields(a, op);
}
template <class Archive>
void fields(Archive& a, MaxPool2D& op) {
  pool_fields(a, op);
}

template <class Archive>
void fields(Archive& a, Reshape& op) {
  a.shape("shape", op.shape);
}

template <class Archive>
void fields(Archive& a, Dropout& op) {
  a.number("rate", op.rate, 0.0, 1.0);
}

template <class Archive>
void fields(Archive&, Relu&) {}
template <class Archive>
void fields(Archive&, Relu6&) {}
template <class Archive>
void fields(Archive&, Concat&) {}
template <class Archive>
void fields(Archive&, GlobalAvgPool&) {}
template <class Archive>
void fields(Archive&, Flatten&) {}
template <class Archive>
void fields(Archive&, Softmax&) {}

}  // namespace coppice::io
