// Training for integers: forward equals the integer executor, gradients point where float ones do,
// and what fit() promises holds for quantized graphs too.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/scheme.h"
#include "coppice/graph/zoo.h"
#include "coppice/quant/quantize.h"
#include "random_graph.h"
#include "train/memory_dataset.h"
#include "train/network.h"
#include "train/quantization.h"

namespace coppice::train {
namespace {

using coppice::testing::blobs;
using coppice::testing::MemoryDataset;

quant::Samples random_samples(const Shape& shape, int count) {
  quant::Samples samples;
  for (int i = 0; i < count; ++i) {
    Random random(static_cast<uint64_t>(i), "samples");
    samples.emplace_back(static_cast<size_t>(shape.elements()));
    for (float& value : samples.back()) value = random.normal();
  }
  return samples;
}

Graph quantized(const Graph& graph, const quant::QuantizeOptions& options = {}) {
  auto result = quant::quantize(graph, random_samples(graph.input_shape(), 4), options);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

// A network for integers with all that it needs.
struct IntegerNetwork {
  IntegerNetwork(const Graph& graph, Mode mode, int batch, const TrainOptions& options = {})
      : quantization(graph, options),
        parameters(quantization.training_graph()),
        network(quantization.training_graph(), parameters, kernels_for(*active_isa()),
                {batch, mode, 0.0f, &quantization}) {
    quantization.bind(parameters);
  }
  void load(const quant::Samples& samples) {
    for (size_t i = 0; i < samples.size(); ++i) {
      std::copy(samples[i].begin(), samples[i].end(), network.input(static_cast<int>(i)).begin());
    }
  }
  Quantization quantization;
  ParameterStore parameters;
  Network network;
  ThreadPool pool{2};
};

// The tensor of the logits: the input of a softmax at the end.
int logits_tensor(const Graph& graph) {
  const Node& last = graph.nodes.back();
  return std::holds_alternative<Softmax>(last.op) ? last.inputs[0] : graph.output;
}

std::vector<int> executor_logits(const Graph& graph, const std::vector<float>& input) {
  auto plan = exec::compile(graph);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  std::vector<float> output(static_cast<size_t>(graph.output_shape().elements()));
  std::vector<int> logits;
  (*plan)->run_observed(input, output, [&](const exec::Observation& seen) {
    if (seen.tensor == logits_tensor((*plan)->graph()))
      logits.assign(seen.integer.begin(), seen.integer.end());
  });
  return logits;
}

void expect_equal_logits(const Graph& graph, Mode mode) {
  const auto samples = random_samples(graph.input_shape(), 5);
  IntegerNetwork integer(graph, mode, 8);
  integer.load(samples);
  if (mode == Mode::kTraining) {
    integer.network.train(integer.pool, std::vector<int>(samples.size(), 0), {});
  } else {
    integer.network.infer(integer.pool, static_cast<int>(samples.size()));
  }
  const auto& q = integer.quantization.activation(logits_tensor(graph));
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto logits = integer.network.logits(static_cast<int>(i));
    std::vector<int> found;
    for (const float value : logits) {
      found.push_back(static_cast<int>(std::lround(value / q.scale)) + q.zero_point);
    }
    EXPECT_EQ(found, executor_logits(integer.quantization.model(), samples[i])) << "sample " << i;
  }
}

TEST(QuantizedTraining, ForwardEqualsTheExecutorOnRandomGraphs) {
  int tried = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Graph graph = coppice::testing::random_graph(seed);
    for (const auto rounding : {Rounding::kDouble, Rounding::kSingle, Rounding::kFloat}) {
      quant::QuantizeOptions options;
      options.rounding = rounding;
      options.weight_bits = std::array{8, 4, 3, 2}[seed % 4];
      options.activation_bits = std::array{8, 8, 4, 2}[seed / 4 % 4];
      const Graph integer = quantized(graph, options);
      if (!check_trainable(integer, {}).ok()) continue;
      ++tried;
      SCOPED_TRACE(fmt::format("graph {}, {}", seed, rounding_name(rounding)));
      expect_equal_logits(integer, Mode::kInference);
    }
  }
  EXPECT_GT(tried, 60);
}

TEST(QuantizedTraining, ForwardEqualsTheExecutorOnTheZoo) {
  for (const char* arch : {"tiny_conv", "ds_cnn", "resnet8"}) {
    SCOPED_TRACE(arch);
    const Graph graph = *make_zoo_model(arch, {}, 0, 1);
    quant::QuantizeOptions options;
    expect_equal_logits(quantized(graph, options), Mode::kInference);
    // Training rounds as the mode float does; Add, integer in that mode, has its own.
    options.rounding = Rounding::kFloat;
    if (std::string_view(arch) != "resnet8")
      expect_equal_logits(quantized(graph, options), Mode::kTraining);
  }
}

std::vector<float> lane_sum(const Network& network, const ParameterRange& range) {
  std::vector<float> sum(static_cast<size_t>(range.size), 0.0f);
  for (int lane = 0; lane < network.gradients().count; ++lane) {
    const float* from = network.gradients().lane(lane) + range.offset;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += from[i];
  }
  return sum;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i], aa += double{a[i]} * a[i], bb += double{b[i]} * b[i];
  }
  return aa == 0 && bb == 0 ? 1.0 : ab / std::sqrt(aa * bb);
}

double norm(const std::vector<float>& a) {
  double sum = 0;
  for (const float value : a) sum += double{value} * value;
  return std::sqrt(sum);
}

// With 8 bits the straight-through gradients are nearly those of the float network.
TEST(QuantizedTraining, GradientsAreThoseOfTheFloatNetworkNearly) {
  for (const char* arch : {"tiny_conv", "ds_cnn", "resnet8"}) {
    const Graph graph = *fuse_for_inference(*make_zoo_model(arch, {}, 0, 1));
    const Graph integer = quantized(graph);
    const auto samples = random_samples(graph.input_shape(), 4);
    const std::vector<int> labels = {0, 1, 2, 3};
    IntegerNetwork trained(integer, Mode::kTraining, 4);
    trained.load(samples);
    const double loss = trained.network.train(trained.pool, labels, {}).loss;
    ParameterStore parameters(graph);
    Network network(graph, parameters, kernels_for(*active_isa()), {4, Mode::kTraining, 0.0f});
    for (size_t i = 0; i < samples.size(); ++i) {
      std::copy(samples[i].begin(), samples[i].end(), network.input(static_cast<int>(i)).begin());
    }
    ThreadPool pool(1);
    EXPECT_NEAR(network.train(pool, labels, {}).loss, loss, 0.05 * loss) << arch;
    for (const ParameterRange& range : parameters.ranges()) {
      const Node& node = graph.nodes[range.node];
      const std::string& name = node.parameters[range.parameter].name;
      const auto expected = lane_sum(network, range);
      const auto found = lane_sum(trained.network, *trained.parameters.find(range.node, name));
      EXPECT_GT(cosine(expected, found), 0.95) << arch << ' ' << node.name << '.' << name;
      EXPECT_NEAR(norm(found) / norm(expected), 1.0, 0.1)
          << arch << ' ' << node.name << '.' << name;
    }
  }
}

TEST(QuantizedTraining, KernelGradientOfTheScaleIsThatOfTheFormula) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    const Kernels& kernels = kernels_for(std::min(isa, *active_isa()));
    for (const int count : {1, 5, 64, 131, 1000}) {
      Random random(static_cast<uint64_t>(count), "kernel");
      const auto size = static_cast<size_t>(count);
      std::vector<float> values(size), dy(size), sums(67, 0.0f);
      double expected = 0;
      FakeQuantizeGradient q;
      q.period = 67;
      q.clamp = {-7.0f, 8.0f};
      q.factor = 0.5f;
      q.sums = sums.data();
      q.rounding_gain = 1.0f;
      q.highest_step = 8.0f;
      std::vector<float> passed(size);
      for (size_t i = 0; i < size; ++i) {
        values[i] = 12.0f * random.normal();
        dy[i] = random.normal();
        const bool inside = values[i] > -7.0f && values[i] < 8.0f;
        passed[i] = inside ? 0.5f * dy[i] : 0.0f;
        const float step = inside ? std::nearbyint(values[i]) - values[i] : values[i] < 0 ? -7 : 8;
        expected += double{dy[i]} * double{step};
      }
      kernels.fake_quantize_backward(q, values.data(), dy.data(), count);
      EXPECT_EQ(dy, passed);
      double sum = 0;
      for (const float value : sums) sum += double{value};
      EXPECT_NEAR(sum, expected, 1e-6 * 12 * count) << count;
    }
  }
}

const Shape kShape{12, 9, 2};

Graph small_model() {
  GraphBuilder g("small", kShape, 3);
  Conv2D conv{8, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}};
  int x = g.add(conv, {g.input()}, "conv1", false);
  x = g.add(Relu{}, {g.add(BatchNorm{}, {x}, "norm1")}, "relu1");
  const int y = g.add(DepthwiseConv2D{1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, {x}, "depthwise");
  x = g.add(Add{Activation::kRelu}, {x, y}, "add");
  x = g.add(Flatten{}, {g.add(AvgPool2D{{2, 2}, {2, 2}, {}}, {x}, "pool")}, "flat");
  x = g.add(FullyConnected{4}, {x}, "classifier");
  return *std::move(g).finish(g.add(Softmax{}, {x}, "softmax"));
}

TrainOptions short_training() {
  TrainOptions options;
  options.epochs = 6;
  options.batch_size = 16;
  options.learning_rate = 3e-3f;
  return options;
}

TEST(QuantizedTraining, LearnsAtFewBitsByEveryRule) {
  const MemoryDataset dataset = blobs(kShape, 4, 256, 128, 1.0f, 2);
  Graph graph = small_model();
  ASSERT_TRUE(fit(graph, dataset, short_training()).ok());
  quant::QuantizeOptions low;
  low.weight_bits = 2;
  low.weight_scale = WeightScale::kMse;
  const Graph start = *quant::quantize(graph, dataset, low);
  const double before = evaluate(start, dataset, data::Split::kValidation)->loss;
  for (const auto scale :
       {WeightScaleRule::kLearned, WeightScaleRule::kMax, WeightScaleRule::kFixed}) {
    for (const auto range :
         {RangeRule::kMovingAverage, RangeRule::kLearned, RangeRule::kPact, RangeRule::kFixed}) {
      TrainOptions options = short_training();
      options.weight_scale_rule = scale;
      options.range_rule = range;
      Graph trained = start;
      const auto report = fit(trained, dataset, options);
      ASSERT_TRUE(report.ok()) << report.error().message;
      const auto after = evaluate(trained, dataset, data::Split::kValidation);
      ASSERT_TRUE(after.ok()) << after.error().message;
      const auto what = fmt::format("{} {}", static_cast<int>(scale), static_cast<int>(range));
      EXPECT_LT(after->loss, before) << what;
      // What training saw is what the executor does.
      const auto& best = report->epochs[static_cast<size_t>(report->best_epoch - 1)];
      EXPECT_EQ(after->accuracy(), best.validation_accuracy) << what;
    }
  }
}

TEST(QuantizedTraining, PrunedWeightsStayZeroAndTheModelIsItsOwnQuantization) {
  const MemoryDataset dataset = blobs(kShape, 4, 64, 16, 0.5f, 2);
  Graph graph = *fuse_for_inference(small_model());
  coppice::testing::prune_randomly(graph, 0.6f, 5);
  for (const int bits : {8, 4, 2, 1}) {
    quant::QuantizeOptions format;
    format.weight_bits = bits;
    format.weight_range = bits == 1 ? WeightRange::kBinary : WeightRange::kNarrow;
    Graph trained = *quant::quantize(graph, dataset, format);
    TrainOptions options = short_training();
    options.epochs = 2;
    ASSERT_TRUE(fit(trained, dataset, options).ok());
    for (const Node& node : trained.nodes) {
      const Parameter* weight = node.parameter("weight");
      if (weight == nullptr) continue;
      EXPECT_EQ(weight->quantized->used_bits(), bits);
      for (size_t i = 0; i < weight->value.size(); ++i) {
        const bool zero = weight->value[i] == 0.0f && weight->quantized->values[i] == 0;
        EXPECT_TRUE(is_kept(*weight, i) || zero) << node.name << ' ' << i;
      }
    }
    EXPECT_TRUE(validate(trained).ok());
  }
}

TEST(QuantizedTraining, SameBitsForAnyThreadsAndWhenResumed) {
  const MemoryDataset dataset = blobs(kShape, 4, 96, 32, 1.0f, 2);
  const Graph start = *quant::quantize(small_model(), dataset, {});
  TrainOptions options = short_training();
  options.range_rule = RangeRule::kLearned;
  options.epochs = 4;
  const auto train_with = [&](const TrainOptions& o) {
    Graph graph = start;
    EXPECT_TRUE(fit(graph, dataset, o).ok());
    return graph.nodes.back().op.index() == 0 ? Graph{} : graph;
  };
  const auto same = [](const Graph& a, const Graph& b) {
    for (size_t n = 0; n < a.nodes.size(); ++n) {
      const Parameter *x = a.nodes[n].parameter("weight"), *y = b.nodes[n].parameter("weight");
      if (x == nullptr) continue;
      if (x->value != y->value || x->quantized->values != y->quantized->values ||
          x->quantized->scales != y->quantized->scales)
        return false;
    }
    for (size_t t = 0; t < a.tensors.size(); ++t) {
      if (a.tensors[t].quantization->scale != b.tensors[t].quantization->scale) return false;
    }
    return true;
  };
  options.threads = 1;
  const Graph one = train_with(options);
  options.threads = 2;
  EXPECT_TRUE(same(one, train_with(options)));
  const auto folder = std::filesystem::path(::testing::TempDir());
  options.checkpoint = folder / "quantized_training.checkpoint";
  std::filesystem::remove(options.checkpoint);
  Graph stopped = start;
  int epochs = 0;
  TrainCallbacks stop;
  stop.on_epoch = [&](const EpochReport&) {
    // The state after two epochs.
    if (++epochs == 2)
      std::filesystem::copy_file(options.checkpoint, folder / "second.checkpoint",
                                 std::filesystem::copy_options::overwrite_existing);
  };
  ASSERT_TRUE(fit(stopped, dataset, options, stop).ok());
  options.checkpoint = folder / "second.checkpoint";
  EXPECT_TRUE(same(one, train_with(options)));
}

TEST(QuantizedTraining, FrozenRangesStay) {
  const MemoryDataset dataset = blobs(kShape, 4, 64, 16, 0.5f, 2);
  const Graph start = *quant::quantize(small_model(), dataset, {});
  TrainOptions options = short_training();
  options.epochs = 2;
  options.range_momentum = 0.5f;
  for (const int frozen : {2, 0}) {
    options.frozen_epochs = frozen;
    Graph graph = start;
    ASSERT_TRUE(fit(graph, dataset, options).ok());
    bool moved = false;
    for (size_t t = 0; t < graph.tensors.size(); ++t) {
      // A range rebuilt from its own scale may be a rounding error off.
      const float ratio =
          graph.tensors[t].quantization->scale / start.tensors[t].quantization->scale;
      moved |= std::abs(ratio - 1.0f) > 1e-5f;
    }
    EXPECT_EQ(moved, frozen == 0);
  }
}

TEST(QuantizedTraining, ErrorsNameTheLayer) {
  const MemoryDataset dataset = blobs(kShape, 4, 64, 16, 0.5f, 2);
  Graph graph = *quant::quantize(small_model(), dataset, {});
  graph.find("depthwise")->parameter("weight")->value[3] = NAN;
  const auto broken = fit(graph, dataset, short_training());
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("\"depthwise\""), std::string::npos)
      << broken.error().message;
  Graph exploding = small_model();
  exploding.find("conv1")->parameter("weight")->value[0] = INFINITY;
  const auto loss = fit(exploding, dataset, short_training());
  ASSERT_FALSE(loss.ok());
  EXPECT_NE(loss.error().message.find("\"conv1\""), std::string::npos) << loss.error().message;
  quant::QuantizeOptions groups;
  groups.weight_bits = 4;
  groups.group_size = 4;
  Graph grouped = *quant::quantize(small_model(), dataset, groups);
  EXPECT_NE(fit(grouped, dataset, short_training()).error().message.find("groups"),
            std::string::npos);
  TrainOptions max = short_training();
  max.epochs = 1;
  max.weight_scale_rule = WeightScaleRule::kMax;
  EXPECT_TRUE(fit(grouped, dataset, max).ok());
}

}  // namespace
}  // namespace coppice::train
