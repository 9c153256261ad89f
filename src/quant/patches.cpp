#include "quant/patches.h"

#include <algorithm>

#include "coppice/core/random.h"
#include "coppice/exec/plan.h"
#include "quant/layer_access.h"

namespace coppice::quant {
namespace {

constexpr int kRows = 2048;

// The rows of one layer, filled sample by sample.
class Collector {
 public:
  Collector(const Graph& graph, size_t node, int samples, uint64_t seed)
      : products_(graph, graph.nodes[node]),
        tensor_(graph.nodes[node].inputs[0]),
        samples_(samples),
        picks_(std::clamp(kRows / samples, 1, products_.pixels())),
        seed_(seed + hash_name(graph.nodes[node].name)) {
    patches_.rows = samples * picks_;
    patches_.values.resize(at(int64_t{products_.groups()} * patches_.rows * products_.depth()));
  }

  int tensor() const { return tensor_; }

  void see(int sample, const float* x) {
    Random random(seed_, "patches", static_cast<uint64_t>(sample));
    for (int pick = 0; pick < picks_; ++pick) {
      const auto pixel = static_cast<int>(random.below(static_cast<uint32_t>(products_.pixels())));
      const int64_t row = int64_t{pick} * samples_ + sample;
      for (int group = 0; group < products_.groups(); ++group) {
        products_.gather(
            x, group, pixel,
            patches_.values.data() + (int64_t{group} * patches_.rows + row) * products_.depth());
      }
    }
  }
  Patches take() { return std::move(patches_); }

 private:
  LayerProducts products_;
  int tensor_, samples_, picks_;
  uint64_t seed_;
  Patches patches_;
};

}  // namespace

LayerProducts::LayerProducts(const Graph& graph, const Node& node) {
  const Shape& in = graph.tensors[at(node.inputs[0])].shape;
  const Shape& out = graph.tensors[at(node.output)].shape;
  if (std::holds_alternative<FullyConnected>(node.op)) {
    outputs_ = out.back();
    depth_ = static_cast<int>(in.elements());
    window_ = kernels::whole_image(1, 1);
    in_channels_ = depth_;
    return;
  }
  window_ = exec::window_of(graph, node);
  pixels_ = out[0] * out[1];
  in_channels_ = in[2];
  const int taps = window_.kernel_h * window_.kernel_w;
  if (const auto* op = std::get_if<DepthwiseConv2D>(&node.op)) {
    depthwise_ = true;
    multiplier_ = op->multiplier;
    groups_ = out[2];
    depth_ = taps;
  } else {
    groups_ = std::get<Conv2D>(node.op).groups;
    outputs_ = out[2] / groups_;
    depth_ = taps * in_channels_ / groups_;
  }
}

size_t LayerProducts::element(int group, int output, int k) const {
  if (depthwise_) return at(int64_t{k} * groups_ + group);
  return at((int64_t{group} * outputs_ + output) * depth_ + k);
}

void LayerProducts::gather(const float* x, int group, int pixel, float* row) const {
  const int oy = pixel / window_.out_w, ox = pixel % window_.out_w;
  const int run = depthwise_ ? 1 : in_channels_ / groups_;
  const int first = depthwise_ ? group / multiplier_ : group * run;
  for (int ky = 0; ky < window_.kernel_h; ++ky) {
    for (int kx = 0; kx < window_.kernel_w; ++kx, row += run) {
      const int y = oy * window_.stride_h - window_.pad_top + ky * window_.dilation_h;
      const int c = ox * window_.stride_w - window_.pad_left + kx * window_.dilation_w;
      const bool inside = y >= 0 && y < window_.in_h && c >= 0 && c < window_.in_w;
      const float* from = x + (int64_t{y} * window_.in_w + c) * in_channels_ + first;
      for (int i = 0; i < run; ++i) row[i] = inside ? from[i] : 0.0f;
    }
  }
}

std::vector<size_t> weighted_nodes(const Graph& graph) {
  std::vector<size_t> nodes;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].parameter("weight") != nullptr) nodes.push_back(n);
  }
  return nodes;
}

Result<std::vector<Patches>> collect_patches(const Graph& graph, const Samples& samples,
                                             const std::vector<size_t>& nodes, uint64_t seed) {
  // Integers are the same in every executor; floats are, to the last bits.
  exec::Options options;
  options.executor = exec::Executor::kDense;
  COPPICE_TRY(const auto plan, exec::compile(graph, options));
  std::vector<Collector> collectors;
  for (const size_t node : nodes) {
    collectors.emplace_back(graph, node, static_cast<int>(samples.size()), seed);
  }
  std::vector<float> output(at(graph.output_shape().elements()));
  for (size_t i = 0; i < samples.size(); ++i) {
    plan->run_observed(samples[i], output, [&](const exec::Observation& seen) {
      std::vector<float> real;
      for (Collector& collector : collectors) {
        if (collector.tensor() != seen.tensor) continue;
        if (real.empty()) real = exec::real_values(graph, seen);
        collector.see(static_cast<int>(i), real.data());
      }
    });
  }
  std::vector<Patches> patches;
  for (Collector& collector : collectors) patches.push_back(collector.take());
  return patches;
}

}  // namespace coppice::quant
