#pragma once

#include <memory>
#include <vector>

#include "coppice/graph/graph.h"
#include "train/kernels.h"
#include "train/parameter_store.h"
#include "train/tile.h"

namespace coppice::train {

class Quantization;

/// What is the same for all layers of a step.
struct StepState {
  int samples = 0;            ///< Of this batch.
  uint64_t first_sample = 0;  ///< Samples seen before this batch, in all epochs.
  uint64_t seed = 0;
  /// Share of the old running statistics that a step keeps; below 0: the layer's own.
  float statistics_momentum = -1.0f;
};

/// Gradients of the trainable parameters: one array a lane, added up in lane order.
struct GradientLanes {
  float* data = nullptr;
  int64_t stride = 0;
  int count = 0;
  float* lane(int index) const { return data + index * stride; }
  /// The gradients [offset, offset + size) added up in lane order.
  void sum(int64_t offset, int64_t size, std::vector<float>& result) const;
};

/// Everything that a layer is made from; it outlives the layer.
struct LayerSetup {
  const Graph* graph = nullptr;
  size_t node_index = 0;
  Activation activation = Activation::kNone;  ///< The op's own or that of a fused ReLU.
  std::vector<Edge> inputs;
  const Blob* output = nullptr;
  ParameterStore* parameters = nullptr;
  GradientLanes gradients;
  const Kernels* kernels = nullptr;
  const StepState* step = nullptr;
  Quantization* quantization = nullptr;  ///< Training for integers, else nullptr.
  int batch = 0;
  bool batch_statistics = false;  ///< Batch norms normalize by the batch.
  bool training = false;          ///< Gradients are wanted.

  const Node& node() const { return graph->nodes[node_index]; }
  const Shape& output_shape() const {
    return graph->tensors[static_cast<size_t>(node().output)].shape;
  }
};

/// One operation on a batch, forward and backward, by tiles. A layer that needs a sum over the
/// whole batch says so with needs_batch(): all tiles then go through gather_*(), one thread calls
/// finish_*(), and only then the tiles go on.
class Layer {
 public:
  explicit Layer(const LayerSetup& setup) : setup_(setup) {}
  virtual ~Layer() = default;

  /// Once before each batch, by one thread: what follows from the weights alone.
  virtual void prepare() {}

  virtual bool needs_batch() const { return false; }
  virtual void gather_forward(const Tile&) {}
  virtual void finish_forward() {}
  /// Writes the output's values.
  virtual void forward(const Tile& tile) = 0;

  virtual void gather_backward(const Tile&) {}
  virtual void finish_backward() {}
  /// Reads the output's gradient (and may overwrite it), adds to the parameters' gradients, and
  /// writes or adds to those inputs' gradients that are wanted.
  virtual void backward(const Tile& tile) = 0;

  /// Training for integers: when a lane's gradients are complete, and when all lanes' are.
  virtual void finish_lane(int /*lane*/) {}
  virtual void finish_batch() {}

 protected:
  const Kernels& kernels() const { return *setup_.kernels; }
  const Edge& input(size_t index = 0) const { return setup_.inputs[index]; }
  const Blob& output() const { return *setup_.output; }
  Clamp clamp() const;
  bool clamps() const { return setup_.activation != Activation::kNone; }
  const float* x(const Tile& tile) const { return input().blob->values(tile); }
  float* y(const Tile& tile) const { return output().values(tile); }
  float* dx(const Tile& tile) const { return input().blob->gradients(tile); }
  float* dy(const Tile& tile) const { return output().gradients(tile); }

  /// The output's gradient before the activation, in place.
  float* unclamped_dy(const Tile& tile) const;
  /// Sets the wanted input gradient to zero unless it is added to.
  void clear_dx(const Tile& tile) const;

  /// Adds the column sums of a gradient [rows, channels] to a lane's bias gradient.
  void add_bias_gradient(const Tile& tile, const float* gradient, int channels,
                         float* bias_gradient, float factor = 1.0f) const;

  /// A parameter of the node; false when it has none of this name (biases).
  struct Slot {
    float* value = nullptr;
    int64_t offset = 0;
    explicit operator bool() const { return value != nullptr; }
  };
  Slot parameter(std::string_view name) const;
  /// A lane's gradient of a trainable parameter.
  float* gradient(const Slot& slot, int lane) const {
    return setup_.gradients.lane(lane) + slot.offset;
  }

  const LayerSetup setup_;
};

inline void GradientLanes::sum(int64_t offset, int64_t size, std::vector<float>& result) const {
  result.assign(static_cast<size_t>(size), 0.0f);
  for (int l = 0; l < count; ++l) {
    const float* from = lane(l) + offset;
    for (size_t i = 0; i < result.size(); ++i) result[i] += from[i];
  }
}

}  // namespace coppice::train
