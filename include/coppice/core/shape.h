#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace coppice {

/// Sizes of up to four axes, outermost first. Activations carry no batch axis: [H, W, C] or [N].
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<int> sizes) : rank_(static_cast<int>(sizes.size())) {
    assert(rank_ <= kMaxRank);
    int axis = 0;
    for (int size : sizes) sizes_[static_cast<size_t>(axis++)] = size;
  }

  constexpr int rank() const { return rank_; }
  constexpr int operator[](int axis) const {
    assert(axis >= 0 && axis < rank_);
    return sizes_[static_cast<size_t>(axis)];
  }
  constexpr int& operator[](int axis) {
    assert(axis >= 0 && axis < rank_);
    return sizes_[static_cast<size_t>(axis)];
  }
  /// The innermost axis (channels); 1 for an empty shape.
  constexpr int back() const { return rank_ == 0 ? 1 : (*this)[rank_ - 1]; }
  /// Number of elements; 1 for a scalar (rank 0).
  constexpr int64_t elements() const {
    int64_t product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= (*this)[axis];
    return product;
  }
  constexpr const int* begin() const { return sizes_.data(); }
  constexpr const int* end() const { return sizes_.data() + rank_; }

  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis) {
      if (a[axis] != b[axis]) return false;
    }
    return true;
  }

 private:
  std::array<int, kMaxRank> sizes_{};
  int rank_ = 0;
};

}  // namespace coppice
