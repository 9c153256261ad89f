#include "coppice/graph/cost.h"

#include <gtest/gtest.h>

#include "coppice/graph/builder.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/planner.h"
#include "coppice/graph/zoo.h"
#include "random_graph.h"

namespace coppice {
namespace {

struct Published {
  const char* arch;
  int64_t macs;
  int64_t parameters;  // As deployed: batch norms folded.
};

TEST(Cost, ZooCountsArePinned) {
  for (const auto& [arch, macs, parameters] :
       {Published{"tiny_conv", 336000, 16652}, Published{"cnn_one_fstride4", 476576, 119936},
        Published{"ds_cnn", 2656768, 22604}, Published{"resnet8", 12501632, 77706},
        Published{"lenet", 4482432 + 66176, 122570}, Published{"alexnet", 16549920 + 34048, 242538},
        Published{"vww", 7489664, 210850}, Published{"lenet5", 117600 + 240000 + 58920, 61706},
        Published{"autoencoder", 264192, 265864}}) {
    const Graph graph = make_zoo_model(arch, {}, 0, 1).value();
    EXPECT_EQ(measure_cost(graph).macs_dense, macs) << arch;
    const Cost deployed = measure_cost(fuse_for_inference(graph).value());
    EXPECT_EQ(deployed.macs_dense, macs) << arch;
    EXPECT_EQ(deployed.macs_effective, macs) << arch;
    EXPECT_EQ(deployed.parameters_total, parameters) << arch;
    EXPECT_EQ(deployed.flash_bytes, 4 * parameters) << arch;
  }
}

// Keras counts four values a batch norm channel and a bias before each batch norm, which ours
// leaves out: 24,908, 78,666, 221,794 and 269,992 in MLPerf Tiny.
TEST(Cost, TrainedParametersAgreeWithKeras) {
  for (const auto& [arch, published] :
       {std::pair{"ds_cnn", 24908}, std::pair{"resnet8", 78666}, std::pair{"vww", 221794},
        std::pair{"autoencoder", 269992}}) {
    const Graph graph = make_zoo_model(arch, {}, 0, 1).value();
    int64_t redundant_biases = 0;
    for (const auto& node : graph.nodes) {
      if (std::holds_alternative<BatchNorm>(node.op))
        redundant_biases += node.parameter("gamma")->shape[0];
    }
    EXPECT_EQ(measure_cost(graph).parameters_total + redundant_biases, published) << arch;
  }
}

TEST(Cost, ConvolutionsOfLenetAndAlexnet) {
  const auto conv_outputs = [](const char* arch) {
    std::vector<int> sizes;
    for (const auto& layer : measure_cost(make_zoo_model(arch, {}, 0, 1).value()).layers) {
      if (layer.op == "conv2d") sizes.push_back(layer.output[0]);
    }
    return sizes;
  };
  EXPECT_EQ(conv_outputs("lenet"), (std::vector<int>{30, 13, 4}));
  EXPECT_EQ(conv_outputs("alexnet"), (std::vector<int>{30, 13, 11, 9, 2}));
  const Cost lenet = measure_cost(make_zoo_model("lenet", {}, 0, 1).value());
  std::vector<int64_t> macs;
  for (const auto& layer : lenet.layers) {
    if (layer.op == "conv2d") macs.push_back(layer.macs_dense);
  }
  EXPECT_EQ(macs, (std::vector<int64_t>{777600, 169 * 288 * 64, 589824}));
}

TEST(Cost, TinyConvActivations) {
  // 49x40 and 25x20x8 floats are alive together; int8 takes a quarter.
  Graph graph = fuse_for_inference(make_zoo_model("tiny_conv", {}, 4, 1).value()).value();
  EXPECT_EQ(measure_cost(graph).ram_peak_bytes, 23840);
  for (auto& tensor : graph.tensors) tensor.quantization = ActivationQuantization{};
  EXPECT_EQ(measure_cost(graph).layers[0].ram_bytes, 5960);
}

TEST(Cost, EffectiveMacsFollowTheMask) {
  Graph graph = make_zoo_model("tiny_conv", {}, 4, 1).value();
  Parameter& weight = *graph.find("conv_1")->parameter("weight");
  weight.mask.assign(weight.value.size(), 1);
  for (size_t i = 0; i < 160; ++i) weight.mask[i] = 0;
  apply_mask(weight);
  const Cost cost = measure_cost(graph);
  EXPECT_EQ(cost.macs_dense, 336000);
  EXPECT_EQ(cost.macs_effective, 336000 - 160 * 500);
  EXPECT_EQ(cost.layers[0].parameters_nonzero, 640 - 160);  // The fresh biases are zero.
}

TEST(Cost, GroupedAndDepthwise) {
  GraphBuilder builder("groups", {6, 5, 4}, 0);
  Conv2D conv;
  conv.out_channels = 6;
  conv.groups = 2;
  conv.kernel = {3, 2};
  const auto a = builder.add(conv, {builder.input()});
  DepthwiseConv2D depthwise;
  depthwise.multiplier = 2;
  depthwise.kernel = {2, 2};
  const auto b = builder.add(depthwise, {a});
  const Cost cost = measure_cost(std::move(builder).finish(b).value());
  EXPECT_EQ(cost.layers[0].macs_dense, 4 * 4 * 6 * (3 * 2 * 2));
  EXPECT_EQ(cost.layers[1].macs_dense, 3 * 3 * 12 * 4);
}

TEST(Cost, QuantizedFlashCountsPackedWeightsBiasesAndTables) {
  Graph graph = fuse_for_inference(make_zoo_model("tiny_conv", {}, 4, 1).value()).value();
  for (int bits : {8, 4, 2}) {
    for (auto& node : graph.nodes) {
      for (auto& parameter : node.parameters) {
        const auto channels = static_cast<size_t>(parameter.shape[0]);
        const bool bias = parameter.name == "bias";
        QuantizedValues values;
        values.bits = bias ? 32 : bits;
        values.axis = 0;
        values.scales.assign(channels, 0.5f);
        values.values.assign(parameter.value.size(), 1);
        parameter.quantized = std::move(values);
      }
    }
    const int64_t weights = 16640 * bits / 8, biases = 12 * 4;
    graph.rounding = Rounding::kDouble;
    EXPECT_EQ(measure_cost(graph).flash_bytes, weights + biases + 12 * 8);
    graph.rounding = Rounding::kFloat;
    EXPECT_EQ(measure_cost(graph).flash_bytes, weights + biases + 12 * 4);
  }
}

TEST(Cost, TotalsAreTheSumsOfTheLayers) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Graph graph = testing::random_graph(seed);
    testing::prune_randomly(graph, 0.5f, seed);
    SCOPED_TRACE(testing::describe(graph));
    const Cost cost = measure_cost(graph);
    LayerCost sum;
    for (const auto& layer : cost.layers) {
      sum.parameters_total += layer.parameters_total;
      sum.macs_dense += layer.macs_dense;
      sum.flash_bytes += layer.flash_bytes;
      EXPECT_LE(layer.macs_effective, layer.macs_dense);
      EXPECT_LE(layer.parameters_nonzero, layer.parameters_total);
      EXPECT_LE(layer.ram_bytes, cost.ram_peak_bytes);
    }
    EXPECT_EQ(sum.parameters_total, cost.parameters_total);
    EXPECT_EQ(sum.macs_dense, cost.macs_dense);
    EXPECT_EQ(sum.flash_bytes, cost.flash_bytes);
  }
}

}  // namespace
}  // namespace coppice
