#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "coppice/core/cpu.h"
#include "coppice/kernels/image_ops.h"
#include "exec/placement.h"

// Between images and dense tensors. A dense tensor of an int8 graph is int8, its image uint8.

namespace coppice::exec {

template <class T>
using DenseValue = std::conditional_t<std::is_same_v<T, uint8_t>, int8_t, T>;

template <class T>
struct ImageOpsOf;
template <>
struct ImageOpsOf<uint8_t> {
  using Ops = kernels::ImageOpsU8;
  static kernels::KernelList<Ops> list() { return kernels::image_ops_u8(); }
};
template <>
struct ImageOpsOf<int16_t> {
  using Ops = kernels::ImageOpsI16;
  static kernels::KernelList<Ops> list() { return kernels::image_ops_i16(); }
};
template <>
struct ImageOpsOf<float> {
  using Ops = kernels::ImageOpsF32;
  static kernels::KernelList<Ops> list() { return kernels::image_ops_f32(); }
};
template <class T>
using ImageOps = typename ImageOpsOf<T>::Ops;

/// The best table that this limit allows.
template <class T>
const ImageOps<T>& image_ops_for(Isa limit) {
  const auto list = ImageOpsOf<T>::list();
  return *std::find_if(list.begin(), list.end(),
                       [=](const ImageOps<T>& ops) { return isa_allowed(ops.isa, limit); });
}

inline kernels::ImageSize size_of(const Place& place) {
  return {place.height, place.width, place.channels};
}

/// The image of a tensor without gaps.
template <class T>
kernels::Image<T> dense_image(const Place& place, T* data) {
  return {data, int64_t{place.width} * place.channels, place.channels};
}

/// From a caller's tensor: nothing behind its end is read, as the kernels do with images.
template <class T>
void copy_in(const Place& place, const DenseValue<T>* from, const kernels::Image<T>& to) {
  const int64_t row = int64_t{place.width} * place.channels;
  for (int y = 0; y < place.height; ++y, from += row) {
    T* pixels = to.pixel(y, 0);
    if constexpr (std::is_same_v<T, uint8_t>) {
      std::transform(from, from + row, pixels,
                     [](int8_t value) { return static_cast<uint8_t>(value ^ 0x80); });
    } else {
      std::copy_n(from, row, pixels);
    }
  }
}
template <class T>
void copy_out(const ImageOps<T>& ops, const Place& place, const kernels::Image<const T>& from,
              DenseValue<T>* to) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    ops.copy(size_of(place), 0x80, from, dense_image(place, reinterpret_cast<uint8_t*>(to)));
  } else {
    ops.copy(size_of(place), from, dense_image(place, to));
  }
}

}  // namespace coppice::exec
