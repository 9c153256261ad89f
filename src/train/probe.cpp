#include "coppice/train/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "coppice/core/random.h"
#include "train/evaluate.h"
#include "train/loss.h"
#include "train/network.h"

namespace coppice::train {
namespace {

Status check_samples(const Graph& graph, const SampleSet& samples) {
  COPPICE_TRY_STATUS(validate(graph));
  if (graph.quantized()) {
    return Error{ErrorCode::kUnsupported,
                 graph.name + ": a quantized model has no gradients; use the float model"};
  }
  if (samples.size() == 0 || samples.shape.elements() != graph.input_shape().elements()) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{}: got {} samples of {} values, its input has {}", graph.name, samples.size(),
                    samples.shape.elements(), graph.input_shape().elements())};
  }
  return {};
}

}  // namespace

std::span<const float> SampleSet::sample(int index) const {
  const auto elements = static_cast<size_t>(shape.elements());
  return {values.data() + static_cast<size_t>(index) * elements, elements};
}

Result<SampleSet> draw_samples(const data::Dataset& dataset, data::Split split, int count,
                               uint64_t seed) {
  const int available = dataset.size(split);
  if (available == 0 || count < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {} samples of its {} split are asked for, {} are there",
                             dataset.name(), count, data::split_name(split), available)};
  }
  Random random(seed, "draw_samples");
  std::vector<int> order = random_permutation(available, random);
  order.resize(static_cast<size_t>(std::min(available, count)));
  SampleSet samples;
  samples.shape = dataset.sample_shape();
  const auto elements = static_cast<size_t>(samples.shape.elements());
  samples.values.resize(order.size() * elements);
  for (size_t i = 0; i < order.size(); ++i) {
    dataset.sample(split, order[i], data::kNotAugmented,
                   {samples.values.data() + i * elements, elements});
    samples.labels.push_back(dataset.label(split, order[i]));
  }
  return samples;
}

struct Differentiator::State {
  State(const Graph& model, const SampleSet& set, int batch_size, ProbeLoss probe_loss, int threads,
        const Kernels& kernels)
      : graph(model),
        samples(set),
        batch(std::min(batch_size, set.size())),
        loss(probe_loss),
        pool(threads),
        parameters(graph),
        network(graph, parameters, kernels, options(batch, probe_loss)) {}

  static NetworkOptions options(int batch, ProbeLoss loss) {
    NetworkOptions options;
    options.batch = batch;
    options.mode = Mode::kGradients;
    if (loss == ProbeLoss::kSumOfOutputs) options.objective = Objective::kSumOfOutputs;
    return options;
  }

  const Graph graph;
  const SampleSet samples;
  int batch;
  ProbeLoss loss;
  ThreadPool pool;
  ParameterStore parameters;
  Network network;
};

Differentiator::Differentiator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Differentiator::~Differentiator() = default;

Result<std::unique_ptr<Differentiator>> Differentiator::make(const Graph& graph,
                                                             const SampleSet& samples, int batch,
                                                             ProbeLoss loss, int threads) {
  COPPICE_TRY_STATUS(check_samples(graph, samples));
  COPPICE_TRY(const Isa isa, active_isa());
  auto state =
      std::make_unique<State>(graph, samples, std::max(1, batch), loss, threads, kernels_for(isa));
  return std::unique_ptr<Differentiator>(new Differentiator(std::move(state)));
}

int Differentiator::batches() const {
  return (state_->samples.size() + state_->batch - 1) / state_->batch;
}

void Differentiator::set_values(const Graph& graph) { state_->parameters.read_from(graph); }

double Differentiator::gradients(int batch, Gradients& gradients) {
  State& s = *state_;
  const int begin = batch * s.batch;
  const int count = std::min(s.batch, s.samples.size() - begin);
  for (int i = 0; i < count; ++i) {
    const auto sample = s.samples.sample(begin + i);
    std::copy(sample.begin(), sample.end(), s.network.input(i).begin());
  }
  const std::span<const int> labels(s.samples.labels.data() + begin, static_cast<size_t>(count));
  const BatchResult result = s.network.train(s.pool, labels, {});
  gradients.resize(s.graph.nodes.size());
  for (size_t n = 0; n < gradients.size(); ++n) {
    gradients[n].resize(s.graph.nodes[n].parameters.size());
  }
  for (const ParameterRange& range : s.parameters.ranges()) {
    if (range.offset >= s.parameters.trainable()) continue;
    s.network.gradients().sum(range.offset, range.size, gradients[range.node][range.parameter]);
  }
  return s.loss == ProbeLoss::kSumOfOutputs ? result.loss : result.loss / count;
}

double Differentiator::mean_gradients(Gradients& mean) {
  const State& s = *state_;
  double loss = 0;
  Gradients part;
  for (int b = 0; b < batches(); ++b) {
    const int count = std::min(s.batch, s.samples.size() - b * s.batch);
    const float share = static_cast<float>(count) / static_cast<float>(s.samples.size());
    loss += share * gradients(b, part);
    if (b == 0) mean = part;
    for (size_t n = 0; n < part.size(); ++n) {
      for (size_t p = 0; p < part[n].size(); ++p) {
        for (size_t i = 0; i < part[n][p].size(); ++i) {
          mean[n][p][i] = (b == 0 ? 0.0f : mean[n][p][i]) + share * part[n][p][i];
        }
      }
    }
  }
  return loss;
}

Result<std::vector<float>> logits_of(const Graph& graph, const SampleSet& samples, int threads) {
  COPPICE_TRY_STATUS(check_samples(graph, samples));
  COPPICE_TRY(const Isa isa, active_isa());
  ThreadPool pool(threads);
  ParameterStore parameters(graph);
  const int batch = std::min(kEvaluationBatch, samples.size());
  Network network(graph, parameters, kernels_for(isa), {batch, Mode::kInference});
  std::vector<float> logits;
  for (int begin = 0; begin < samples.size(); begin += batch) {
    const int count = std::min(batch, samples.size() - begin);
    for (int i = 0; i < count; ++i) {
      const auto sample = samples.sample(begin + i);
      std::copy(sample.begin(), sample.end(), network.input(i).begin());
    }
    network.infer(pool, count);
    for (int i = 0; i < count; ++i) {
      const auto values = network.logits(i);
      logits.insert(logits.end(), values.begin(), values.end());
    }
  }
  return logits;
}

LogitScore score_logits(const std::vector<float>& logits, const std::vector<int>& labels) {
  LogitScore score;
  if (labels.empty()) return score;
  const auto classes = static_cast<int>(logits.size() / labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const float* at = logits.data() + i * static_cast<size_t>(classes);
    score.loss += cross_entropy(at, classes, labels[i], 0.0f, 1.0f, nullptr);
    score.accuracy += largest_index(at, classes) == labels[i];
  }
  score.loss /= static_cast<double>(labels.size());
  score.accuracy /= static_cast<double>(labels.size());
  return score;
}

double mean_divergence(const std::vector<float>& reference, const std::vector<float>& logits,
                       int classes) {
  const size_t samples = logits.size() / static_cast<size_t>(classes);
  double sum = 0;
  for (size_t i = 0; i < samples; ++i) {
    const size_t at = i * static_cast<size_t>(classes);
    sum +=
        distillation_loss(logits.data() + at, reference.data() + at, classes, 1.0f, 1.0f, nullptr);
  }
  return samples == 0 ? 0.0 : sum / static_cast<double>(samples);
}

}  // namespace coppice::train
