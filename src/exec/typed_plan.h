#pragma once

#include <algorithm>
#include <cassert>
#include <limits>
#include <type_traits>
#include <vector>

#include "coppice/exec/plan.h"
#include "coppice/kernels/quantize.h"

namespace coppice::exec {

/// What plans have in common at their doors. Value: float, int8_t or int16_t, the type of the
/// tensors without gaps that callers and observers see. A plan gives load(), store(), run_layer()
/// and its layers' number, graph().nodes.size().
template <class Value>
class TypedPlan : public Plan {
 public:
  void run(std::span<const float> input, std::span<float> output) final {
    load_real(input);
    run_layers();
    store_real(output);
  }

  void run_int8(std::span<const int8_t> input, std::span<int8_t> output) final {
    run_values(input, output);
  }
  void run_int16(std::span<const int16_t> input, std::span<int16_t> output) final {
    run_values(input, output);
  }

  void run_observed(std::span<const float> input, std::span<float> output,
                    const Observer& observer) final {
    load_real(input);
    observe(graph().input, observer);
    for (size_t i = 0; i < graph().nodes.size(); ++i) {
      run_whole_layer(i);
      observe(graph().nodes[i].output, observer);
    }
    store_real(output);
  }

 protected:
  explicit TypedPlan(const Graph& graph) {
    if constexpr (!kIsFloat) {
      staging_.resize(static_cast<size_t>(
          std::max(graph.input_shape().elements(), graph.output_shape().elements())));
    }
  }

  /// run_layer() that also computes what no other layer reads: observers see all of it.
  virtual void run_whole_layer(size_t index) { this->run_layer(index); }
  virtual void load(const Value* input) = 0;
  virtual void store(int tensor, Value* output) = 0;

 private:
  static constexpr bool kIsFloat = std::is_same_v<Value, float>;
  using Limits = std::numeric_limits<Value>;

  void run_layers() {
    const size_t layers = graph().nodes.size();
    for (size_t i = 0; i < layers; ++i) this->run_layer(i);
  }

  template <class T>
  void run_values([[maybe_unused]] std::span<const T> input, [[maybe_unused]] std::span<T> output) {
    constexpr bool kSameType = std::is_same_v<T, Value>;
    assert(kSameType);
    if constexpr (kSameType) {
      assert(static_cast<int64_t>(input.size()) == graph().input_shape().elements());
      assert(static_cast<int64_t>(output.size()) == graph().output_shape().elements());
      load(input.data());
      run_layers();
      store(graph().output, output.data());
    }
  }

  const TensorInfo& tensor(int index) const { return graph().tensors[static_cast<size_t>(index)]; }

  void load_real(std::span<const float> input) {
    assert(static_cast<int64_t>(input.size()) == graph().input_shape().elements());
    if constexpr (kIsFloat) {
      load(input.data());
    } else {
      const auto& q = *tensor(graph().input).quantization;
      std::transform(input.begin(), input.end(), staging_.begin(), [&](float value) {
        return static_cast<Value>(
            kernels::quantize_value(value, q.scale, q.zero_point, Limits::min(), Limits::max()));
      });
      load(staging_.data());
    }
  }

  void store_real(std::span<float> output) {
    assert(static_cast<int64_t>(output.size()) == graph().output_shape().elements());
    if constexpr (kIsFloat) {
      store(graph().output, output.data());
    } else {
      store(graph().output, staging_.data());
      const auto& q = *tensor(graph().output).quantization;
      std::transform(staging_.begin(), staging_.begin() + static_cast<ptrdiff_t>(output.size()),
                     output.begin(), [&](Value value) {
                       return kernels::dequantize_value(value, q.scale, q.zero_point);
                     });
    }
  }

  void observe(int index, const Observer& observer) {
    std::vector<Value> seen(static_cast<size_t>(tensor(index).shape.elements()));
    store(index, seen.data());
    Observation observation;
    observation.tensor = index;
    if constexpr (kIsFloat) {
      observation.real = seen;
    } else if constexpr (std::is_same_v<Value, int16_t>) {
      observation.wide = seen;
    } else {
      observation.integer = seen;
    }
    observer(observation);
  }

  std::vector<Value> staging_;  // Quantized at the doors.
};

}  // namespace coppice::exec
