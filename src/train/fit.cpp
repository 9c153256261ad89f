#include "coppice/train/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "coppice/core/random.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

Error option_error(const std::string& what) {
  return Error{ErrorCode::kInvalidArgument, "training options: " + what};
}

Status check_options(const TrainOptions& o) {
  if (o.epochs < 0) return option_error(fmt::format("epochs is {}, expected 0 or more", o.epochs));
  if (o.batch_size < 1) {
    return option_error(fmt::format("batch_size is {}, expected 1 or more", o.batch_size));
  }
  if (!(o.learning_rate > 0.0f) || !std::isfinite(o.learning_rate)) {
    return option_error(fmt::format("learning_rate is {}, expected above 0", o.learning_rate));
  }
  if (!(o.momentum >= 0.0f && o.momentum < 1.0f)) {
    return option_error(fmt::format("momentum is {}, expected within [0, 1)", o.momentum));
  }
  if (!(o.weight_decay >= 0.0f) || !std::isfinite(o.weight_decay)) {
    return option_error(fmt::format("weight_decay is {}, expected 0 or more", o.weight_decay));
  }
  if (!(o.label_smoothing >= 0.0f && o.label_smoothing < 1.0f)) {
    return option_error(
        fmt::format("label_smoothing is {}, expected within [0, 1)", o.label_smoothing));
  }
  if (!(o.range_momentum >= 0.0f && o.range_momentum < 1.0f)) {
    return option_error(
        fmt::format("range_momentum is {}, expected within [0, 1)", o.range_momentum));
  }
  if (!(o.distillation >= 0.0f && o.distillation <= 1.0f)) {
    return option_error(fmt::format("distillation is {}, expected within [0, 1]", o.distillation));
  }
  if (!(o.distillation_temperature > 0.0f) || !std::isfinite(o.distillation_temperature)) {
    return option_error(fmt::format("distillation_temperature is {}, expected above 0",
                                    o.distillation_temperature));
  }
  if (!(o.warmup_epochs >= 0.0f) || !std::isfinite(o.warmup_epochs)) {
    return option_error(fmt::format("warmup_epochs is {}, expected 0 or more", o.warmup_epochs));
  }
  return {};
}

// Training of one graph on one dataset, epoch by epoch.
class Trainer {
 public:
  Trainer(Graph& graph, const data::Dataset& dataset, const TrainOptions& options,
          const TrainCallbacks& callbacks, const TrainingPartners& partners, const Kernels& kernels)
      : graph_(graph),
        dataset_(dataset),
        options_(options),
        callbacks_(callbacks),
        hook_(partners.hook),
        samples_(dataset.size(data::Split::kTrain)),
        pool_(options.threads),
        quantization_(graph.quantized() ? std::make_unique<Quantization>(graph, options) : nullptr),
        parameters_(trained_graph()),
        network_(
            trained_graph(), parameters_, kernels,
            {options.batch_size, Mode::kTraining, options.label_smoothing, quantization(),
             Objective::kCrossEntropy, options.distillation, options.distillation_temperature}),
        inference_(trained_graph(), parameters_, kernels,
                   {kEvaluationBatch, Mode::kInference, 0.0f, quantization()}),
        optimizer_(parameters_, options, kernels),
        validation_(dataset, data::Split::kValidation, options.epochs > 1, pool_) {
    best_values_ = values();
    if (quantization_) quantization_->bind(parameters_);
    if (partners.shared != nullptr) {
      shared_ = *partners.shared;
    } else if (quantization_ && options.keep_shared_values) {
      shared_ = find_shared(graph);
    }
    if (options.distillation > 0.0f) {
      teacher_ = std::make_unique<Teacher>(*partners.teacher, kernels, options.batch_size);
    }
  }

  Result<FitReport> run() {
    std::string fingerprint;
    const bool checkpoints = !options_.checkpoint.empty();
    if (checkpoints) {
      fingerprint = fingerprint_of(trained_graph(), dataset_, options_);
      if (hook_ != nullptr) fingerprint += " hook " + hook_->fingerprint();
      for (const SharedLayer& layer : shared_) fingerprint += fingerprint_of(layer);
      if (std::filesystem::exists(options_.checkpoint)) COPPICE_TRY_STATUS(resume(fingerprint));
    }
    for (int epoch = static_cast<int>(report_.epochs.size()); epoch < options_.epochs; ++epoch) {
      COPPICE_TRY(const EpochReport done, run_epoch(epoch));
      report_.epochs.push_back(done);
      if (is_best(done)) {
        report_.best_epoch = done.epoch;
        best_values_ = values();
      }
      if (checkpoints) COPPICE_TRY_STATUS(save(fingerprint));
      if (callbacks_.on_epoch) callbacks_.on_epoch(done);
    }
    set_values(best_values_);
    if (quantization_) {
      quantization_->refresh();
      graph_ = quantization_->model();
    } else {
      parameters_.write_to(graph_);
    }
    return std::move(report_);
  }

 private:
  Quantization* quantization() { return quantization_.get(); }
  const Graph& trained_graph() const {
    return quantization_ ? quantization_->training_graph() : graph_;
  }

  std::vector<float> values() const {
    return {parameters_.values(), parameters_.values() + parameters_.size()};
  }
  void set_values(const std::vector<float>& values) {
    std::copy(values.begin(), values.end(), parameters_.values());
  }

  // Validation sets are small: of equal accuracies the lower loss wins.
  // While a hook still changes the model, the latest epoch is all there is.
  bool is_best(const EpochReport& epoch) {
    if (hook_ != nullptr && !best_is_settled_) {
      best_is_settled_ = hook_->settled(optimizer_.steps(), steps_in_all());
      return true;
    }
    if (!options_.keep_best || validation_.size() == 0 || report_.best_epoch == 0) return true;
    const EpochReport& best = report_.epochs[static_cast<size_t>(report_.best_epoch - 1)];
    if (epoch.validation_accuracy != best.validation_accuracy) {
      return epoch.validation_accuracy > best.validation_accuracy;
    }
    return epoch.validation_loss < best.validation_loss;
  }

  Status resume(const std::string& fingerprint) {
    COPPICE_TRY(Checkpoint saved, load_checkpoint(options_.checkpoint, fingerprint));
    if (saved.values.size() != best_values_.size() ||
        saved.best_values.size() != best_values_.size() ||
        saved.first.size() != optimizer_.first().size() ||
        saved.second.size() != optimizer_.second().size() ||
        !(saved.mask.empty() || std::ssize(saved.mask) == parameters_.trainable())) {
      return Error{ErrorCode::kCorrupt,
                   options_.checkpoint.string() + ": its arrays do not fit the model"};
    }
    set_values(saved.values);
    best_values_ = std::move(saved.best_values);
    optimizer_.first() = std::move(saved.first);
    optimizer_.second() = std::move(saved.second);
    optimizer_.set_steps(saved.steps);
    report_ = std::move(saved.report);
    parameters_.masks() = std::move(saved.mask);
    best_is_settled_ = saved.settled;
    if (hook_ != nullptr) return hook_->restore(saved.hook);
    return {};
  }

  Status save(const std::string& fingerprint) {
    return save_checkpoint(
        {fingerprint, optimizer_.steps(), report_, best_is_settled_,
         hook_ == nullptr ? std::string() : hook_->state(), values(), best_values_,
         optimizer_.first(), optimizer_.second(), parameters_.masks()},
        options_.checkpoint);
  }

  // Samples are computed by all threads, then all threads train on them: nobody waits for a loader.
  void load_batch(const std::vector<int>& order, int begin, int count, int epoch) {
    labels_.resize(static_cast<size_t>(count));
    pool_.run(count, [&](int i) {
      const int index = order[static_cast<size_t>(begin + i)];
      dataset_.sample(data::Split::kTrain, index, epoch, network_.input(i));
      labels_[static_cast<size_t>(i)] = dataset_.label(data::Split::kTrain, index);
    });
  }

  int batches_an_epoch() const {
    return (samples_ + options_.batch_size - 1) / options_.batch_size;
  }
  int64_t steps_in_all() const { return int64_t{options_.epochs} * batches_an_epoch(); }

  // The teacher's logits for the batch that is loaded; empty without a teacher.
  std::span<const float> ask_teacher(int count) {
    if (teacher_ == nullptr) return {};
    Network& network = teacher_->network;
    for (int i = 0; i < count; ++i) {
      const auto x = network_.input(i);
      std::copy(x.begin(), x.end(), network.input(i).begin());
    }
    network.infer(pool_, count);
    return {network.logits(0).data(), static_cast<size_t>(count * network.classes())};
  }

  Result<EpochReport> run_epoch(int epoch) {
    const auto start = std::chrono::steady_clock::now();
    if (quantization_) quantization_->freeze(epoch >= options_.epochs - options_.frozen_epochs);
    Random random(options_.seed, "shuffle", static_cast<uint64_t>(epoch));
    const std::vector<int> order = random_permutation(samples_, random);
    const int batches = batches_an_epoch();
    EpochReport done;
    done.epoch = epoch + 1;
    double loss = 0, correct = 0;
    for (int batch = 0; batch < batches; ++batch) {
      const int begin = batch * options_.batch_size;
      const int count = std::min(options_.batch_size, samples_ - begin);
      load_batch(order, begin, count, epoch);
      StepState step;
      step.seed = options_.seed;
      step.first_sample = static_cast<uint64_t>(epoch) * static_cast<uint64_t>(samples_) +
                          static_cast<uint64_t>(begin);
      const BatchResult result = network_.train(pool_, labels_, step, ask_teacher(count));
      if (!std::isfinite(result.loss) || (quantization_ && !quantization_->broken_layer().empty()))
        return not_finite(epoch, batch);
      // The rate in the middle of the step: never 0 under warm-up or at the end of a cosine.
      done.learning_rate = learning_rate_at(options_, epoch + (batch + 0.5) / batches);
      optimizer_.step(pool_, network_.gradients(), done.learning_rate);
      for (const SharedLayer& layer : shared_) {
        project(layer, parameters_.values() + parameters_.find(layer.node, "weight")->offset);
      }
      if (hook_ != nullptr) {
        Access access(*this);
        COPPICE_TRY_STATUS(hook_->after_step(optimizer_.steps(), steps_in_all(), access));
      }
      loss += result.loss;
      correct += result.correct;
      if (callbacks_.on_batch) {
        const double seen = begin + count;
        callbacks_.on_batch(
            {epoch + 1, options_.epochs, batch + 1, batches, loss / seen, correct / seen});
      }
    }
    done.train_loss = loss / samples_;
    done.train_accuracy = correct / samples_;
    validate(done);
    done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return done;
  }

  void validate(EpochReport& done) {
    if (validation_.size() == 0) return;
    const Evaluation evaluation =
        evaluate_network(inference_, kEvaluationBatch, validation_, pool_);
    done.validation_accuracy = evaluation.accuracy();
    done.validation_loss = evaluation.loss;
  }

  // The layer whose weights, else whose output, went wrong first.
  std::string broken_layer() const {
    for (const ParameterRange& range : parameters_.ranges()) {
      const float* begin = parameters_.values() + range.offset;
      const bool finite =
          std::all_of(begin, begin + range.size, [](float v) { return std::isfinite(v); });
      if (!finite) return trained_graph().nodes[range.node].name;
    }
    return network_.first_broken_layer();
  }

  Error not_finite(int epoch, int batch) const {
    const std::string layer = broken_layer();
    const std::string where =
        layer.empty() ? std::string() : fmt::format(" (first in layer \"{}\")", layer);
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: the loss is not finite in epoch {}, batch {}{}; try a lower "
                             "learning_rate than {}",
                             graph_.name, epoch + 1, batch + 1, where, options_.learning_rate)};
  }

  struct Teacher {
    Teacher(const Graph& graph, const Kernels& kernels, int batch)
        : parameters(graph), network(graph, parameters, kernels, {batch, Mode::kInference}) {}
    ParameterStore parameters;
    Network network;
  };

  class Access : public ModelAccess {
   public:
    explicit Access(Trainer& trainer) : trainer_(trainer) {}
    void read(Graph& graph) const override { trainer_.parameters_.write_to(graph); }
    void write(const Graph& graph) override { trainer_.parameters_.read_from(graph); }
    std::vector<float> gradient(size_t node, size_t parameter) const override {
      std::vector<float> sum;
      for (const ParameterRange& range : trainer_.parameters_.ranges()) {
        if (range.node != node || range.parameter != parameter) continue;
        trainer_.network_.gradients().sum(range.offset, range.size, sum);
      }
      return sum;
    }

   private:
    Trainer& trainer_;
  };

  Graph& graph_;
  const data::Dataset& dataset_;
  const TrainOptions& options_;
  const TrainCallbacks& callbacks_;
  TrainingHook* hook_;
  std::vector<SharedLayer> shared_;
  int samples_;
  ThreadPool pool_;
  std::unique_ptr<Quantization> quantization_;  // Training for integers.
  ParameterStore parameters_;
  Network network_;
  Network inference_;
  OptimizerState optimizer_;
  SampleSource validation_;
  std::vector<int> labels_;
  std::vector<float> best_values_;
  std::unique_ptr<Teacher> teacher_;
  bool best_is_settled_ = false;
  FitReport report_;
};

Status check_teacher(const TrainOptions& options, const data::Dataset& dataset,
                     const Graph* teacher) {
  if (options.distillation == 0.0f) return {};
  if (teacher == nullptr) return option_error("distillation needs a teacher, a float model");
  COPPICE_TRY_STATUS(check_fits(*teacher, dataset));
  if (!teacher->quantized()) return {};
  return option_error(teacher->name + ": a quantized model cannot be the teacher");
}

}  // namespace

Result<FitReport> fit(Graph& graph, const data::Dataset& dataset, const TrainOptions& options,
                      const TrainCallbacks& callbacks, const TrainingPartners& partners) {
  COPPICE_TRY_STATUS(check_options(options));
  COPPICE_TRY_STATUS(check_fits(graph, dataset));
  if (graph.quantized()) COPPICE_TRY_STATUS(check_trainable(graph, options));
  if (graph.quantized() && partners.hook != nullptr) {
    return Error{ErrorCode::kUnsupported,
                 graph.name +
                     ": masks and shared weights change in the float model, before "
                     "quantization"};
  }
  if (options.epochs > 0 && dataset.size(data::Split::kTrain) == 0) {
    return Error{ErrorCode::kInvalidArgument, dataset.name() + ": no training samples"};
  }
  COPPICE_TRY_STATUS(check_teacher(options, dataset, partners.teacher));
  COPPICE_TRY(const Isa isa, active_isa());
  Trainer trainer(graph, dataset, options, callbacks, partners, kernels_for(isa));
  return trainer.run();
}

}  // namespace coppice::train
