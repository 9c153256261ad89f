#pragma once

#include <cstdint>
#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/kernels/image.h"

namespace coppice::exec {

/// Pixels around an image that its consumers read as padding.
struct Border {
  int top = 0, bottom = 0, left = 0, right = 0;
  bool empty() const { return top == 0 && bottom == 0 && left == 0 && right == 0; }
  friend bool operator==(const Border&, const Border&) = default;
};

/// An image's place in the memory of a plan. A tensor of rank 1 is one pixel with that many
/// channels, unless it is a view of an image with a border (a Flatten before a fully connected
/// layer): then height, width and channels are those of that image.
struct Place {
  int height = 1, width = 1, channels = 1;
  Border border;
  int64_t offset = 0;  ///< Bytes from the start of the memory to pixel (0, 0).

  int64_t pixel_step() const { return channels; }
  int64_t row_step() const { return int64_t{border.left + width + border.right} * channels; }
  /// Elements, border included.
  int64_t span() const { return (border.top + height + border.bottom) * row_step(); }

  template <class T>
  kernels::Image<T> image(std::byte* memory) const {
    return {reinterpret_cast<T*>(memory + offset), row_step(), pixel_step()};
  }
};

/// Where each tensor lives.
struct Placement {
  std::vector<Place> places;         ///< By tensor.
  std::vector<int64_t> slot_offset;  ///< By tensor: start of its bytes, border included.
  std::vector<bool> copies;          ///< By node: a reshape that must copy.
  int64_t bytes = 0;
};

/// Each byte of a tensor's padding: uint8 images of an int8 graph hold their zero point.
inline int padding_byte(const TensorInfo& tensor) {
  const auto& quantization = tensor.quantization;
  return quantization && !quantization->wide() ? quantization->zero_point + 128 : 0;
}

/// Gives each tensor the border that its consumers' windows need. An image with a border shares
/// its bytes only with images of the same geometry and the same padding value, so that the border
/// is written once, when the plan is made; all others share what is free. kImageSlack bytes follow
/// each. Flatten, Reshape and Dropout are views unless a border is in the way.
Placement place_tensors(const Graph& graph, int element_bytes);

}  // namespace coppice::exec
