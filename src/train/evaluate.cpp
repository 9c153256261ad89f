#include "train/evaluate.h"

#include <algorithm>
#include <cmath>

#include "coppice/exec/plan.h"
#include "train/loss.h"

namespace coppice::train {
namespace {

Evaluation empty_evaluation(int classes) {
  Evaluation evaluation;
  const auto n = static_cast<size_t>(classes);
  evaluation.confusion.assign(n, std::vector<int>(n, 0));
  return evaluation;
}

void count(Evaluation& evaluation, int label, int predicted, double loss) {
  ++evaluation.samples;
  evaluation.correct += predicted == label;
  evaluation.loss += loss;
  ++evaluation.confusion[static_cast<size_t>(label)][static_cast<size_t>(predicted)];
}

void finish(Evaluation& evaluation) {
  if (evaluation.samples > 0) evaluation.loss /= evaluation.samples;
}

bool ends_in_softmax(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    return node.output == graph.output && std::holds_alternative<Softmax>(node.op);
  });
}

// What one integer inference says about one sample.
struct Outcome {
  int predicted = 0;
  double loss = 0;
};

Outcome judge(const std::vector<float>& output, int label, bool probabilities, float step) {
  const auto classes = static_cast<int>(output.size());
  Outcome outcome{largest_index(output.data(), classes), 0.0};
  if (probabilities) {
    // What an integer softmax calls 0 is less than half a step.
    outcome.loss = -std::log(std::max(output[static_cast<size_t>(label)], step / 2));
  } else {
    outcome.loss = cross_entropy(output.data(), classes, label, 0.0f, 1.0f, nullptr);
  }
  return outcome;
}

// One plan a thread; each sample has its own slot, so the sums do not depend on the threads.
Result<Evaluation> evaluate_plan(const Graph& graph, const SampleSource& source, ThreadPool& pool) {
  std::vector<std::unique_ptr<exec::Plan>> plans;
  for (int t = 0; t < pool.threads(); ++t) {
    // The fastest that is exact: integers are the same in every executor.
    exec::Options options;
    options.executor = exec::Executor::kDense;
    COPPICE_TRY(auto plan, exec::compile(graph, options));
    plans.push_back(std::move(plan));
  }
  const bool probabilities = ends_in_softmax(graph);
  const float step = graph.tensors[static_cast<size_t>(graph.output)].quantization->scale;
  std::vector<Outcome> outcomes(static_cast<size_t>(source.size()));
  const int threads = pool.threads();
  pool.run(threads, [&](int t) {
    std::vector<float> x(static_cast<size_t>(graph.input_shape().elements()));
    std::vector<float> y(static_cast<size_t>(graph.output_shape().elements()));
    for (int i = t; i < source.size(); i += threads) {
      source.read(i, x);
      plans[static_cast<size_t>(t)]->run(x, y);
      outcomes[static_cast<size_t>(i)] = judge(y, source.label(i), probabilities, step);
    }
  });
  Evaluation evaluation = empty_evaluation(static_cast<int>(graph.output_shape().elements()));
  for (int i = 0; i < source.size(); ++i) {
    const Outcome& outcome = outcomes[static_cast<size_t>(i)];
    count(evaluation, source.label(i), outcome.predicted, outcome.loss);
  }
  finish(evaluation);
  return evaluation;
}

}  // namespace

Evaluation evaluate_network(Network& network, int batch, const SampleSource& source,
                            ThreadPool& pool) {
  Evaluation evaluation = empty_evaluation(network.classes());
  for (int begin = 0; begin < source.size(); begin += batch) {
    const int samples = std::min(batch, source.size() - begin);
    pool.run(samples, [&](int i) { source.read(begin + i, network.input(i)); });
    network.infer(pool, samples);
    for (int i = 0; i < samples; ++i) {
      const float* logits = network.logits(i).data();
      const int label = source.label(begin + i);
      count(evaluation, label, largest_index(logits, network.classes()),
            cross_entropy(logits, network.classes(), label, 0.0f, 1.0f, nullptr));
    }
  }
  finish(evaluation);
  return evaluation;
}

Result<Evaluation> evaluate(const Graph& graph, const data::Dataset& dataset, data::Split split,
                            int threads) {
  COPPICE_TRY_STATUS(check_fits(graph, dataset));
  COPPICE_TRY(const Isa isa, active_isa());
  ThreadPool pool(threads);
  const SampleSource source(dataset, split, false, pool);
  if (graph.quantized()) return evaluate_plan(graph, source, pool);
  ParameterStore parameters(graph);
  Network network(graph, parameters, kernels_for(isa), {kEvaluationBatch, Mode::kInference});
  return evaluate_network(network, kEvaluationBatch, source, pool);
}

}  // namespace coppice::train
