#include "coppice/quant/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/scheme.h"
#include "coppice/graph/zoo.h"
#include "quant/random_samples.h"
#include "random_graph.h"

namespace coppice::quant {
namespace {

std::vector<float> run(const Graph& graph, const std::vector<float>& input) {
  auto plan = exec::compile(graph);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  std::vector<float> output(static_cast<size_t>(graph.output_shape().elements()));
  (*plan)->run(input, output);
  return output;
}

std::string error_of(const Result<Graph>& result) {
  return result.ok() ? "" : result.error().message;
}

const ActivationQuantization& quantization(const Graph& graph, int tensor) {
  return *graph.tensors[static_cast<size_t>(tensor)].quantization;
}

// A 1x1 convolution from one channel to `weights.size()` channels.
Graph pointwise(const std::vector<float>& weights, const std::vector<float>& bias,
                Activation activation) {
  GraphBuilder builder("pointwise", {2, 2, 1}, 1);
  Conv2D op;
  op.out_channels = static_cast<int>(weights.size());
  op.activation = activation;
  auto graph = std::move(builder).finish(builder.add(op, {builder.input()}, "conv"));
  graph->nodes[0].parameter("weight")->value = weights;
  graph->nodes[0].parameter("bias")->value = bias;
  return *graph;
}

TEST(ChooseActivation, ByHand) {
  const auto symmetric = choose_activation({-1.0f, 1.0f});
  EXPECT_FLOAT_EQ(symmetric.scale, 2.0f / 255.0f);
  EXPECT_EQ(symmetric.zero_point, -1);  // -128 + 127.5 = -0.5, halves away from zero
  const auto relu = choose_activation({0.5f, 5.1f});
  EXPECT_FLOAT_EQ(relu.scale, 0.02f);  // The range is widened to hold 0.
  EXPECT_EQ(relu.zero_point, -128);
  const auto negative = choose_activation({-2.55f, -1.0f});
  EXPECT_FLOAT_EQ(negative.scale, 0.01f);
  EXPECT_EQ(negative.zero_point, 127);
  for (const float tiny : {0.0f, 1e-44f}) EXPECT_EQ(choose_activation({0.0f, tiny}).scale, 1.0f);
}

TEST(ChooseActivation, ZeroIsExactAndTheRangeFits) {
  Random random(3, "ranges");
  for (int i = 0; i < 2000; ++i) {
    const Range range{-std::exp(random.uniform(-9.0f, 9.0f)),
                      std::exp(random.uniform(-9.0f, 9.0f))};
    const auto q = choose_activation(range);
    ASSERT_GE(q.zero_point, -128);
    ASSERT_LE(q.zero_point, 127);
    // The nudge of the zero point may cost half a step at one end.
    EXPECT_LE(static_cast<float>(-128 - q.zero_point) * q.scale, range.min + 0.501f * q.scale);
    EXPECT_GE(static_cast<float>(127 - q.zero_point) * q.scale, range.max - 0.501f * q.scale);
  }
}

TEST(Quantize, ConvolutionByHand) {
  const Graph graph = pointwise({1.27f, -0.5f}, {0.1f, 0.0f}, Activation::kNone);
  const auto result = quantize(graph, Samples{{-1.0f, 1.55f, 0.0f, 0.5f}}, {});
  ASSERT_TRUE(result.ok()) << error_of(result);
  const auto& x = quantization(*result, result->input);
  EXPECT_FLOAT_EQ(x.scale, 0.01f);
  EXPECT_EQ(x.zero_point, -28);
  const auto& weight = *result->nodes[0].parameter("weight")->quantized;
  EXPECT_EQ(weight.values, (std::vector<int32_t>{127, -127}));
  EXPECT_EQ(weight.axis, 0);
  EXPECT_FLOAT_EQ(weight.scales[0], 0.01f);
  const auto& bias = *result->nodes[0].parameter("bias")->quantized;
  EXPECT_EQ(bias.bits, 32);
  EXPECT_EQ(bias.values, (std::vector<int32_t>{1000, 0}));  // 0.1 / (0.01 * 0.01)
  EXPECT_EQ(result->nodes[0].parameter("weight")->value, graph.nodes[0].parameter("weight")->value);
  EXPECT_TRUE(result->quantized());
}

TEST(Quantize, PerTensorUsesOneScale) {
  QuantizeOptions options;
  options.per_channel = false;
  const auto result = quantize(pointwise({1.27f, -0.5f}, {0, 0}, Activation::kNone),
                               Samples{{1, 2, 3, 4}}, options);
  ASSERT_TRUE(result.ok()) << error_of(result);
  const auto& weight = *result->nodes[0].parameter("weight")->quantized;
  EXPECT_EQ(weight.values, (std::vector<int32_t>{127, -50}));
  EXPECT_EQ(weight.axis, -1);
  EXPECT_EQ(weight.scales.size(), 1u);
}

TEST(Quantize, LowBitRanges) {
  for (const auto& [bits, expected] : {std::pair{4, std::vector<int32_t>{7, -4, 1, 0}},
                                       std::pair{2, std::vector<int32_t>{1, -1, 0, 0}}}) {
    QuantizeOptions options;
    options.weight_bits = bits;
    options.per_channel = false;
    const auto result =
        quantize(pointwise({7.0f, -4.0f, 1.2f, 0.3f}, {0, 0, 0, 0}, Activation::kNone),
                 Samples{{1, 2, 3, 4}}, options);
    ASSERT_TRUE(result.ok()) << error_of(result);
    EXPECT_EQ(result->nodes[0].parameter("weight")->quantized->values, expected);
    EXPECT_EQ(result->nodes[0].parameter("weight")->quantized->bits, bits);
  }
}

TEST(Quantize, ReluOutputsStartAtZero) {
  const auto result =
      quantize(pointwise({1.0f, -1.0f}, {0, 0}, Activation::kRelu), Samples{{-1, 1, 2, -3}}, {});
  ASSERT_TRUE(result.ok()) << error_of(result);
  EXPECT_EQ(quantization(*result, result->output).zero_point, -128);
  EXPECT_FLOAT_EQ(quantization(*result, result->output).scale, 3.0f / 255.0f);
}

// A dead channel keeps its bias; a large bias beside tiny weights still fits 32 bits.
TEST(Quantize, DeadChannelsAndLargeBiases) {
  for (const bool per_channel : {true, false}) {
    for (const auto& weights : {std::vector<float>{0, 1, 1e-12f}, std::vector<float>{0, 0, 0}}) {
      const Graph graph = pointwise(weights, {0.75f, -0.25f, 3.0f}, Activation::kNone);
      QuantizeOptions options;
      options.per_channel = per_channel;
      const auto result = quantize(graph, Samples{{-1, 1, 2, -3}}, options);
      ASSERT_TRUE(result.ok()) << error_of(result);
      const std::vector<float> input = {1, -1, 0.5f, 2};
      const auto expected = run(graph, input), output = run(*result, input);
      const float step = quantization(*result, result->output).scale;
      // One step for the output, and half an input step of 5 / 255 times the weight 1.
      for (size_t i = 0; i < output.size(); ++i)
        EXPECT_NEAR(output[i], expected[i], step + 2.6f / 255.0f);
    }
  }
}

TEST(Quantize, ConstantZeroActivations) {
  const Graph graph = pointwise({0, 0}, {0, 0}, Activation::kRelu);
  const auto result = quantize(graph, Samples{{0, 0, 0, 0}}, {});
  ASSERT_TRUE(result.ok()) << error_of(result);
  EXPECT_EQ(run(*result, {1, 2, 3, 4}), std::vector<float>(8, 0.0f));
}

TEST(Quantize, MaskedWeightsStayZero) {
  for (const int bits : {8, 4, 2}) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Graph graph = testing::random_graph(seed);
      testing::prune_randomly(graph, 0.6f, seed);
      QuantizeOptions options;
      options.weight_bits = bits;
      const auto result = quantize(graph, random_samples(graph, 2), options);
      ASSERT_TRUE(result.ok()) << error_of(result);
      for (const Node& node : result->nodes) {
        const Parameter* weight = node.parameter("weight");
        if (weight == nullptr) continue;
        ASSERT_EQ(weight->mask.size(), weight->value.size());
        int64_t kept = 0, lost = 0;
        for (size_t i = 0; i < weight->mask.size(); ++i) {
          const bool resurrected = weight->mask[i] == 0 && weight->quantized->values[i] != 0;
          EXPECT_FALSE(resurrected) << node.name << " " << i;
          kept += weight->mask[i];
          lost += weight->mask[i] != 0 && weight->quantized->values[i] == 0 ? 1 : 0;
        }
        EXPECT_EQ(nonzero_count(*weight), kept - lost) << node.name;
      }
    }
  }
}

TEST(Quantize, SharedQuantizations) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Graph graph = testing::random_graph(seed);
    const auto result = quantize(graph, random_samples(graph, 2), {});
    ASSERT_TRUE(result.ok()) << error_of(result);
    for (const Node& node : result->nodes) {
      const auto& y = quantization(*result, node.output);
      if (std::holds_alternative<Softmax>(node.op)) {
        EXPECT_EQ(y.scale, 1.0f / 256.0f);
        EXPECT_EQ(y.zero_point, -128);
      } else if (node.parameter("weight") == nullptr && !std::holds_alternative<Add>(node.op)) {
        for (const int input : node.inputs)
          EXPECT_EQ(quantization(*result, input).scale, y.scale) << node.name;
      }
    }
  }
}

// Signal to quantization noise at the output, in dB, over samples other than the calibration's.
double output_sqnr(const Graph& graph, const Graph& integer) {
  double signal = 0, noise = 0;
  Samples samples = random_samples(graph, 24);
  for (size_t i = 16; i < samples.size(); ++i) {
    const auto expected = run(graph, samples[i]), output = run(integer, samples[i]);
    for (size_t k = 0; k < output.size(); ++k) {
      signal += double{expected[k]} * double{expected[k]};
      noise +=
          (double{output[k]} - double{expected[k]}) * (double{output[k]} - double{expected[k]});
    }
  }
  return 10 * std::log10(signal / noise);
}

TEST(Quantize, EightBitsAreCloseAndFewerBitsAreWorse) {
  for (const char* arch : {"tiny_conv", "ds_cnn", "resnet8"}) {
    Graph graph = *make_zoo_model(arch, {}, 0, 1);
    // Without the softmax, which would hide most of the noise.
    if (std::holds_alternative<Softmax>(graph.nodes.back().op)) {
      graph.output = graph.nodes.back().inputs[0];
      graph.nodes.pop_back();
      graph.tensors.pop_back();
    }
    std::vector<double> sqnr;
    for (const int bits : {8, 4, 2}) {
      QuantizeOptions options;
      options.weight_bits = bits;
      const auto result = quantize(graph, random_samples(graph, 16), options);
      ASSERT_TRUE(result.ok()) << error_of(result);
      sqnr.push_back(output_sqnr(graph, *result));
    }
    EXPECT_GT(sqnr[0], 20.0) << arch;
    EXPECT_GT(sqnr[0], sqnr[1] + 6.0) << arch;
    EXPECT_GT(sqnr[1], sqnr[2]) << arch;
  }
}

TEST(Quantize, ErrorsSayWhatIsWrong) {
  const Graph graph = pointwise({1.0f}, {0.0f}, Activation::kNone);
  const Samples samples = {{1, 2, 3, 4}};
  const auto with = [&](auto change) {
    QuantizeOptions options;
    change(options);
    return error_of(quantize(graph, samples, options));
  };
  EXPECT_NE(with([](auto& o) { o.weight_bits = 9; }).find("weight_bits is 9"), std::string::npos);
  EXPECT_NE(with([](auto& o) { o.activation_bits = 12; }).find("activation_bits is 12"),
            std::string::npos);
  EXPECT_NE(with([](auto& o) {
              o.activation_bits = 16;
              o.rounding = Rounding::kFloat;
            }).find("no 16-bit activations"),
            std::string::npos);
  EXPECT_NE(with([](auto& o) { o.calibration = "magic"; }).find("minmax"), std::string::npos);
  EXPECT_NE(error_of(quantize(graph, Samples{}, {})).find("at least one"), std::string::npos);
  EXPECT_NE(error_of(quantize(graph, Samples{{1, 2}}, {})).find("has 2 values"), std::string::npos);
  EXPECT_NE(error_of(quantize(graph, Samples{{1, 2, 3, INFINITY}}, {})).find("the input gives"),
            std::string::npos);
  EXPECT_NE(error_of(quantize(*quantize(graph, samples, {}), samples, {})).find("already"),
            std::string::npos);
  Graph broken = graph;
  broken.nodes[0].parameter("weight")->value[0] = NAN;
  EXPECT_NE(error_of(quantize(broken, samples, {})).find("\"conv\""), std::string::npos);
}

// A dataset whose training samples tell which they are and how they were asked for.
class Numbered final : public data::Dataset {
 public:
  const std::string& name() const override { return name_; }
  Shape sample_shape() const override { return {2, 2, 1}; }
  const std::vector<std::string>& class_names() const override { return classes_; }
  int size(data::Split split) const override { return split == data::Split::kTrain ? 50 : 0; }
  int label(data::Split, int) const override { return 0; }
  void sample(data::Split split, int index, int epoch, std::span<float> x) const override {
    EXPECT_EQ(split, data::Split::kTrain);
    EXPECT_EQ(epoch, data::kNotAugmented);
    std::fill(x.begin(), x.end(), static_cast<float>(index));
    asked.push_back(index);
  }
  const std::vector<data::SkippedFile>& skipped() const override { return skipped_; }

  mutable std::vector<int> asked;

 private:
  std::string name_ = "numbered";
  std::vector<std::string> classes_ = {"one"};
  std::vector<data::SkippedFile> skipped_;
};

TEST(Quantize, DrawsDistinctTrainingSamplesBySeed) {
  const Graph graph = pointwise({1.0f}, {0.0f}, Activation::kNone);
  const auto draw = [&](uint64_t seed, int count) {
    Numbered dataset;
    QuantizeOptions options;
    options.seed = seed;
    options.calibration_samples = count;
    EXPECT_TRUE(quantize(graph, dataset, options).ok());
    return dataset.asked;
  };
  const auto first = draw(1, 20);
  EXPECT_EQ(first, draw(1, 20));
  EXPECT_NE(first, draw(2, 20));
  auto sorted = draw(3, 200);  // More than there are: each once.
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted.size(), 50u);
  EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
  Numbered dataset;
  QuantizeOptions none;
  none.calibration_samples = 0;
  EXPECT_NE(error_of(quantize(graph, dataset, none)).find("0 of 50"), std::string::npos);
}

}  // namespace
}  // namespace coppice::quant
