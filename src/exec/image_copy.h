#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "coppice/kernels/image_ops.h"
#include "exec/placement.h"

// Between images and dense tensors. A dense tensor of an integer graph is int8, its image uint8.

namespace coppice::exec {

template <class T>
using DenseValue = std::conditional_t<std::is_same_v<T, uint8_t>, int8_t, T>;

inline kernels::ImageSize size_of(const Place& place) {
  return {place.height, place.width, place.channels};
}

/// The image of a tensor without gaps.
template <class T>
kernels::Image<T> dense_image(const Place& place, T* data) {
  return {data, int64_t{place.width} * place.channels, place.channels};
}

inline void copy_in(const kernels::ImageOpsU8& ops, const Place& place, const int8_t* from,
                    const kernels::Image<uint8_t>& to) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
  ops.copy(size_of(place), 0x80, dense_image(place, bytes), to);
}
inline void copy_out(const kernels::ImageOpsU8& ops, const Place& place,
                     const kernels::Image<const uint8_t>& from, int8_t* to) {
  ops.copy(size_of(place), 0x80, from, dense_image(place, reinterpret_cast<uint8_t*>(to)));
}

inline void copy_in(const kernels::ImageOpsU8&, const Place& place, const float* from,
                    const kernels::Image<float>& to) {
  const int64_t row = int64_t{place.width} * place.channels;
  for (int y = 0; y < place.height; ++y) std::copy_n(from + y * row, row, to.pixel(y, 0));
}
inline void copy_out(const kernels::ImageOpsU8&, const Place& place,
                     const kernels::Image<const float>& from, float* to) {
  const int64_t row = int64_t{place.width} * place.channels;
  for (int y = 0; y < place.height; ++y) std::copy_n(from.pixel(y, 0), row, to + y * row);
}

/// The best table that this limit allows.
inline const kernels::ImageOpsU8& image_ops_for(Isa limit) {
  const auto list = kernels::image_ops_u8();
  return *std::find_if(list.begin(), list.end(),
                       [=](const kernels::ImageOpsU8& ops) { return isa_allowed(ops.isa, limit); });
}

}  // namespace coppice::exec
