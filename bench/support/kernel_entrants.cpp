#include "support/kernel_entrants.h"

#include <fmt/format.h>

#include <limits>

#include "coppice/exec/lower.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/image_ops.h"
#include "coppice/sparse/kernel.h"
#include "support/layer_image.h"

namespace coppice::bench {
namespace {

using kernels::Conv2DParams;
using kernels::DepthwiseConv2DParams;

// A kernel that a layer is not made for: not worth a line.
const Error kOtherKind{ErrorCode::kUnsupported, ""};

std::optional<Conv2DParams> params_of(const Graph& graph, const Conv2DParams*) {
  const Node& node = graph.nodes[0];
  if (std::holds_alternative<Conv2D>(node.op)) return exec::conv2d_params(graph, node);
  if (!std::holds_alternative<FullyConnected>(node.op)) return std::nullopt;
  return sparse::as_conv2d(exec::fully_connected_params(graph, node));
}
std::optional<DepthwiseConv2DParams> params_of(const Graph& graph, const DepthwiseConv2DParams*) {
  const Node& node = graph.nodes[0];
  if (!std::holds_alternative<DepthwiseConv2D>(node.op)) return std::nullopt;
  return exec::depthwise_conv2d_params(graph, node);
}

int in_channels(const Conv2DParams& p) { return p.in_channels; }
int in_channels(const DepthwiseConv2DParams& p) { return p.channels; }
int out_channels(const Conv2DParams& p) { return p.out_channels; }
int out_channels(const DepthwiseConv2DParams& p) { return p.out_channels(); }

// Weights, bias and last stage of a layer as a kernel packs them.
template <class T>
struct LayerValues {
  std::vector<float> real_weights, real_bias;
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  exec::RequantizeTable table;

  explicit LayerValues(const Graph& graph) {
    const Node& node = graph.nodes[0];
    const Parameter& w = *node.parameter("weight");
    const Parameter* b = node.parameter("bias");
    if constexpr (std::is_same_v<T, float>) {
      real_weights = w.value;
      if (b != nullptr) real_bias = b->value;
    } else {
      weights.assign(w.quantized->values.begin(), w.quantized->values.end());
      if (b != nullptr) bias = b->quantized->values;
      table = exec::requantize_table(graph, node);
    }
  }
};

// A kernel between two images.
template <class T>
class ImageRun : public Contender {
 public:
  ImageRun(LayerImage<T> in, LayerImage<T> out) : in_(std::move(in)), out_(std::move(out)) {}

  void set_input(const Values& input) override {
    if constexpr (std::is_same_v<T, float>)
      in_.set(input.real);
    else
      in_.set(input.integer);
  }
  Values output() override {
    if constexpr (std::is_same_v<T, float>)
      return {out_.template get<float>(), {}};
    else
      return {{}, out_.template get<int8_t>()};
  }

 protected:
  LayerImage<T> in_, out_;
};

template <class T, class Params>
class KernelRun final : public ImageRun<T> {
 public:
  using Run = void (*)(const Params&, const void*, const kernels::Image<const T>&,
                       const kernels::Image<T>&, kernels::RowRange);

  KernelRun(const Params& params, T padding, Run kernel, size_t packed_bytes)
      : ImageRun<T>(LayerImage<T>::input_of(params.window, in_channels(params), padding),
                    {params.window.out_h, params.window.out_w, out_channels(params), {}, T{0}}),
        params_(params),
        run_(kernel),
        packed_(packed_bytes / sizeof(CacheLine) + 1) {}

  void* packed() { return packed_.data(); }

  void run() override {
    run_(params_, packed_.data(), this->in_.image(), this->out_.image(), {0, params_.window.out_h});
  }

 private:
  const Params params_;
  const Run run_;
  std::vector<CacheLine> packed_;
};

template <class T, class Params>
class PoolRun final : public ImageRun<T> {
 public:
  using Run = void (*)(const Params&, const kernels::Image<const T>&, const kernels::Image<T>&,
                       kernels::RowRange);

  PoolRun(const Params& params, Run kernel)
      : ImageRun<T>({params.window.in_h, params.window.in_w, params.channels, {}, T{0}},
                    {params.window.out_h, params.window.out_w, params.channels, {}, T{0}}),
        params_(params),
        run_(kernel) {}

  void run() override {
    run_(params_, this->in_.image(), this->out_.image(), {0, params_.window.out_h});
  }

 private:
  const Params params_;
  const Run run_;
};

// The layer's parameters if it is of the kernel's kind: its op, its number type, 8 bits a weight.
template <class T, class Params>
std::optional<Params> matching_params(const Graph& graph) {
  const Parameter* weight = graph.nodes[0].parameter("weight");
  if (graph.nodes.size() != 1 || weight == nullptr) return std::nullopt;
  if (graph.quantized() == std::is_same_v<T, float>) return std::nullopt;
  if (graph.quantized() && weight->quantized->bits != 8) return std::nullopt;
  return params_of(graph, static_cast<const Params*>(nullptr));
}

Activation activation_of(const Op& op) {
  return std::visit(
      [](const auto& typed) {
        if constexpr (requires { typed.activation; }) return typed.activation;
        return Activation::kNone;
      },
      op);
}

Error refused(const char* name) {
  return Error{ErrorCode::kUnsupported, std::string(name) + " refuses this layer's factors"};
}

// What a kernel's pack() takes of a layer beside its parameters.
template <class T>
struct Packing {
  explicit Packing(const Graph& graph) : values(graph) {
    if constexpr (std::is_same_v<T, float>)
      to = exec::float_clamp(activation_of(graph.nodes[0].op));
    else
      to = values.table.view();
  }
  const auto* weights() const {
    if constexpr (std::is_same_v<T, float>)
      return values.real_weights.data();
    else
      return values.weights.data();
  }
  const auto* bias() const {
    if constexpr (std::is_same_v<T, float>)
      return values.real_bias.empty() ? nullptr : values.real_bias.data();
    else
      return values.bias.empty() ? nullptr : values.bias.data();
  }

  LayerValues<T> values;
  std::conditional_t<std::is_same_v<T, float>, kernels::ClampFloat, kernels::Requantize> to;
};

template <class T>
T padding_value(int32_t x_zero) {
  return static_cast<T>(std::is_same_v<T, float> ? 0 : x_zero + 128);
}

template <class T, class Params>
ContenderResult compile_dense(const kernels::LayerKernel<T, Params>& kernel, const Graph& graph) {
  const auto p = matching_params<T, Params>(graph);
  if (!p || !kernel.accepts(*p)) return kOtherKind;
  const Packing<T> packing(graph);
  auto made = std::make_unique<KernelRun<T, Params>>(*p, padding_value<T>(p->x_zero), kernel.run,
                                                     kernel.packed_bytes(*p));
  if (!kernel.pack(*p, packing.to, packing.weights(), packing.bias(), made->packed())) {
    return refused(kernel.name);
  }
  return ContenderResult(std::move(made));
}

template <class T, class Params>
ContenderResult compile_sparse(const sparse::SparseKernel<T, Params>& kernel, const Graph& graph) {
  const auto p = matching_params<T, Params>(graph);
  if (!p) return kOtherKind;
  const Packing<T> packing(graph);
  const auto* w = packing.weights();
  if (!kernel.accepts(*p, w)) return kOtherKind;
  auto made = std::make_unique<KernelRun<T, Params>>(*p, padding_value<T>(p->x_zero), kernel.run,
                                                     kernel.packed_bytes(*p, w));
  if (!kernel.pack(*p, packing.to, w, packing.bias(), made->packed())) return refused(kernel.name);
  return ContenderResult(std::move(made));
}

bool is_max_pool(const Op& op) { return std::holds_alternative<MaxPool2D>(op); }
bool is_average_pool(const Op& op) {
  return std::holds_alternative<AvgPool2D>(op) || std::holds_alternative<GlobalAvgPool>(op);
}

template <class T, class Params>
ContenderResult compile_pool(bool matches, typename PoolRun<T, Params>::Run run,
                             const Graph& graph) {
  if (!matches || graph.quantized() == std::is_same_v<T, float>) return kOtherKind;
  using Limits = std::numeric_limits<decltype(Params::min)>;
  Params p;
  p.window = exec::window_of(graph, graph.nodes[0]);
  p.channels = graph.tensors[static_cast<size_t>(graph.input)].shape.back();
  p.min = Limits::lowest(), p.max = Limits::max();
  return ContenderResult(std::make_unique<PoolRun<T, Params>>(p, run));
}

// The pools of a table: one entrant each, "max_pool2d_u8_avx2".
template <class T, class Params, class Ops>
void add_pools(std::vector<Entrant>& entrants, const kernels::KernelList<Ops>& list,
               std::optional<Isa> isa, const char* type) {
  for (const Ops& ops : list) {
    if (!isa_supported(ops.isa) || (isa && !isa_allowed(ops.isa, *isa))) continue;
    const auto add_pool = [&](const char* name, auto matches, auto run) {
      entrants.push_back({fmt::format("coppice:{}_{}_{}", name, type, isa_name(ops.isa)), true,
                          false, [matches, run](const Graph& graph) {
                            const bool matching =
                                graph.nodes.size() == 1 && matches(graph.nodes[0].op);
                            return compile_pool<T, Params>(matching, run, graph);
                          }});
    };
    add_pool("max_pool2d", is_max_pool, ops.max_pool2d);
    add_pool("avg_pool2d", is_average_pool, ops.avg_pool2d);
  }
}

// One entrant a kernel of a list.
template <class List, class Compile>
void add(std::vector<Entrant>& entrants, const List& list, std::optional<Isa> isa,
         Compile* compile) {
  for (const auto& kernel : list) {
    if (!isa_supported(kernel.isa) || (isa && !isa_allowed(kernel.isa, *isa))) continue;
    entrants.push_back({std::string("coppice:") + kernel.name, true, false,
                        [&kernel, compile](const Graph& graph) { return compile(kernel, graph); }});
  }
}

}  // namespace

std::vector<Entrant> dense_kernel_entrants(std::optional<Isa> isa) {
  std::vector<Entrant> entrants;
  add(entrants, kernels::conv2d_kernels_u8(), isa, compile_dense<uint8_t, Conv2DParams>);
  add(entrants, kernels::depthwise_conv2d_kernels_u8(), isa,
      compile_dense<uint8_t, DepthwiseConv2DParams>);
  add(entrants, kernels::conv2d_kernels_f32(), isa, compile_dense<float, Conv2DParams>);
  add(entrants, kernels::depthwise_conv2d_kernels_f32(), isa,
      compile_dense<float, DepthwiseConv2DParams>);
  add_pools<uint8_t, kernels::PoolParams<int8_t>>(entrants, kernels::image_ops_u8(), isa, "u8");
  add_pools<float, kernels::PoolParams<float>>(entrants, kernels::image_ops_f32(), isa, "f32");
  return entrants;
}

std::vector<Entrant> sparse_kernel_entrants(std::optional<Isa> isa) {
  std::vector<Entrant> entrants;
  add(entrants, sparse::sparse_conv2d_u8(), isa, compile_sparse<uint8_t, Conv2DParams>);
  add(entrants, sparse::sparse_depthwise_conv2d_u8(), isa,
      compile_sparse<uint8_t, DepthwiseConv2DParams>);
  add(entrants, sparse::sparse_conv2d_f32(), isa, compile_sparse<float, Conv2DParams>);
  add(entrants, sparse::sparse_depthwise_conv2d_f32(), isa,
      compile_sparse<float, DepthwiseConv2DParams>);
  return entrants;
}

}  // namespace coppice::bench
