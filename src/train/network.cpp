#include "train/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/denormals.h"
#include "train/gradient_plan.h"
#include "train/layers.h"
#include "train/loss.h"
#include "train/lowering.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

// Enough lanes to keep a machine busy, few enough that adding up their gradients costs little.
int lane_count(int batch) { return std::clamp((batch + 7) / 8, std::min(batch, 4), 16); }

// Samples whose largest activation fills a quarter of a second-level cache of 1 MiB.
int tile_size(const Graph& graph, int lane_samples) {
  constexpr int64_t kTileFloats = 64 * 1024;
  int64_t largest = 1;
  for (const auto& tensor : graph.tensors) largest = std::max(largest, tensor.shape.elements());
  return static_cast<int>(std::clamp<int64_t>(kTileFloats / largest, 1, lane_samples));
}

bool wants_gradients(Mode mode) { return mode == Mode::kTraining || mode == Mode::kGradients; }

}  // namespace

// Between forward and backward: loss, accuracy, and the gradient of the logits.
class Network::LossLayer : public Layer {
 public:
  LossLayer(const LayerSetup& setup, const NetworkOptions& options)
      : Layer(setup), options_(options), lanes_(static_cast<size_t>(setup.gradients.count)) {}

  void start(std::span<const int> labels, std::span<const float> teacher) {
    labels_ = labels;
    teacher_ = teacher;
    std::fill(lanes_.begin(), lanes_.end(), BatchResult{});
  }

  void forward(const Tile& tile) override {
    BatchResult& result = lanes_[static_cast<size_t>(tile.lane)];
    const auto classes = static_cast<int>(output().elements);
    const float scale = 1.0f / static_cast<float>(setup_.step->samples);
    for (int i = 0; i < tile.count; ++i) {
      const float* logits = y(tile) + i * classes;
      const int label = labels_[static_cast<size_t>(tile.first + i)];
      float* gradient = output().gradient == nullptr ? nullptr : dy(tile) + i * classes;
      result.correct += largest_index(logits, classes) == label;
      if (options_.objective == Objective::kSumOfOutputs) {
        result.loss += std::accumulate(logits, logits + classes, 0.0);
        if (gradient != nullptr) std::fill_n(gradient, classes, 1.0f);
        continue;
      }
      const float share = teacher_.empty() ? 0.0f : options_.distillation;
      result.loss +=
          (1.0f - share) * cross_entropy(logits, classes, label, options_.label_smoothing,
                                         (1.0f - share) * scale, gradient);
      if (share == 0.0f) continue;
      const float* teacher = teacher_.data() + (tile.first + i) * classes;
      result.loss +=
          share * distillation_loss(logits, teacher, classes, options_.distillation_temperature,
                                    share * scale, gradient);
    }
  }
  void backward(const Tile&) override {}

  BatchResult total() const {
    BatchResult sum;
    for (const auto& lane : lanes_) {
      sum.loss += lane.loss;
      sum.correct += lane.correct;
    }
    return sum;
  }

 private:
  NetworkOptions options_;
  std::span<const int> labels_;
  std::span<const float> teacher_;
  std::vector<BatchResult> lanes_;
};

Network::Network(const Graph& graph, ParameterStore& parameters, const Kernels& kernels,
                 const NetworkOptions& options)
    : kernels_(kernels), options_(options) {
  lanes_.count = lane_count(options.batch);
  lane_samples_ = (options.batch + lanes_.count - 1) / lanes_.count;
  tile_samples_ = tile_size(graph, lane_samples_);
  const bool gradients = wants_gradients(options.mode);
  if (gradients) {
    lanes_.stride = parameters.trainable();
    lane_values_ = AlignedFloats(static_cast<size_t>(lanes_.stride * lanes_.count));
    lanes_.data = lane_values_.data();
  }
  const LoweredGraph lowered = lower(graph, options.mode == Mode::kTraining);
  GradientPlan plan;
  if (gradients) plan = plan_gradients(graph, lowered);
  allocate(graph, lowered, plan);
  make_layers(graph, lowered, plan, parameters);
  schedule_forward();
  if (gradients) schedule_backward(lowered, plan);
}

Network::~Network() = default;

void Network::allocate(const Graph& graph, const LoweredGraph& lowered, const GradientPlan& plan) {
  constexpr int64_t kAlignment = 16;
  const auto aligned = [](int64_t floats) {
    return (floats + kAlignment - 1) / kAlignment * kAlignment;
  };
  const int64_t batch = options_.batch;
  std::vector<int64_t> offsets(graph.tensors.size(), -1);
  int64_t total = 0;
  const auto place = [&](int storage) {
    offsets[static_cast<size_t>(storage)] = total;
    total += aligned(batch * graph.tensors[static_cast<size_t>(storage)].shape.elements());
  };
  place(graph.input);
  for (const auto& layer : lowered.layers) place(layer.output);
  values_ = AlignedFloats(static_cast<size_t>(total + kSlack));

  std::vector<int64_t> buffer_offsets;
  int64_t gradients = 0;
  for (int64_t elements : plan.buffer_elements) {
    buffer_offsets.push_back(gradients);
    gradients += aligned(batch * elements);
  }
  gradient_values_ = AlignedFloats(static_cast<size_t>(gradients + kSlack));

  blobs_.resize(graph.tensors.size());
  for (size_t s = 0; s < blobs_.size(); ++s) {
    blobs_[s].elements = graph.tensors[s].shape.elements();
    if (offsets[s] >= 0) blobs_[s].value = values_.data() + offsets[s];
    if (plan.buffer.empty() || plan.buffer[s] < 0) continue;
    const auto buffer = static_cast<size_t>(plan.buffer[s]);
    blobs_[s].gradient = gradient_values_.data() + buffer_offsets[buffer];
    blobs_[s].gradient_stride = plan.buffer_elements[buffer];
  }
  input_ = &blobs_[static_cast<size_t>(graph.input)];
  logits_ = &blobs_[static_cast<size_t>(lowered.logits)];
}

void Network::make_layers(const Graph& graph, const LoweredGraph& lowered, const GradientPlan& plan,
                          ParameterStore& parameters) {
  LayerSetup setup;
  setup.graph = &graph;
  setup.parameters = &parameters;
  setup.gradients = lanes_;
  setup.kernels = &kernels_;
  setup.step = &step_;
  setup.quantization = options_.quantization;
  setup.batch = options_.batch;
  setup.batch_statistics = options_.mode == Mode::kStatistics || options_.mode == Mode::kTraining;
  setup.training = wants_gradients(options_.mode);
  for (size_t l = 0; l < lowered.layers.size(); ++l) {
    const LoweredLayer& layer = lowered.layers[l];
    const Node& node = graph.nodes[layer.node];
    setup.node_index = layer.node;
    setup.activation = layer.activation;
    setup.output = &blobs_[static_cast<size_t>(layer.output)];
    setup.inputs.clear();
    for (size_t i = 0; i < layer.inputs.size(); ++i) {
      const EdgePlan edge = setup.training ? plan.edges[l][i] : EdgePlan{};
      setup.inputs.push_back({&blobs_[static_cast<size_t>(layer.inputs[i])],
                              graph.tensors[static_cast<size_t>(node.inputs[i])].shape,
                              edge.wants_gradient, edge.accumulate});
    }
    layers_.push_back(std::visit([&](const auto& op) { return make_layer(op, setup); }, node.op));
    names_.push_back(node.name);
    outputs_.push_back(setup.output);
  }
  setup.inputs.clear();
  if (options_.quantization != nullptr) {
    setup.output = input_;
    input_layer_ = make_input_layer(setup);
    setup.output = logits_;
    output_layer_ = make_output_layer(lowered.logits_tensor, setup);
  }
  setup.output = logits_;
  loss_ = std::make_unique<LossLayer>(setup, options_);
}

void Network::schedule_forward() {
  phases_.emplace_back();
  if (input_layer_) phases_.back().stages.push_back({input_layer_.get(), &Layer::forward});
  for (const auto& layer : layers_) {
    if (layer->needs_batch()) {
      phases_.back().stages.push_back({layer.get(), &Layer::gather_forward});
      phases_.back().layer = layer.get();
      phases_.back().finish = &Layer::finish_forward;
      phases_.emplace_back();
    }
    phases_.back().stages.push_back({layer.get(), &Layer::forward});
  }
  if (output_layer_) phases_.back().stages.push_back({output_layer_.get(), &Layer::forward});
}

void Network::schedule_backward(const LoweredGraph& lowered, const GradientPlan& plan) {
  phases_.back().stages.push_back({loss_.get(), &Layer::forward});
  if (output_layer_) phases_.back().stages.push_back({output_layer_.get(), &Layer::backward});
  for (size_t l = layers_.size(); l-- > 0;) {
    if (plan.buffer[static_cast<size_t>(lowered.layers[l].output)] < 0) continue;
    Layer* layer = layers_[l].get();
    if (layer->needs_batch()) {
      phases_.back().stages.push_back({layer, &Layer::gather_backward});
      phases_.back().layer = layer;
      phases_.back().finish = &Layer::finish_backward;
      phases_.emplace_back();
    }
    phases_.back().stages.push_back({layer, &Layer::backward});
  }
}

std::span<float> Network::input(int index) {
  return {input_->value + index * input_->elements, static_cast<size_t>(input_->elements)};
}

std::span<const float> Network::logits(int index) const {
  return {logits_->value + index * logits_->elements, static_cast<size_t>(logits_->elements)};
}

void Network::run_lane(const Phase& phase, int lane) {
  const FlushDenormals flush;
  const int begin = lane * lane_samples_;
  const int end = std::min(begin + lane_samples_, step_.samples);
  if (&phase == &phases_.front() && wants_gradients(options_.mode)) {
    std::fill_n(lanes_.lane(lane), lanes_.stride, 0.0f);
  }
  for (int first = begin; first < end; first += tile_samples_) {
    const Tile tile{lane, first, std::min(tile_samples_, end - first)};
    for (const Stage& stage : phase.stages) (stage.layer->*stage.run)(tile);
  }
}

void Network::run_phases(ThreadPool& pool) {
  used_ = lanes_;
  used_.count = (step_.samples + lane_samples_ - 1) / lane_samples_;
  if (options_.quantization != nullptr) options_.quantization->refresh();
  for (const auto& layer : layers_) layer->prepare();
  for (const Phase& phase : phases_) {
    pool.run(used_.count, [&](int lane) { run_lane(phase, lane); });
    if (phase.finish != nullptr) (phase.layer->*phase.finish)();
  }
}

void Network::finish_gradients(ThreadPool& pool) {
  if (options_.quantization == nullptr) return;
  pool.run(used_.count, [&](int lane) {
    for (const auto& layer : layers_) layer->finish_lane(lane);
  });
  for (const auto& layer : layers_) layer->finish_batch();
}

std::string Network::first_broken_layer() const {
  for (size_t l = 0; l < layers_.size(); ++l) {
    const float* values = outputs_[l]->value;
    const bool finite = std::all_of(values, values + step_.samples * outputs_[l]->elements,
                                    [](float v) { return std::isfinite(v); });
    if (!finite) return names_[l];
  }
  return {};
}

void Network::infer(ThreadPool& pool, int samples, float statistics_momentum) {
  step_.statistics_momentum = statistics_momentum;
  step_.samples = samples;
  run_phases(pool);
}

BatchResult Network::train(ThreadPool& pool, std::span<const int> labels, const StepState& step,
                           std::span<const float> teacher) {
  step_ = step;
  step_.samples = static_cast<int>(labels.size());
  loss_->start(labels, teacher);
  run_phases(pool);
  finish_gradients(pool);
  return loss_->total();
}

}  // namespace coppice::train
