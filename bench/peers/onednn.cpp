// oneDNN's primitives, one after the other, each in the layouts that it asks for.
#include <omp.h>

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "coppice/exec/lower.h"
#include "peers/peers.h"
#include "peers/tensor_buffers.h"

namespace coppice::bench {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Arguments = std::unordered_map<int, memory>;

Error unsupported(const Node& node, const std::string& why) {
  return Error{ErrorCode::kUnsupported, "onednn: layer " + node.name + ": " + why};
}

// An int8 tensor whose real zero is -128 is a uint8 tensor without a zero point, which is what
// oneDNN's kernels like best. All others stay int8 and carry their zero point.
struct Tensor {
  memory::data_type type = memory::data_type::f32;
  int zero_point = 0;
  Dims dims;  // N, C, H, W; or N, C.
  memory memory_;
};

class Model final : public Contender {
 public:
  explicit Model(const Graph& graph)
      : graph_(graph), buffers_(graph), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  Status build() {
    for (const TensorInfo& info : graph_.tensors) tensors_.push_back(describe(info));
    find_fused_additions();
    for (const Node& node : graph_.nodes) {
      try {
        COPPICE_TRY_STATUS(std::visit([&](const auto& op) { return add(node, op); }, node.op));
      } catch (const dnnl::error& error) {
        return unsupported(node, error.what());
      }
      buffers_.release_inputs(node);
    }
    return {};
  }

  void set_input(const Values& input) override {
    Tensor& tensor = at(graph_.input);
    memory plain(plain_desc(tensor), engine_);
    if (integer_) {
      auto* out = static_cast<uint8_t*>(plain.get_data_handle());
      const uint8_t flip = sign_flip(tensor);
      for (const int8_t value : input.integer) *out++ = static_cast<uint8_t>(value) ^ flip;
    } else {
      std::copy(input.real.begin(), input.real.end(), static_cast<float*>(plain.get_data_handle()));
    }
    reorder(plain, tensor.memory_);
  }

  void run() override {
    for (const Step& step : steps_) step.primitive.execute(stream_, step.arguments);
  }

  Values output() override {
    Tensor& tensor = at(graph_.output);
    memory plain(plain_desc(tensor), engine_);
    reorder(tensor.memory_, plain);
    const auto count = static_cast<size_t>(graph_.output_shape().elements());
    Values values;
    if (integer_) {
      const auto* in = static_cast<const uint8_t*>(plain.get_data_handle());
      const uint8_t flip = sign_flip(tensor);
      for (size_t i = 0; i < count; ++i) {
        values.integer.push_back(static_cast<int8_t>(in[i] ^ flip));
      }
    } else {
      const auto* in = static_cast<const float*>(plain.get_data_handle());
      values.real.assign(in, in + count);
    }
    return values;
  }

 private:
  struct Step {
    dnnl::primitive primitive;
    Arguments arguments;
  };

  // An addition that the convolution before it does while it stores: oneDNN's own way for
  // residual networks. `kept` is the addition's other input, whose bytes become its output.
  struct FusedAddition {
    const Node* node = nullptr;
    int kept = -1;
  };

  Tensor& at(int index) { return tensors_[static_cast<size_t>(index)]; }
  const TensorInfo& info(int index) const { return graph_.tensors[static_cast<size_t>(index)]; }
  float scale(int index) const { return info(index).quantization->scale; }
  static uint8_t sign_flip(const Tensor& t) { return t.type == memory::data_type::u8 ? 0x80 : 0; }

  Tensor describe(const TensorInfo& tensor) const {
    Tensor described;
    if (integer_) {
      const bool unsigned_values = tensor.quantization->zero_point == -128;
      described.type = unsigned_values ? memory::data_type::u8 : memory::data_type::s8;
      described.zero_point = unsigned_values ? 0 : tensor.quantization->zero_point;
    }
    const Shape& shape = tensor.shape;
    described.dims = shape.rank() == 3 ? Dims{1, shape[2], shape[0], shape[1]}
                                       : Dims{1, static_cast<int64_t>(shape.elements())};
    return described;
  }

  static memory::desc plain_desc(const Tensor& t) {
    return {t.dims, t.type, t.dims.size() == 4 ? memory::format_tag::nhwc : memory::format_tag::nc};
  }
  static memory::desc any_desc(const Tensor& t) {
    return {t.dims, t.type, memory::format_tag::any};
  }

  void reorder(memory& from, memory& to) {
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  void allocate(int index, const memory::desc& desc) {
    at(index).memory_ = memory(desc, engine_, buffers_.allocate(index, desc.get_size()));
  }

  // The tensor as a primitive wants it. The graph's input is laid out to suit its first reader.
  memory source(int index, const memory::desc& wanted) {
    if (!at(index).memory_) allocate(index, wanted);
    memory& have = at(index).memory_;
    if (have.get_desc() == wanted) return have;
    memory changed(wanted, engine_);
    steps_.push_back(
        {dnnl::reorder(have, changed), {{DNNL_ARG_FROM, have}, {DNNL_ARG_TO, changed}}});
    return changed;
  }

  // A layer's float values or int8 integers, reordered once.
  memory packed(const Parameter& parameter, const memory::desc& plain, const memory::desc& wanted) {
    memory from(plain, engine_), to(wanted, engine_);
    if (integer_) {
      auto* out = static_cast<int8_t*>(from.get_data_handle());
      for (const int32_t v : parameter.quantized->values) *out++ = static_cast<int8_t>(v);
    } else {
      std::copy(parameter.value.begin(), parameter.value.end(),
                static_cast<float*>(from.get_data_handle()));
    }
    reorder(from, to);
    return to;
  }

  memory bias_of(const Node& node, int64_t channels) {
    const auto type = integer_ ? memory::data_type::s32 : memory::data_type::f32;
    memory to({{channels}, type, memory::format_tag::a}, engine_);
    const Parameter* bias = node.parameter("bias");
    const auto count = static_cast<size_t>(channels);
    if (integer_) {
      const std::vector<int32_t> zeros(count);
      const auto& values = bias != nullptr ? bias->quantized->values : zeros;
      std::copy(values.begin(), values.end(), static_cast<int32_t*>(to.get_data_handle()));
    } else {
      const std::vector<float> zeros(count);
      const auto& values = bias != nullptr ? bias->value : zeros;
      std::copy(values.begin(), values.end(), static_cast<float*>(to.get_data_handle()));
    }
    return to;
  }

  void find_fused_additions() {
    const auto readers = consumer_counts(graph_);
    for (const Node& node : graph_.nodes) {
      if (!std::holds_alternative<Add>(node.op)) continue;
      // The input that is computed last can take the other one in.
      const int last = std::max(node.inputs[0], node.inputs[1]);
      const int kept = std::min(node.inputs[0], node.inputs[1]);
      for (const Node& producer : graph_.nodes) {
        const bool convolves = std::holds_alternative<Conv2D>(producer.op);
        if (producer.output == last && convolves && readers[static_cast<size_t>(last)] == 1) {
          fused_.emplace(producer.output, FusedAddition{&node, kept});
        }
      }
    }
  }

  // What a layer does to its sums: scales, a fused addition, the activation, the zero point.
  dnnl::primitive_attr attributes(const Node& node, int output, Activation activation,
                                  const FusedAddition* addition) {
    dnnl::primitive_attr attr;
    dnnl::post_ops post;
    if (integer_) {
      const float in = scale(node.inputs[0]), out = scale(output);
      std::vector<float> scales = node.parameter("weight")->quantized->scales;
      for (float& value : scales) value = value * in / out;
      attr.set_output_scales(scales.size() == 1 ? 0 : 1 << 1, scales);
      if (const int zero = at(node.inputs[0]).zero_point; zero != 0) {
        attr.set_zero_points(DNNL_ARG_SRC, 0, {zero});
      }
    }
    if (addition != nullptr) {
      const Tensor& kept = at(addition->kept);
      if (integer_) {
        post.append_sum(scale(addition->kept) / scale(output), kept.zero_point, kept.type);
      } else {
        post.append_sum();
      }
    }
    const float unit = integer_ ? scale(output) : 1.0f;
    if (activation == Activation::kRelu) {
      post.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    } else if (activation == Activation::kRelu6) {
      post.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, 0.0f, 6.0f / unit);
    }
    if (const int zero = at(output).zero_point; zero != 0) {
      post.append_eltwise(1.0f, dnnl::algorithm::eltwise_linear, 1.0f, static_cast<float>(zero));
    }
    attr.set_post_ops(post);
    return attr;
  }

  template <class Op>
  Status add(const Node& node, const Op&) {
    return unsupported(node, "no primitive for " + std::string(op_name(node.op)));
  }

  Status add(const Node& node, const Conv2D& op) {
    const int64_t o = op.out_channels, g = op.groups, h = op.kernel.h, w = op.kernel.w;
    const int64_t i = info(node.inputs[0]).shape[2] / g;
    const auto type = integer_ ? memory::data_type::s8 : memory::data_type::f32;
    if (g == 1) {
      return convolution(node, op, {{o, i, h, w}, type, memory::format_tag::ohwi});
    }
    const Dims strides{o / g * h * w * i, h * w * i, 1, w * i, i};
    return convolution(node, op, {{g, o / g, i, h, w}, type, strides});
  }

  Status add(const Node& node, const DepthwiseConv2D& op) {
    const int64_t c = info(node.inputs[0]).shape[2], m = op.multiplier;
    const int64_t h = op.kernel.h, w = op.kernel.w;
    const auto type = integer_ ? memory::data_type::s8 : memory::data_type::f32;
    const Dims strides{m, 1, 1, w * c * m, c * m};
    return convolution(node, op, {{c, m, 1, h, w}, type, strides});
  }

  template <class Op>
  Status convolution(const Node& node, const Op& op, const memory::desc& weights) {
    const auto fused = fused_.find(node.output);
    const FusedAddition* addition = fused == fused_.end() ? nullptr : &fused->second;
    const int output = addition != nullptr ? addition->node->output : node.output;
    const Activation activation =
        addition != nullptr ? std::get<Add>(addition->node->op).activation : op.activation;
    const Tensor& x = at(node.inputs[0]);
    const Tensor& y = at(output);
    const memory::desc bias({y.dims[1]}, integer_ ? memory::data_type::s32 : memory::data_type::f32,
                            memory::format_tag::a);
    const memory::desc any_weights(weights.dims(), weights.data_type(), memory::format_tag::any);
    // The bytes of a fused addition's kept input, and so its layout, become the output's.
    const memory::desc y_desc = addition != nullptr
                                    ? with_type(at(addition->kept).memory_.get_desc(), y.type)
                                    : any_desc(y);
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, any_desc(x),
        any_weights, bias, y_desc, {op.stride.h, op.stride.w},
        {op.dilation.h - 1, op.dilation.w - 1}, {op.padding.top, op.padding.left},
        {op.padding.bottom, op.padding.right});
    const dnnl::convolution_forward::primitive_desc chosen(
        desc, attributes(node, output, activation, addition), engine_);
    const memory input = source(node.inputs[0], chosen.src_desc());
    if (addition != nullptr) {
      take_over(addition->kept, output, chosen.dst_desc());
    } else {
      allocate(output, chosen.dst_desc());
    }
    steps_.push_back(
        {dnnl::convolution_forward(chosen),
         {{DNNL_ARG_SRC, input},
          {DNNL_ARG_WEIGHTS, packed(*node.parameter("weight"), weights, chosen.weights_desc())},
          {DNNL_ARG_BIAS, bias_of(node, y.dims[1])},
          {DNNL_ARG_DST, at(output).memory_}}});
    return {};
  }

  static memory::desc with_type(memory::desc desc, memory::data_type type) {
    desc.data.data_type = static_cast<dnnl_data_type_t>(type);
    return desc;
  }

  void take_over(int kept, int output, const memory::desc& desc) {
    void* bytes = at(kept).memory_.get_data_handle();
    at(output).memory_ = memory(desc, engine_, bytes);
    buffers_.share(kept, output);
  }

  Status add(const Node& node, const FullyConnected& op) {
    const Tensor& x = at(node.inputs[0]);
    const Tensor& y = at(node.output);
    const auto type = integer_ ? memory::data_type::s8 : memory::data_type::f32;
    Dims sizes = x.dims;
    sizes[0] = op.out_features;
    const memory::desc weights(
        sizes, type, sizes.size() == 4 ? memory::format_tag::ohwi : memory::format_tag::oi);
    const memory::desc bias({op.out_features},
                            integer_ ? memory::data_type::s32 : memory::data_type::f32,
                            memory::format_tag::a);
    const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference, any_desc(x),
                                                 memory::desc(sizes, type, memory::format_tag::any),
                                                 bias, any_desc(y));
    const dnnl::inner_product_forward::primitive_desc chosen(
        desc, attributes(node, node.output, op.activation, nullptr), engine_);
    const memory input = source(node.inputs[0], chosen.src_desc());
    allocate(node.output, chosen.dst_desc());
    steps_.push_back(
        {dnnl::inner_product_forward(chosen),
         {{DNNL_ARG_SRC, input},
          {DNNL_ARG_WEIGHTS, packed(*node.parameter("weight"), weights, chosen.weights_desc())},
          {DNNL_ARG_BIAS, bias_of(node, op.out_features)},
          {DNNL_ARG_DST, at(node.output).memory_}}});
    return {};
  }

  // Done by the convolution before it.
  Status add(const Node& node, const Add&) {
    for (const auto& [output, addition] : fused_) {
      if (addition.node == &node) return {};
    }
    return unsupported(node, "an addition that no convolution can do");
  }

  Status add(const Node& node, const MaxPool2D& op) {
    return pool(node, dnnl::algorithm::pooling_max, op.kernel, op.stride, op.padding);
  }
  Status add(const Node& node, const AvgPool2D& op) {
    return pool(node, dnnl::algorithm::pooling_avg_exclude_padding, op.kernel, op.stride,
                op.padding);
  }
  Status add(const Node& node, const GlobalAvgPool&) {
    const Shape& in = info(node.inputs[0]).shape;
    at(node.output).dims = {1, in[2], 1, 1};
    return pool(node, dnnl::algorithm::pooling_avg_exclude_padding, {in[0], in[1]}, {1, 1}, {});
  }

  Status pool(const Node& node, dnnl::algorithm algorithm, Size2 kernel, Size2 stride,
              const Padding& padding) {
    const Tensor& x = at(node.inputs[0]);
    const Tensor& y = at(node.output);
    const memory::desc from = x.memory_ ? x.memory_.get_desc() : plain_desc(x);
    const Dims no_dilation{0, 0};
    const dnnl::pooling_v2_forward::desc desc(
        dnnl::prop_kind::forward_inference, algorithm, from, any_desc(y), {stride.h, stride.w},
        {kernel.h, kernel.w}, no_dilation, {padding.top, padding.left},
        {padding.bottom, padding.right});
    const dnnl::pooling_v2_forward::primitive_desc chosen(desc, engine_);
    const memory input = source(node.inputs[0], chosen.src_desc());
    allocate(node.output, chosen.dst_desc());
    steps_.push_back({dnnl::pooling_v2_forward(chosen),
                      {{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, at(node.output).memory_}}});
    return {};
  }

  const Graph graph_;
  const bool integer_ = graph_.quantized();
  TensorBuffers buffers_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<Tensor> tensors_;
  std::unordered_map<int, FusedAddition> fused_;  // By the output of the convolution.
  std::vector<Step> steps_;
};

}  // namespace

ContenderResult compile_onednn(const Graph& graph) {
  omp_set_num_threads(1);
  auto model = std::make_unique<Model>(graph);
  COPPICE_TRY_STATUS(model->build());
  return ContenderResult(std::move(model));
}

void limit_onednn_isa(Isa isa) {
  using dnnl::cpu_isa;
  switch (isa) {
    case Isa::kSse41:
      dnnl::set_max_cpu_isa(cpu_isa::sse41);
      break;
    case Isa::kAvx2:
      dnnl::set_max_cpu_isa(cpu_isa::avx2);
      break;
    case Isa::kAvxVnni:
      dnnl::set_max_cpu_isa(cpu_isa::avx2_vnni);
      break;
    case Isa::kAvx512:
      dnnl::set_max_cpu_isa(cpu_isa::avx512_core);
      break;
    case Isa::kAvx512Vnni:
      dnnl::set_max_cpu_isa(cpu_isa::avx512_core_vnni);
      break;
    default:
      break;  // It has no scalar mode.
  }
}

}  // namespace coppice::bench
