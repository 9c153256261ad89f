#include "exec/placement.h"

#include <algorithm>
#include <numeric>

#include "coppice/exec/lower.h"

namespace coppice::exec {
namespace {

using kernels::Window2D;

bool is_view(const Op& op) {
  return std::holds_alternative<Flatten>(op) || std::holds_alternative<Reshape>(op) ||
         std::holds_alternative<Dropout>(op);
}

// How far a window reaches beyond its input.
Border reach(const Window2D& w) {
  const int last_row = (w.out_h - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h - w.pad_top;
  const int last_column = (w.out_w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w - w.pad_left;
  return {w.pad_top, std::max(0, last_row - w.in_h + 1), w.pad_left,
          std::max(0, last_column - w.in_w + 1)};
}

Border larger(const Border& a, const Border& b) {
  return {std::max(a.top, b.top), std::max(a.bottom, b.bottom), std::max(a.left, b.left),
          std::max(a.right, b.right)};
}

// Convolutions read padding; pools skip it.
Border border_for(const Graph& graph, const Node& node) {
  const bool convolves =
      std::holds_alternative<Conv2D>(node.op) || std::holds_alternative<DepthwiseConv2D>(node.op);
  return convolves ? reach(window_of(graph, node)) : Border{};
}

Place natural_place(const Shape& shape) {
  Place place;
  place.channels = shape.back();
  if (shape.rank() >= 2) place.width = shape[shape.rank() - 2];
  for (int axis = 0; axis + 2 < shape.rank(); ++axis) place.height *= shape[axis];
  return place;
}

// Bytes that one or more tensors use, one after the other.
struct Slot {
  Place geometry;  // With a border: of all its images.
  int padding = 0;
  int64_t bytes = 0;
  int last = -2;  // The last node that uses its present image.
};

class Placer {
 public:
  Placer(const Graph& graph, int element_bytes) : graph_(graph), element_bytes_(element_bytes) {
    const size_t tensors = graph.tensors.size();
    owner_.resize(tensors);
    std::iota(owner_.begin(), owner_.end(), 0);
    slot_.assign(tensors, -1);
    first_.assign(tensors, -1);
    last_.assign(tensors, -2);
    for (const TensorInfo& tensor : graph.tensors)
      result_.places.push_back(natural_place(tensor.shape));
    result_.copies.assign(graph.nodes.size(), false);
  }

  Placement place() {
    add_borders();
    join_views();
    find_lifetimes();
    assign_slots();
    lay_out();
    return std::move(result_);
  }

 private:
  Place& at(int tensor) { return result_.places[static_cast<size_t>(tensor)]; }
  int& owner(int tensor) { return owner_[static_cast<size_t>(tensor)]; }
  int padding_value(int tensor) const {
    return padding_byte(graph_.tensors[static_cast<size_t>(tensor)]);
  }

  void add_borders() {
    for (const Node& node : graph_.nodes) {
      const Border border = border_for(graph_, node);
      if (!border.empty()) at(node.inputs[0]).border = larger(at(node.inputs[0]).border, border);
    }
    // Against the order of the nodes: what reads a view reads its input.
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      if (!is_view(node->op) || !same_shape(*node)) continue;
      at(node->inputs[0]).border = larger(at(node->inputs[0]).border, at(node->output).border);
    }
  }

  bool same_shape(const Node& node) const {
    return graph_.tensors[static_cast<size_t>(node.inputs[0])].shape ==
           graph_.tensors[static_cast<size_t>(node.output)].shape;
  }

  // A fully connected layer, and the door of the plan, read an image of any geometry in order.
  bool read_in_order(int tensor) const {
    return std::all_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& node) {
      return node.inputs[0] != tensor || std::holds_alternative<FullyConnected>(node.op);
    });
  }

  void join_views() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (!is_view(node.op)) continue;
      const Place& in = at(node.inputs[0]);
      Place& out = at(node.output);
      const bool dense = in.border.empty() && out.border.empty();
      if (same_shape(node) || (out.border.empty() && !dense && read_in_order(node.output))) {
        out = in;
      } else if (!dense ||
                 in.height * in.width * in.channels != out.height * out.width * out.channels) {
        result_.copies[n] = true;
        continue;
      }
      owner(node.output) = owner(node.inputs[0]);
    }
  }

  void use(int tensor, int node) {
    const auto index = static_cast<size_t>(owner(tensor));
    last_[index] = std::max(last_[index], node);
  }
  void find_lifetimes() {
    const int nodes = static_cast<int>(graph_.nodes.size());
    for (int n = 0; n < nodes; ++n) {
      const Node& node = graph_.nodes[static_cast<size_t>(n)];
      for (const int input : node.inputs) use(input, n);
      if (owner(node.output) == node.output) first_[static_cast<size_t>(node.output)] = n;
      use(node.output, n);
    }
    use(graph_.output, nodes);
  }

  bool fits(const Slot& slot, const Place& place, int padding, int first) const {
    if (slot.last >= first || slot.geometry.border.empty() != place.border.empty()) return false;
    return place.border.empty() ||
           (slot.geometry.border == place.border && slot.geometry.height == place.height &&
            slot.geometry.width == place.width && slot.geometry.channels == place.channels &&
            slot.padding == padding);
  }

  void assign_slot(int tensor) {
    const auto index = static_cast<size_t>(tensor);
    const Place& place = at(tensor);
    const int padding = padding_value(tensor);
    const int64_t bytes = place.span() * element_bytes_;
    int best = -1;
    for (size_t s = 0; s < slots_.size(); ++s) {
      if (!fits(slots_[s], place, padding, first_[index])) continue;
      const auto growth = [&](const Slot& slot) {
        return std::max<int64_t>(0, bytes - slot.bytes);
      };
      if (best < 0 || growth(slots_[s]) < growth(slots_[static_cast<size_t>(best)]))
        best = static_cast<int>(s);
    }
    if (best < 0) {
      best = static_cast<int>(slots_.size());
      slots_.push_back({place, padding, 0, -2});
    }
    Slot& slot = slots_[static_cast<size_t>(best)];
    slot.bytes = std::max(slot.bytes, bytes);
    slot.last = last_[index];
    slot_[index] = best;
  }

  void assign_slots() {
    assign_slot(graph_.input);
    for (const Node& node : graph_.nodes) {
      if (owner(node.output) == node.output) assign_slot(node.output);
    }
  }

  void lay_out() {
    std::vector<int64_t> starts;
    for (const Slot& slot : slots_) {
      starts.push_back(result_.bytes);
      result_.bytes = (result_.bytes + slot.bytes + kernels::kImageSlack + 63) / 64 * 64;
    }
    result_.slot_offset.resize(graph_.tensors.size());
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const int slot = slot_[static_cast<size_t>(owner_[i])];
      if (slot < 0) continue;  // No node touches it.
      Place& place = result_.places[i];
      result_.slot_offset[i] = starts[static_cast<size_t>(slot)];
      place.offset = result_.slot_offset[i] + (place.border.top * place.row_step() +
                                               place.border.left * place.pixel_step()) *
                                                  element_bytes_;
    }
  }

  const Graph& graph_;
  int element_bytes_;
  Placement result_;
  std::vector<int> owner_;  // By tensor: whose bytes it shares.
  std::vector<int> slot_, first_, last_;
  std::vector<Slot> slots_;
};

}  // namespace

Placement place_tensors(const Graph& graph, int element_bytes) {
  return Placer(graph, element_bytes).place();
}

}  // namespace coppice::exec
