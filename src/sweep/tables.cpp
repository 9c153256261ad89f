#include "coppice/sweep/tables.h"

#include "coppice/data/dataset.h"
#include "coppice/deploy/generate.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/calibration.h"
#include "coppice/quant/mixed_precision.h"
#include "coppice/quant/quantize.h"
#include "coppice/train/fit.h"
#include "sweep/table_parts.h"

namespace coppice::sweep {
namespace {

Table make_top() {
  Table t("config", "The keys at the top of a config");
  t.add("$schema", FieldKind::kString, "Where an editor finds the JSON Schema; not read");
  t.add("version", FieldKind::kInteger, "Version of the config format").one_of({1}).must_be_given();
  t.add("name", FieldKind::kString, "Name of the sweep; its default folder is runs/<name>")
      .must_be_given();
  t.add("seeds", FieldKind::kIntegers,
        "Each trial is run once for each seed: initial weights, shuffling, calibration samples")
      .at_least(0)
      .by_default({0, 1, 2});
  return t;
}

void add_speech(Table& t) {
  using D = data::DatasetConfig;
  t.add("features", &D::features, "Speech: front end that turns a clip into the model's input")
      .one_of({"mfcc", "log_mel", "micro"});
  t.add("keywords", &D::keywords, "Speech: the classes, in this order; empty: each label folder");
  t.add("unknown", &D::unknown, "Speech: add the class \"unknown\" from the other label folders");
  t.add("silence", &D::silence, "Speech: add the class \"silence\" from the background noise");
  t.add("unknown_percentage", &D::unknown_percentage,
        "Speech: unknown clips, at most so many percent of the keyword clips")
      .at_least(0)
      .in("percent");
  t.add("silence_percentage", &D::silence_percentage,
        "Speech: silence clips, in percent of the keyword clips")
      .at_least(0)
      .in("percent");
  t.add("test_only", &D::test_only, "Speech: each clip is a test clip (sets made for evaluation)");
  t.add("resample", &D::resample,
        "Speech: accept other sample rates, which are an error otherwise");
  t.add("pcan", &D::pcan, "Speech, \"micro\" features: per-channel amplitude normalization");
  t.add("time_shift_ms", &D::time_shift_ms, "Speech, training: largest shift either way")
      .at_least(0)
      .in("ms");
  t.add("background_probability", &D::background_probability,
        "Speech, training: share of clips with background noise mixed in")
      .in_range(0, 1);
  t.add("background_volume", &D::background_volume,
        "Speech, training: largest factor on that noise")
      .in_range(0, 1);
  t.add("gain_db", &D::gain_db, "Speech, training: largest change of level either way")
      .at_least(0)
      .in("dB");
  t.add("spectral_tilt", &D::spectral_tilt,
        "Speech, training: largest |a| of the filter x[n] + a x[n-1]")
      .in_range(0, 1)
      .below(1);
  t.add("speed_change", &D::speed_change,
        "Speech, training: largest relative change of speed and pitch either way")
      .in_range(0, 0.5);
  t.add("time_mask_ms", &D::time_mask_ms, "Speech, training: longest stretch that is silenced")
      .at_least(0)
      .in("ms");
}

Table make_dataset() {
  using D = data::DatasetConfig;
  Table t("dataset", "What is learned, and how training samples vary");
  t.add("type", &D::type, "Kind of dataset")
      .one_of({"speech_commands", "cifar10", "fashion_mnist"});
  t.add("path", &D::path,
        "Folder of the data, from the current folder; may be left out for fashion_mnist (the "
        "Debian package dataset-fashion-mnist)");
  t.add("seed", &D::seed,
        "Augmentation and the choice of unknown and silence clips; the same for "
        "all seeds of a sweep, so that all trials are tested on the same samples")
      .at_least(0);
  t.add("skip_bad", &D::skip_bad, "Skip broken files instead of failing");
  t.add("augment", &D::augment, "Vary training samples");
  t.add("limit_per_class", &D::limit_per_class,
        "At most so many samples of a class in each split; 0: all")
      .at_least(0)
      .in("samples");
  add_speech(t);
  t.add("validation_fraction", &D::validation_fraction,
        "Images: part of the official training set that is held out")
      .in_range(0, 1)
      .below(1);
  t.add("crop_padding", &D::crop_padding,
        "Images, training: random crop after padding by so many pixels")
      .in_range(0, 32)
      .in("pixels");
  t.add("flip", &D::flip, "Images, training: random horizontal flip (CIFAR-10 only)");
  return t;
}

Table make_model() {
  Table t("model", "The network: one of \"arch\", \"layers\" or \"file\"");
  Field& arch = t.add("arch", FieldKind::kString, "A network of the zoo, sized for the dataset");
  for (const ZooEntry& entry : zoo()) arch.allowed.push_back(std::string(entry.name));
  t.add("file", FieldKind::kString, "A model file (.safetensors), from the current folder");
  return t;
}

Table make_train() {
  Table t("train", "Train from the initial weights");
  add_training<train::TrainOptions>(t);
  return t;
}

Table make_finetune() {
  Table t = make_train().derive("finetune", "Train on; pruned weights stay zero",
                                {{"epochs", 5}, {"learning_rate", 3e-4}});
  add_distillation<train::TrainOptions>(t);
  t.add(kOnlyAfterPruning, FieldKind::kBoolean,
        "Switch the step off in trials where no step before it prunes, so that a grid does not "
        "hold the dense model fine-tuned")
      .by_default(false);
  return t;
}

Table make_qat() {
  using T = train::TrainOptions;
  using train::RangeRule;
  using train::WeightScaleRule;
  Table t = make_train().derive(
      "qat",
      "Train a quantized model on for its integers (quantization-aware training); switched off "
      "where no step before it quantizes",
      {{"epochs", 10}, {"learning_rate", 3e-4}});
  add_distillation<T>(t);
  t.add("weight_scale", &T::weight_scale_rule,
        {{"learned", WeightScaleRule::kLearned},
         {"max", WeightScaleRule::kMax},
         {"fixed", WeightScaleRule::kFixed}},
        "Scales of weights: learned (LSQ), by the largest weight in each step, or as they are");
  t.add(
      "activation_range", &T::range_rule,
      {{"moving_average", RangeRule::kMovingAverage},
       {"learned", RangeRule::kLearned},
       {"pact", RangeRule::kPact},
       {"fixed", RangeRule::kFixed}},
      "Ranges of activations: moving average of the extremes, learned (LSQ), a learned clip behind "
      "ReLUs (PACT), or as they are");
  t.add("range_momentum", &T::range_momentum, "Share of the old moving range that a batch keeps")
      .in_range(0, 1)
      .below(1);
  t.add("frozen_epochs", &T::frozen_epochs, "Last epochs in which moving ranges stay")
      .at_least(0)
      .in("epochs");
  t.add("keep_shared_values", &T::keep_shared_values,
        "Weights that share values, as \"cluster\" and \"unify\" leave them, go on doing so");
  t.add(kProgressiveBits, FieldKind::kIntegers,
        "Train with weights of at least so many bits first, such as [8, 4], an equal share of the "
        "epochs each")
      .in_range(2, 8)
      .by_default(Json::array());
  return t;
}

Table make_quantize() {
  using Q = quant::QuantizeOptions;
  Table t("quantize", "Post-training quantization; what follows runs in integers");
  const auto named = [&](const char* name, std::string Q::*member, const char* doc,
                         const std::vector<Listed>& options) {
    Field& field = t.add(name, member, doc);
    for (const Listed& option : options) field.allowed.push_back(std::string(option.name));
  };
  named(
      "recipe", &Q::recipe,
      "Sets per_channel, calibration, weight_scale, equalize, weight_rounding and bias_correction "
      "together: \"plain\" is where converters began, \"ladder\" all that helps",
      quant::recipes());
  t.add(
       "weight_bits", &Q::weight_bits,
       "Bits of a weight; 32 switches the step off (stay float), 1 goes with binary; 3, 5, 6 and 7 "
       "are stored in 4 and 8")
      .one_of({32, 8, 7, 6, 5, 4, 3, 2, 1})
      .in("bits");
  t.add("activation_bits", &Q::activation_bits,
        "Bits of an activation: 8; 16, symmetric, takes two bytes of RAM each; 4 and 2 use the low "
        "integers of an int8, accuracy without bytes")
      .one_of({16, 8, 4, 2})
      .in("bits");
  t.add(
       "budget_ram_bytes", &Q::budget_ram_bytes,
       "Take the most activation_bits, 16 or 8, whose arena (peak RAM) fits; 0: activation_bits as "
       "given")
      .at_least(0)
      .in("bytes");
  t.add("per_channel", &Q::per_channel,
        "One weight scale for each output channel, else one a tensor");
  t.add(
       "group_size", &Q::group_size,
       "Input channels with a factor of their own on the scale, for 4 bits and fewer; the products "
       "are stored in 8 bits; 0: none")
      .at_least(0)
      .in("channels");
  t.add(
      "weight_range", &Q::weight_range,
      {{"narrow", WeightRange::kNarrow},
       {"full", WeightRange::kFull},
       {"binary", WeightRange::kBinary}},
      "Integers of a weight: narrow is [-7, 7], 2 bits ternary; full is [-8, 7]; binary -1 and 1");
  t.add("scales", &Q::scales,
        {{"affine", ScaleKind::kAffine}, {"power_of_two", ScaleKind::kPowerOfTwo}},
        "Which scales are allowed");
  t.add("symmetric_activations", &Q::symmetric_activations,
        "Keep the zero points of activations 0");
  t.add("first_last_bits", &Q::first_last_bits,
        "Bits of the weights of the first and the last layer; 0: as the others")
      .one_of({0, 8, 7, 6, 5, 4, 3, 2})
      .in("bits");
  t.add("layer_bits", &Q::layer_bits,
        "Bits of the weights of single layers, as \"name or glob=bits\"; the last match counts");
  t.add("mixed_bits", &Q::mixed_bits, "Mixed precision: the widths to choose from")
      .one_of({8, 7, 6, 5, 4, 3, 2});
  t.add("budget_bytes", &Q::budget_bytes,
        "Mixed precision: choose layer_bits by a scan so that the stored weights fit; 0: off")
      .at_least(0)
      .in("bytes");
  t.add("budget_us", &Q::budget_us,
        "Mixed precision: the same for the time of the layers on this machine; 0: off")
      .at_least(0)
      .in("microseconds");
  named("mixed_solver", &Q::mixed_solver, "Mixed precision: how bits are chosen",
        quant::mixed_precision_solvers());
  Field& calibration =
      t.add("calibration", &Q::calibration, "How activation ranges are taken from samples");
  for (const quant::Calibration& entry : quant::calibrations()) {
    calibration.allowed.push_back(std::string(entry.name));
  }
  t.add("percentile", &Q::percentile, "Calibration \"percentile\": values inside the range")
      .above(50)
      .below(100)
      .in("percent");
  t.add("calibration_samples", &Q::calibration_samples,
        "Training samples that are looked at, as many of each class")
      .in_range(1, 1000000)
      .in("samples");
  t.add("weight_scale", &Q::weight_scale, {{"max", WeightScale::kMax}, {"mse", WeightScale::kMse}},
        "Scale of weights: the largest fits, or least squared error");
  t.add("equalize", &Q::equalize, "Cross-layer equalization before anything is quantized");
  named("weight_rounding", &Q::weight_rounding, "How weights become integers",
        quant::weight_roundings());
  t.add("adaround_iterations", &Q::adaround_iterations, "\"adaround\": steps a layer")
      .in_range(1, 100000);
  named("bias_correction", &Q::bias_correction, "What is added to biases for the error of weights",
        quant::bias_corrections());
  t.add("rounding", &Q::rounding,
        {{"double", Rounding::kDouble}, {"single", Rounding::kSingle}, {"float", Rounding::kFloat}},
        "How accumulators become int8: double (TFLite Micro, CMSIS-NN), single, float (XNNPACK)");
  return t;
}

Table make_evaluate() {
  Table t("evaluate", "Accuracy of the finished model; an integer model runs in integers");
  t.add("splits", &EvaluateOptions::splits, "Splits to take it on").one_of({"validation", "test"});
  return t;
}

void add_executor(Table& t) {
  using M = MeasureOptions;
  Table::Names<exec::Executor> executors;
  for (const Listed& listed : exec::executors()) {
    executors.emplace_back(listed.name.data(), static_cast<exec::Executor>(executors.size()));
  }
  t.add("executor", of<M>(&exec::Options::executor), executors,
        "Host: the kernels that run it (`coppice ops` lists them); \"auto\" takes the fastest for "
        "each layer, those that leave zeros out among them");
  t.add("threads", of<M>(&exec::Options::threads),
        "Host: threads of one inference; more than one are timed by the wall clock")
      .in_range(1, 256)
      .in("threads");
  Field& isa = t.add("isa", FieldKind::kString, "Host: limit of the instruction set");
  isa.allowed = {kBestIsa};
  for (int i = 0; i <= static_cast<int>(Isa::kNeonDot); ++i) {
    isa.allowed.push_back(std::string(isa_name(static_cast<Isa>(i))));
  }
  isa.default_value = kBestIsa;
  isa.assign = [](void* target, const Json& value) {
    const auto parsed = parse_isa(value.get<std::string>());
    auto& limit = static_cast<M*>(target)->isa;
    limit = parsed.ok() ? std::optional<Isa>(*parsed) : std::nullopt;
  };
}

Table make_measure() {
  Table t("measure", "Time of one inference of the finished model");
  Field& targets =
      t.add("targets", &MeasureOptions::targets,
            "Where it runs: this machine, or an emulated microcontroller (integer models only; the "
            "columns of a float trial stay empty)");
  targets.allowed = {"host"};
  for (const deploy::Target& target : deploy::targets()) targets.allowed.push_back(target.name);
  t.add("repetitions", &MeasureOptions::repetitions,
        "Host: repetitions of about half a millisecond of CPU time each; the median counts")
      .in_range(1, 100000);
  add_executor(t);
  return t;
}

Table make_report() {
  Table t("report", "What report.html draws");
  t.add("pareto", FieldKind::kStrings,
        "Columns and directions of the Pareto front, such as \"test_accuracy:max\"")
      .by_default({"test_accuracy:max", "flash_bytes:min"});
  return t;
}

}  // namespace

// Built once, on first use, so that no other static initializer can come too early.
const Table& top_table() {
  static const Table table = make_top();
  return table;
}
const Table& dataset_table() {
  static const Table table = make_dataset();
  return table;
}
const Table& model_table() {
  static const Table table = make_model();
  return table;
}
const Table& train_table() {
  static const Table table = make_train();
  return table;
}
const Table& finetune_table() {
  static const Table table = make_finetune();
  return table;
}
const Table& qat_table() {
  static const Table table = make_qat();
  return table;
}
const Table& quantize_table() {
  static const Table table = make_quantize();
  return table;
}
const Table& evaluate_table() {
  static const Table table = make_evaluate();
  return table;
}
const Table& measure_table() {
  static const Table table = make_measure();
  return table;
}
const Table& report_table() {
  static const Table table = make_report();
  return table;
}

const std::vector<StepKind>& step_kinds() {
  static const std::vector<StepKind> kinds = {
      {&train_table(), "epochs", 0, true},         {&prune_table(), "sparsity", 0.0, true},
      {&sparsify_table(), "sparsity", 0.0, true},  {&finetune_table(), "epochs", 0, true},
      {&dead_channel_table(), "samples", 0, true}, {&unify_table(), "share", 0.0, true},
      {&cluster_table(), "clusters", 0, true},     {&quantize_table(), "weight_bits", 32, true},
      {&qat_table(), "epochs", 0, true},           {&evaluate_table(), nullptr, nullptr, false},
      {&measure_table(), nullptr, nullptr, false}, {&sensitivity_table(), nullptr, nullptr, false},
  };
  return kinds;
}

const StepKind* find_step_kind(std::string_view name) {
  for (const StepKind& kind : step_kinds()) {
    if (kind.table->name() == name) return &kind;
  }
  return nullptr;
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const StepKind& kind : step_kinds()) names.push_back(kind.table->name());
  return names;
}

}  // namespace coppice::sweep
