// Widths, ranges, scales and groups: what the integers are, and that the executor runs them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coppice/core/packed.h"
#include "coppice/exec/plan.h"
#include "coppice/graph/cost.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/model_file.h"
#include "coppice/quant/quantize.h"
#include "exec/integer_evaluator.h"
#include "quant/random_samples.h"
#include "random_graph.h"

namespace coppice::quant {
namespace {

std::vector<QuantizeOptions> all_formats() {
  std::vector<QuantizeOptions> all;
  for (const int bits : {8, 7, 6, 5, 4, 3, 2}) {
    for (const auto range : {WeightRange::kNarrow, WeightRange::kFull}) {
      for (const bool per_channel : {true, false}) {
        QuantizeOptions options;
        options.weight_bits = bits;
        options.weight_range = range;
        options.per_channel = per_channel;
        options.weight_scale = bits % 2 == 0 ? WeightScale::kMse : WeightScale::kMax;
        options.scales = bits % 3 == 0 ? ScaleKind::kPowerOfTwo : ScaleKind::kAffine;
        options.symmetric_activations = bits == 4;
        options.activation_bits = bits == 5 ? 4 : bits == 2 ? 2 : 8;
        options.group_size = bits <= 4 && per_channel && bits % 3 != 0 ? 3 : 0;
        all.push_back(options);
      }
    }
  }
  QuantizeOptions binary;
  binary.weight_bits = 1;
  binary.weight_range = WeightRange::kBinary;
  all.push_back(binary);
  return all;
}

std::string name_of(const QuantizeOptions& o) {
  return fmt::format("{} bits, {}, per channel {}, {} bit activations", o.weight_bits,
                     weight_range_name(o.weight_range), o.per_channel, o.activation_bits);
}

TEST(Format, IntegersStayInTheirRangeAndZerosStayZero) {
  for (const auto& options : all_formats()) {
    SCOPED_TRACE(name_of(options));
    Graph graph = testing::random_graph(11);
    testing::prune_randomly(graph, 0.5f, 11);
    const auto result = quantize(graph, random_samples(graph, 3), options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    const IntegerRange integers = weight_integers(options.weight_bits, options.weight_range);
    for (const Node& node : result->nodes) {
      const Parameter* weight = node.parameter("weight");
      if (weight == nullptr) continue;
      const auto& q = *weight->quantized;
      EXPECT_EQ(q.range, options.weight_range);
      EXPECT_EQ(q.used_bits(), options.weight_bits);
      EXPECT_EQ(q.bits, q.group_size > 0 ? 8 : container_bits(options.weight_bits));
      const int factor = q.group_size > 0 ? 16 : 1;
      for (size_t i = 0; i < q.values.size(); ++i) {
        EXPECT_GE(q.values[i], factor * integers.low);
        EXPECT_LE(q.values[i], factor * integers.high);
        const bool zero = q.values[i] == 0;
        EXPECT_TRUE(is_kept(*weight, i) || zero);
        EXPECT_FALSE(is_kept(*weight, i) && options.weight_bits == 1 && zero);
      }
      if (options.scales == ScaleKind::kPowerOfTwo) {
        for (const float scale : q.scales) {
          EXPECT_EQ(std::exp2(std::round(std::log2(scale))), scale);
        }
      }
    }
    for (const TensorInfo& tensor : result->tensors) {
      const bool softmax = tensor.quantization->scale == 1.0f / 256.0f;
      EXPECT_TRUE(!options.symmetric_activations || softmax ||
                  tensor.quantization->zero_point == 0);
    }
  }
}

TEST(Format, TheExecutorEqualsTheIndependentEvaluation) {
  for (const auto& options : all_formats()) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(name_of(options) + fmt::format(", graph {}", seed));
      const Graph graph = testing::random_graph(seed);
      const auto result = quantize(graph, random_samples(graph, 2), options);
      ASSERT_TRUE(result.ok()) << result.error().message;
      auto plan = exec::compile(*result);
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      std::vector<int8_t> x(static_cast<size_t>(graph.input_shape().elements()));
      Random random(seed, "x");
      for (auto& value : x) value = static_cast<int8_t>(static_cast<int>(random.below(256)) - 128);
      std::vector<int8_t> y(static_cast<size_t>(graph.output_shape().elements()));
      (*plan)->run_int8(x, y);
      EXPECT_EQ(y, testing::IntegerEvaluator(*result).run(x));
    }
  }
}

TEST(Format, LowBitActivationsTakeFewIntegers) {
  for (const int bits : {4, 2}) {
    QuantizeOptions options;
    options.activation_bits = bits;
    const Graph graph = testing::random_graph(5);
    const auto result = quantize(graph, random_samples(graph, 4), options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    auto plan = *exec::compile(*result);
    std::vector<float> y(static_cast<size_t>(graph.output_shape().elements()));
    plan->run_observed(random_samples(graph, 1)[0], y, [&](const exec::Observation& seen) {
      const int own = plan->graph().tensors[static_cast<size_t>(seen.tensor)].quantization->bits;
      const auto integers = activation_integers(own);
      for (const int8_t value : seen.integer) {
        EXPECT_GE(value, integers.low);
        EXPECT_LE(value, integers.high);
      }
    });
  }
}

double weight_error(const Graph& graph) {
  double error = 0;
  for (const Node& node : graph.nodes) {
    const Parameter* weight = node.parameter("weight");
    if (weight == nullptr) continue;
    const auto real = dequantize(*weight);
    for (size_t i = 0; i < real.size(); ++i) error += std::pow(real[i] - weight->value[i], 2);
  }
  return error;
}

TEST(Format, BetterScalesAndGroupsLowerTheError) {
  const Graph graph = *make_zoo_model("ds_cnn", {}, 0, 3);
  const Samples samples = random_samples(graph, 1);
  const auto error = [&](auto change) {
    QuantizeOptions options;
    options.weight_bits = 4;
    change(options);
    return weight_error(*quantize(graph, samples, options));
  };
  const double plain = error([](auto&) {});
  EXPECT_LT(error([](auto& o) { o.weight_scale = WeightScale::kMse; }), plain);
  EXPECT_LT(error([](auto& o) { o.group_size = 16; }), plain);
  EXPECT_GT(error([](auto& o) { o.per_channel = false; }), plain);
  EXPECT_GT(error([](auto& o) { o.scales = ScaleKind::kPowerOfTwo; }), plain);
  double before = 0;
  for (const int bits : {8, 7, 6, 5, 4, 3, 2}) {
    const double now = error([=](auto& o) { o.weight_bits = bits; });
    EXPECT_GT(now, before) << bits;
    before = now;
  }
}

TEST(Format, FlashIsThatOfTheContainer) {
  const Graph graph = *make_zoo_model("ds_cnn", {}, 0, 3);
  const Samples samples = random_samples(graph, 1);
  const auto flash = [&](int bits) {
    QuantizeOptions options;
    options.weight_bits = bits;
    return measure_cost(*quantize(graph, samples, options)).flash_bytes;
  };
  EXPECT_EQ(flash(3), flash(4));
  for (const int bits : {5, 6, 7}) EXPECT_EQ(flash(bits), flash(8));
  EXPECT_LT(flash(4), flash(8));
  EXPECT_LT(flash(2), flash(4));
}

TEST(Format, FirstLastAndNamedLayers) {
  const Graph graph = *make_zoo_model("ds_cnn", {}, 0, 3);
  const Samples samples = random_samples(graph, 1);
  QuantizeOptions options;
  options.weight_bits = 2;
  options.first_last_bits = 8;
  std::vector<std::string> names;
  const auto plain = quantize(graph, samples, options);
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  for (const Node& node : plain->nodes) {
    if (node.parameter("weight") != nullptr) names.push_back(node.name);
  }
  options.layer_bits = {names[1] + "=4", names[2] + "=3"};
  const auto mixed = quantize(graph, samples, options);
  ASSERT_TRUE(mixed.ok()) << mixed.error().message;
  for (size_t i = 0; i < names.size(); ++i) {
    const int expected = i == 0 || i + 1 == names.size() ? 8 : i == 1 ? 4 : i == 2 ? 3 : 2;
    EXPECT_EQ(mixed->find(names[i])->parameter("weight")->quantized->used_bits(), expected);
  }
  for (const char* wrong : {"nothing=4", "conv", "conv=", "*=9", "*=4x"}) {
    options.layer_bits = {wrong};
    const auto result = quantize(graph, samples, options);
    ASSERT_FALSE(result.ok()) << wrong;
    EXPECT_NE(result.error().message.find(wrong), std::string::npos);
  }
}

TEST(Format, TheModelFileKeepsRangesWidthsAndGroups) {
  const Graph graph = *make_zoo_model("tiny_conv", {}, 0, 3);
  for (const auto& options : all_formats()) {
    SCOPED_TRACE(name_of(options));
    const auto result = quantize(graph, random_samples(graph, 1), options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    const auto bytes = io::model_to_bytes(*result);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    const auto loaded = io::model_from_bytes(*bytes);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    for (size_t n = 0; n < result->nodes.size(); ++n) {
      const Parameter* weight = result->nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      const auto &before = *weight->quantized,
                 &after = *loaded->nodes[n].parameter("weight")->quantized;
      EXPECT_EQ(after.values, before.values);
      EXPECT_EQ(after.scales, before.scales);
      EXPECT_EQ(after.bits, before.bits);
      EXPECT_EQ(after.precision, before.precision);
      EXPECT_EQ(after.range, before.range);
      EXPECT_EQ(after.group_size, before.group_size);
    }
    EXPECT_EQ(loaded->tensors[1].quantization->bits, result->tensors[1].quantization->bits);
  }
}

}  // namespace
}  // namespace coppice::quant
