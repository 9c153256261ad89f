#include "peers/tensor_buffers.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace coppice::bench {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

void TensorBuffers::Free::operator()(std::byte* bytes) const { std::free(bytes); }

TensorBuffers::TensorBuffers(const Graph& graph)
    : readers_(consumer_counts(graph)), places_(graph.tensors.size()) {
  ++readers_[static_cast<size_t>(graph.input)];
}

std::byte* TensorBuffers::allocate(int tensor, size_t bytes) {
  const size_t size = (bytes + kSlack + kAlignment - 1) / kAlignment * kAlignment;
  // The most recently used buffer that is large enough is the warmest.
  const auto found = std::find_if(unused_.rbegin(), unused_.rend(),
                                  [size](const Place& place) { return place.size >= size; });
  Place place;
  if (found != unused_.rend()) {
    place = *found;
    unused_.erase(std::next(found).base());
  } else {
    place = {static_cast<std::byte*>(std::aligned_alloc(kAlignment, size)), size};
    if (place.bytes == nullptr) throw std::bad_alloc();
    owned_.emplace_back(place.bytes);
    std::memset(place.bytes, 0, size);
  }
  places_[static_cast<size_t>(tensor)] = place;
  return place.bytes;
}

void TensorBuffers::share(int kept, int output) {
  places_[static_cast<size_t>(output)] = places_[static_cast<size_t>(kept)];
  ++readers_[static_cast<size_t>(kept)];  // Its bytes are given back as the output's.
}

void TensorBuffers::release_inputs(const Node& node) {
  for (const int input : node.inputs) {
    const Place& place = places_[static_cast<size_t>(input)];
    const bool last = --readers_[static_cast<size_t>(input)] == 0;
    if (last && place.bytes != nullptr) unused_.push_back(place);
  }
}

}  // namespace coppice::bench
