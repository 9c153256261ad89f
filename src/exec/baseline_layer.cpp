#include "exec/baseline_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "coppice/exec/lower.h"
#include "coppice/sparse/conv2d.h"
#include "coppice/sparse/formats.h"
#include "exec/parameter_values.h"

namespace coppice::exec {
namespace {

enum class Order { kOutputStationary, kWeightStationary };

// Memory in whole cache lines.
struct alignas(sparse::kStorageAlignment) Line {
  std::byte bytes[sparse::kStorageAlignment];
};
std::vector<Line> lines(size_t bytes) { return std::vector<Line>(bytes / sizeof(Line) + 1); }

kernels::Requantize view(const RequantizeTable& table) { return table.view(); }
kernels::ClampFloat view(const kernels::ClampFloat& clamp) { return clamp; }

template <class T>
struct Maker {
  static constexpr bool kIsFloat = std::is_same_v<T, float>;
  using Accumulator = std::conditional_t<kIsFloat, float, int32_t>;
  using Stage = std::conditional_t<kIsFloat, kernels::ClampFloat, RequantizeTable>;

  const LayerContext& context;
  Executor executor;

  Stage stage() const {
    if constexpr (kIsFloat) {
      return float_clamp(std::visit(
          [](const auto& op) {
            if constexpr (requires { op.activation; }) return op.activation;
            return Activation::kNone;
          },
          context.node.op));
    } else {
      return requantize_table(context.graph, context.node);
    }
  }

  // What a layer owns while it runs.
  template <class Format>
  struct Packed {
    std::vector<Line> storage, workspace;
    Format format;
    std::vector<Accumulator> bias;
    Stage stage;
  };

  template <class Format, class... Options>
  Result<CompiledLayer> make(const kernels::Conv2DParams& p, const sparse::DenseWeights<T>& w,
                             Order order, const char* name, Options... options) const {
    if (!Format::accepts(w, options...)) {
      return Error{ErrorCode::kUnsupported,
                   fmt::format("{}: layer \"{}\" is too large for the executor {}",
                               context.graph.name, context.node.name, executor_name(executor))};
    }
    const size_t bytes = Format::bytes(w, options...);
    auto packed = std::make_shared<Packed<Format>>();
    packed->storage = lines(bytes);
    packed->workspace = lines(order == Order::kOutputStationary
                                  ? sparse::output_stationary_workspace<T>(p)
                                  : sparse::weight_stationary_workspace<Accumulator>(p));
    packed->format = Format::pack(w, options..., packed->storage.data());
    packed->bias = parameter_values<Accumulator>(context.node, "bias");
    packed->stage = stage();
    int64_t visited = 0;
    for (int row = 0; row < w.rows; ++row) {
      packed->format.for_each(row, [&](int, int, T) { ++visited; });
    }
    const bool weights_stay = order == Order::kWeightStationary;
    return CompiledLayer{
        [p, packed, weights_stay, in = context.inputs[0], out = context.output](std::byte* arena) {
          const auto* x = reinterpret_cast<const T*>(arena + in);
          auto* y = reinterpret_cast<T*>(arena + out);
          const auto to = view(packed->stage);
          const auto* bias = packed->bias.empty() ? nullptr : packed->bias.data();
          void* workspace = packed->workspace.data();
          if (weights_stay) {
            conv2d_weight_stationary(p, to, x, packed->format, bias, workspace, y);
          } else {
            conv2d_output_stationary(p, to, x, packed->format, bias, workspace, y);
          }
        },
        name,
        fmt::format("{} non-zeros of {}, in {} bytes", count_nonzeros(w),
                    int64_t{w.rows} * w.columns(), bytes),
        static_cast<double>(visited) / static_cast<double>(int64_t{w.rows} * w.columns()),
        static_cast<int64_t>(bytes) + bytes_beside_weights(context.graph, context.node)};
  }

  template <class Params>
  Result<CompiledLayer> choose(const Params& params) const {
    const auto values = parameter_values<T>(context.node, "weight");
    const auto p = sparse::as_conv2d(params);
    const auto w = sparse::dense_weights(params, values.data());
    using sparse::MaskedGroups;
    switch (executor) {
      case Executor::kSkip:
        return make<sparse::ZeroTested<T>>(p, w, Order::kOutputStationary, "conv2d_skip");
      case Executor::kWeightStationary:
        return make<sparse::ZeroTested<T>>(p, w, Order::kWeightStationary,
                                           "conv2d_weight_stationary");
      case Executor::kBitmap:
        return make<MaskedGroups<T>>(p, w, Order::kOutputStationary, "conv2d_bitmap", 1);
      case Executor::kVectorMask:
        return make<MaskedGroups<T>>(p, w, Order::kOutputStationary, "conv2d_vector_mask",
                                     p.window.kernel_w);
      case Executor::kKernelMask:
        return make<MaskedGroups<T>>(p, w, Order::kOutputStationary, "conv2d_kernel_mask",
                                     p.taps());
      case Executor::kFilter:
        return make<sparse::KeptFilters<T>>(p, w, Order::kOutputStationary, "conv2d_kept_filters");
      case Executor::kCoordinates:
        return make<sparse::CoordinateList<T>>(p, w, Order::kOutputStationary,
                                               "conv2d_coordinates");
      default:
        return make<sparse::CoordinateList<T>>(p, w, Order::kWeightStationary,
                                               "conv2d_coordinates_weight_stationary");
    }
  }

  Result<CompiledLayer> make() const {
    const Op& op = context.node.op;
    if (std::holds_alternative<DepthwiseConv2D>(op))
      return choose(depthwise_conv2d_params(context.graph, context.node));
    if (std::holds_alternative<FullyConnected>(op))
      return choose(fully_connected_params(context.graph, context.node));
    return choose(conv2d_params(context.graph, context.node));
  }
};

}  // namespace

bool is_baseline(Executor executor) {
  return executor >= Executor::kSkip && executor <= Executor::kCoordinatesWeightStationary;
}

Result<CompiledLayer> make_baseline_layer(const LayerContext& context, Executor executor) {
  if (!context.graph.quantized()) return Maker<float>{context, executor}.make();
  COPPICE_TRY_STATUS(check_integer_node(context.graph, context.node));
  return Maker<int8_t>{context, executor}.make();
}

}  // namespace coppice::exec
