#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace coppice::train {

/// Zero-initialized floats aligned to a cache line.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(size_t count)
      : data_(static_cast<float*>(::operator new(count * sizeof(float), kAlignment))) {
    for (size_t i = 0; i < count; ++i) data_.get()[i] = 0.0f;
  }
  float* data() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<float, Free> data_;
};

/// What a thread needs for the time of one call. Each purpose has a buffer of its own, which grows
/// to the largest request and stays: nothing is allocated after the first step.
enum class Scratch { kPadded, kColumns, kExpanded, kBias, kCount };

/// At least `count` floats with undefined content, of the calling thread.
float* scratch(Scratch purpose, size_t count);

}  // namespace coppice::train
