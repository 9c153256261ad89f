// Activations of 16 bits, from quantize() to the model file.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "coppice/deploy/generate.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/builder.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/planner.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/model_file.h"
#include "coppice/quant/fidelity.h"
#include "coppice/quant/quantize.h"
#include "coppice/train/fit.h"
#include "quant/random_samples.h"
#include "train/memory_dataset.h"

namespace coppice::quant {
namespace {

Graph quantized(const Graph& graph, const QuantizeOptions& options) {
  auto result = quantize(graph, random_samples(graph, 8), options);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

TEST(WideActivations, AreSymmetricAndKeepTheWeights) {
  const Graph graph = *make_zoo_model("resnet8", {}, 0, 1);
  const Graph narrow = quantized(graph, {}), wide = quantized(graph, {.activation_bits = 16});
  ASSERT_TRUE(wide.wide());
  for (size_t t = 0; t < wide.tensors.size(); ++t) {
    const ActivationQuantization& q = *wide.tensors[t].quantization;
    EXPECT_EQ(q.bits, 16);
    EXPECT_EQ(q.zero_point, 0);
    EXPECT_LT(q.scale, narrow.tensors[t].quantization->scale / 100.0f);
  }
  EXPECT_EQ(wide.tensors[static_cast<size_t>(wide.output)].quantization->scale, 1.0f / 32768.0f);
  for (size_t n = 0; n < wide.nodes.size(); ++n) {
    const Parameter* weight = wide.nodes[n].parameter("weight");
    if (weight == nullptr) continue;
    EXPECT_EQ(weight->quantized->values, narrow.nodes[n].parameter("weight")->quantized->values);
    EXPECT_EQ(wide.nodes[n].parameter("bias")->quantized->bits, 32);
  }
}

// What is left is the noise of the weights: float activations on the same weights have no less.
TEST(WideActivations, AddNoNoiseToThatOfTheWeights) {
  for (const char* arch : {"ds_cnn", "resnet8"}) {
    SCOPED_TRACE(arch);
    const Graph graph = *make_zoo_model(arch, {}, 0, 1);
    const Samples samples = random_samples(graph, 8);
    const Samples exact = *logits_of(*fuse_for_inference(graph), samples);
    const auto noise = [&](const Graph& model) {
      return compare_logits(exact, *logits_of(model, samples)).sqnr_db;
    };
    const Graph wide = quantized(graph, {.activation_bits = 16});
    Graph weights_only = wide;
    for (TensorInfo& tensor : weights_only.tensors) tensor.quantization.reset();
    for (Node& node : weights_only.nodes) {
      for (Parameter& parameter : node.parameters) parameter.value = dequantize(parameter);
      for (Parameter& parameter : node.parameters) parameter.quantized.reset();
    }
    EXPECT_NEAR(noise(wide), noise(weights_only), 0.2);
    EXPECT_GT(noise(wide), noise(quantized(graph, {})));
  }
}

// Qm.n of 16 bits: every factor is a shift, which the reduced multiplier holds exactly.
TEST(WideActivations, PowerOfTwoScales) {
  const Graph graph = *make_zoo_model("ds_cnn", {}, 0, 1);
  const Graph model = quantized(graph, {.activation_bits = 16, .scales = ScaleKind::kPowerOfTwo});
  const auto is_power = [](float scale) {
    return std::exp2(std::round(std::log2(scale))) == scale;
  };
  for (const TensorInfo& tensor : model.tensors) {
    EXPECT_EQ(tensor.quantization->bits, 16);
    EXPECT_TRUE(is_power(tensor.quantization->scale)) << tensor.name;
  }
  for (const Node& node : model.nodes) {
    for (const Parameter& parameter : node.parameters) {
      for (const float scale : parameter.quantized->scales) EXPECT_TRUE(is_power(scale));
    }
  }
  const Samples samples = random_samples(graph, 4);
  const Samples exact = *logits_of(*fuse_for_inference(graph), samples);
  EXPECT_GT(compare_logits(exact, *logits_of(model, samples)).sqnr_db, 15.0);
}

TEST(WideActivations, ModelFileHoldsThem) {
  const Graph graph = quantized(*make_zoo_model("tiny_conv", {}, 0, 1), {.activation_bits = 16});
  const auto path = std::filesystem::temp_directory_path() / "coppice_wide.safetensors";
  ASSERT_TRUE(io::save_model(graph, path).ok());
  const auto loaded = io::load_model(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(loaded->wide());
  const std::vector<float> x = random_samples(graph, 1)[0];
  std::vector<float> a(static_cast<size_t>(graph.output_shape().elements())), b(a);
  (*exec::compile(graph))->run(x, a);
  (*exec::compile(*loaded))->run(x, b);
  EXPECT_EQ(a, b);
}

TEST(WideActivations, EveryStepOfTheLadderRuns) {
  const Graph graph = *make_zoo_model("tiny_conv", {}, 0, 1);
  for (const char* rounding : {"nearest", "adaround", "gptq"}) {
    for (const char* calibration : {"minmax", "percentile", "mse", "kl", "aciq"}) {
      QuantizeOptions options;
      options.activation_bits = 16;
      options.weight_bits = 4;
      options.weight_rounding = rounding;
      options.calibration = calibration;
      options.bias_correction = "empirical";
      options.adaround_iterations = 20;
      EXPECT_TRUE(quantized(graph, options).wide());
    }
  }
}

TEST(WideActivations, RamBudgetPicksTheWidestThatFits) {
  const Graph graph = *make_zoo_model("ds_cnn", {}, 0, 1);
  const auto arena = [](const Graph& model) { return plan_memory(model).arena_bytes; };
  const int64_t wide = arena(quantized(graph, {.activation_bits = 16}));
  const int64_t narrow = arena(quantized(graph, {}));
  ASSERT_GT(wide, narrow);
  const auto with = [&](int64_t budget) {
    QuantizeOptions options;
    options.budget_ram_bytes = static_cast<int>(budget);
    return options;
  };
  EXPECT_EQ(arena(quantized(graph, with(wide))), wide);
  EXPECT_EQ(arena(quantized(graph, with(wide - 1))), narrow);
  EXPECT_EQ(arena(quantized(graph, with(narrow))), narrow);
  const auto refused = quantize(graph, random_samples(graph, 2), with(narrow - 1));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("take " + std::to_string(narrow)), std::string::npos)
      << refused.error().message;
}

TEST(WideActivations, TrainForIntegers) {
  const auto data = testing::blobs({6}, 3, 60, 30, 0.3f, 2);
  GraphBuilder g("net", {6}, 3);
  auto x = g.add(FullyConnected{8, Activation::kRelu}, {g.input()}, "hidden");
  x = g.add(FullyConnected{3, Activation::kNone}, {x}, "fc");
  const Graph graph = std::move(g).finish(x).value();
  Graph model = *quantize(graph, data, {.weight_bits = 4, .activation_bits = 16});
  const double before = train::evaluate(model, data, data::Split::kValidation)->accuracy();
  train::TrainOptions training;
  training.epochs = 20;
  training.batch_size = 10;
  training.learning_rate = 0.03f;
  const auto report = train::fit(model, data, training);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(model.wide());
  const double after = train::evaluate(model, data, data::Split::kValidation)->accuracy();
  EXPECT_GT(after, std::max(before, 0.8));
  // The trainer's floats say what the integers say.
  const auto best = static_cast<size_t>(report->best_epoch - 1);
  EXPECT_NEAR(after, report->epochs[best].validation_accuracy, 0.05);
}

TEST(WideActivations, FirmwareRefusesThem) {
  const Graph graph = quantized(*make_zoo_model("tiny_conv", {}, 0, 1), {.activation_bits = 16});
  const auto folder = std::filesystem::temp_directory_path() / "coppice_wide_firmware";
  const Status status = deploy::generate(graph, *deploy::find_target("cortex-m4"), folder);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("has 16-bit activations; firmware runs 8-bit ones"),
            std::string::npos)
      << status.error().message;
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace coppice::quant
