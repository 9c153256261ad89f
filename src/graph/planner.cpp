#include "coppice/graph/planner.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "coppice/core/random.h"

namespace coppice {
namespace {

// Tensors that share their bytes; the unit that is placed.
struct Buffer {
  int64_t bytes = 0;
  int64_t offset = 0;
  int first = 0;
  int last = -1;  // Before `first`: no tensor of the graph uses it.
};

struct Lifetimes {
  std::vector<TensorPlacement> placements;  // Offsets still open.
  std::vector<int> buffer_of;               // By tensor.
  std::vector<Buffer> buffers;
};

bool is_alias(const Op& op) {
  return std::holds_alternative<Flatten>(op) || std::holds_alternative<Reshape>(op) ||
         std::holds_alternative<Dropout>(op);
}

bool alive_together(const Buffer& a, const Buffer& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::vector<TensorPlacement> tensor_lifetimes(const Graph& graph) {
  std::vector<TensorPlacement> placements(graph.tensors.size());
  for (size_t i = 0; i < placements.size(); ++i) placements[i].tensor = static_cast<int>(i);
  const auto at = [&](int tensor) -> TensorPlacement& {
    return placements[static_cast<size_t>(tensor)];
  };
  at(graph.input).bytes = activation_bytes(graph.tensors[static_cast<size_t>(graph.input)]);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (int input : node.inputs) at(input).last = static_cast<int>(n);
    TensorPlacement& output = at(node.output);
    output.first = output.last = static_cast<int>(n);
    output.bytes = activation_bytes(graph.tensors[static_cast<size_t>(node.output)]);
  }
  at(graph.output).last = static_cast<int>(graph.nodes.size()) - 1;
  return placements;
}

Lifetimes find_lifetimes(const Graph& graph) {
  Lifetimes lifetimes{tensor_lifetimes(graph), std::vector<int>(graph.tensors.size()), {}};
  std::iota(lifetimes.buffer_of.begin(), lifetimes.buffer_of.end(), 0);
  for (const auto& node : graph.nodes) {
    const auto in = static_cast<size_t>(node.inputs[0]), out = static_cast<size_t>(node.output);
    const bool same_bytes = lifetimes.placements[in].bytes == lifetimes.placements[out].bytes;
    if (is_alias(node.op) && same_bytes) lifetimes.buffer_of[out] = lifetimes.buffer_of[in];
  }
  lifetimes.buffers.resize(graph.tensors.size());
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const TensorPlacement& tensor = lifetimes.placements[i];
    if (tensor.bytes == 0) continue;
    Buffer& buffer = lifetimes.buffers[static_cast<size_t>(lifetimes.buffer_of[i])];
    const bool fresh = buffer.last < buffer.first;
    buffer.bytes = tensor.bytes;
    buffer.first = fresh ? tensor.first : std::min(buffer.first, tensor.first);
    buffer.last = fresh ? tensor.last : std::max(buffer.last, tensor.last);
  }
  return lifetimes;
}

// Gives each buffer, in this order, the lowest offset at which it collides with no buffer placed
// before it; returns the arena's size.
int64_t place(std::vector<Buffer>& buffers, const std::vector<size_t>& order, int64_t alignment) {
  int64_t arena = 0;
  std::vector<const Buffer*> placed, neighbours;
  for (size_t index : order) {
    Buffer& buffer = buffers[index];
    neighbours.clear();
    for (const Buffer* other : placed) {
      if (alive_together(buffer, *other)) neighbours.push_back(other);
    }
    std::sort(neighbours.begin(), neighbours.end(),
              [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    int64_t offset = 0;
    for (const Buffer* other : neighbours) {
      if (offset + buffer.bytes <= other->offset) break;
      const int64_t end = other->offset + other->bytes;
      offset = std::max(offset, (end + alignment - 1) / alignment * alignment);
    }
    buffer.offset = offset;
    arena = std::max(arena, offset + buffer.bytes);
    placed.push_back(&buffer);
  }
  return arena;
}

// An order of placing buffers, and the arena that it leads to.
struct Order {
  std::vector<size_t> indices;
  int64_t arena = 0;
};

Order best_sorted_order(std::vector<Buffer>& buffers, int64_t alignment) {
  std::vector<size_t> used;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].last >= buffers[i].first) used.push_back(i);
  }
  using Key = int64_t (*)(const Buffer&);
  const Key keys[] = {
      [](const Buffer& b) { return -b.bytes; },
      [](const Buffer& b) { return -b.bytes * (b.last - b.first + 1); },
      [](const Buffer& b) { return int64_t{b.first}; },
  };
  Order best;
  for (const Key key : keys) {
    std::stable_sort(used.begin(), used.end(), [&](size_t a, size_t b) {
      const int64_t left = key(buffers[a]), right = key(buffers[b]);
      return left != right ? left < right : buffers[a].bytes > buffers[b].bytes;
    });
    const int64_t arena = place(buffers, used, alignment);
    if (best.indices.empty() || arena < best.arena) best = {used, arena};
  }
  return best;
}

// Lets the buffer at the top of the arena be placed earlier, at random, as long as the arena does
// not grow. Some order always gives the optimum: that of the offsets in an optimal plan.
void climb(std::vector<Buffer>& buffers, Order& best, int64_t alignment, int64_t lower_bound) {
  constexpr int kAttempts = 600;
  Random random(0, "plan_memory");
  for (int attempt = 0; attempt < kAttempts && best.arena > lower_bound; ++attempt) {
    place(buffers, best.indices, alignment);
    const auto top = std::find_if(best.indices.begin(), best.indices.end(), [&](size_t i) {
      return buffers[i].offset + buffers[i].bytes == best.arena;
    });
    const auto position = static_cast<uint32_t>(top - best.indices.begin());
    if (position == 0) return;
    Order changed = best;
    const auto start = changed.indices.begin() + random.below(position);
    std::rotate(start, changed.indices.begin() + position, changed.indices.begin() + position + 1);
    changed.arena = place(buffers, changed.indices, alignment);
    if (changed.arena <= best.arena) best = std::move(changed);
  }
}

int64_t place_best(std::vector<Buffer>& buffers, int64_t alignment, int64_t lower_bound) {
  Order best = best_sorted_order(buffers, alignment);
  climb(buffers, best, alignment, lower_bound);
  return place(buffers, best.indices, alignment);
}

std::vector<int64_t> live_bytes_of(const Lifetimes& lifetimes, size_t nodes) {
  std::vector<int64_t> live(nodes, 0);
  for (const Buffer& buffer : lifetimes.buffers) {
    for (int n = std::max(buffer.first, 0); n <= buffer.last; ++n) {
      live[static_cast<size_t>(n)] += buffer.bytes;
    }
  }
  return live;
}

}  // namespace

int64_t activation_bytes(const TensorInfo& tensor) {
  const int bits = tensor.quantization ? tensor.quantization->bits : 32;
  return tensor.shape.elements() * (bits <= 8 ? 1 : bits <= 16 ? 2 : 4);
}

MemoryPlan plan_memory(const Graph& graph, int alignment) {
  assert(alignment >= 1);
  Lifetimes lifetimes = find_lifetimes(graph);
  MemoryPlan plan;
  const auto live = live_bytes_of(lifetimes, graph.nodes.size());
  const int64_t lower_bound = live.empty() ? 0 : *std::max_element(live.begin(), live.end());
  plan.arena_bytes = place_best(lifetimes.buffers, alignment, lower_bound);
  plan.placements = std::move(lifetimes.placements);
  for (size_t i = 0; i < plan.placements.size(); ++i) {
    plan.placements[i].offset =
        lifetimes.buffers[static_cast<size_t>(lifetimes.buffer_of[i])].offset;
  }
  return plan;
}

std::vector<int64_t> live_bytes(const Graph& graph) {
  return live_bytes_of(find_lifetimes(graph), graph.nodes.size());
}

}  // namespace coppice
