#include <gtest/gtest.h>

#include "coppice/core/file.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/graph_json.h"

namespace coppice::io {
namespace {

Result<Graph> layers(const std::string& text) { return graph_from_layers(text, 1); }

TEST(GraphLayers, TinyConvByHandEqualsTheZoo) {
  const auto graph = layers(R"({
    "name": "tiny_conv", "input": [49, 40, 1],  // as the zoo's
    "layers": [
      {"op": "conv2d", "name": "conv_1", "out_channels": 8, "kernel": [10, 8], "stride": 2, "padding": "same"},
      {"op": "relu", "name": "relu_1"},
      {"op": "dropout", "name": "dropout", "rate": 0.5},
      {"op": "fully_connected", "name": "fc", "out_features": 4},
      {"op": "softmax", "name": "softmax"}
    ]})");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  Graph zoo = make_zoo_model("tiny_conv", {}, 4, 1).value();
  zoo.metadata.clear();
  EXPECT_EQ(*graph_to_json(*graph), *graph_to_json(zoo));
  EXPECT_EQ(graph->find("conv_1")->parameter("weight")->value,
            zoo.find("conv_1")->parameter("weight")->value);
}

TEST(GraphLayers, BranchesEveryOpAndDefaults) {
  const auto graph = layers(R"({
    "input": [9, 8, 3], "class_names": ["a", "b"],
    "layers": [
      {"op": "conv2d", "name": "stem", "out_channels": 4, "kernel": 3, "padding": [1, 0, 2, 0], "bias": false},
      {"op": "batch_norm", "epsilon": 0.01},
      {"op": "relu6", "name": "a"},
      {"op": "depthwise_conv2d", "kernel": 3, "padding": "same", "multiplier": 1, "activation": "relu"},
      {"op": "add", "inputs": ["a", "depthwise_conv2d_1"], "name": "sum"},
      {"op": "concat", "inputs": ["sum", "a"], "name": "both"},
      {"op": "max_pool2d", "kernel": 2},
      {"op": "avg_pool2d", "kernel": [2, 1], "stride": 1, "padding": "same"},
      {"op": "conv2d", "out_channels": 4, "kernel": [2, 2], "dilation": 2, "groups": 2, "padding": "same"},
      {"op": "reshape", "shape": [8, 2, 4]},
      {"op": "global_avg_pool"},
      {"op": "flatten"},
      {"op": "fully_connected", "out_features": 2}
    ]})");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto shape_of = [&](const char* name) {
    return graph->tensors[static_cast<size_t>(graph->find(name)->output)].shape;
  };
  EXPECT_EQ(shape_of("stem"), (Shape{8, 8, 4}));
  EXPECT_EQ(graph->find("stem")->parameter("bias"), nullptr);
  EXPECT_EQ(std::get<BatchNorm>(graph->find("batch_norm_1")->op).epsilon, 0.01f);
  EXPECT_EQ(std::get<DepthwiseConv2D>(graph->find("depthwise_conv2d_1")->op).activation,
            Activation::kRelu);
  EXPECT_EQ(shape_of("both"), (Shape{8, 8, 8}));
  EXPECT_EQ(shape_of("max_pool2d_1"), (Shape{4, 4, 8}));  // The stride of a pool is its kernel.
  EXPECT_EQ(shape_of("avg_pool2d_1"), (Shape{4, 4, 8}));
  EXPECT_EQ(shape_of("conv2d_2"), (Shape{4, 4, 4}));  // The second of its kind.
  EXPECT_EQ(graph->class_names, (std::vector<std::string>{"a", "b"}));
}

TEST(GraphLayers, ErrorsCarryThePointerAndTheNearestName) {
  const auto with = [](const std::string& layer) {
    return R"({"input": [8, 8, 2], "layers": [{"op": "conv2d", "name": "first", "out_channels": 2, "kernel": 3}, )" +
           layer + "]}";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"([])", "/: expected an object"},
      {R"({"layers": []})", "/: lacks the key \"input\""},
      {R"({"input": [8, 8, 2], "layers": []})", "/layers: a model needs"},
      {R"({"input": [8, 8], "layers": []})", "/input: expected an array of 3 integers"},
      {R"({"input": [8, 8, 0], "layers": []})", "/input: expected an array of 3 integers from 1"},
      {R"({"input": [4096, 4096, 4096], "layers": []})", "/input: has more than"},
      {R"({"input": [8, 8, 2], "layer": []})", "/: lacks the key \"layers\""},
      {R"({"input": [8, 8, 2], "layers": [7]})", "/layers/0: expected an object, found 7"},
      {R"({"input": [8, 8, 2], "layers": [{"op": "relu"}], "outptu": "x"})",
       "/outptu: unknown key; did you mean \"output\"?"},
      {R"({"input": [8, 8, 2], "layers": [{"op": "relu"}], "output": "rlu_1"})",
       "/output: no earlier layer is called \"rlu_1\"; did you mean \"relu_1\"?"},
      {R"({"input": [8, 8, 2], "layers": [{"op": "flatten"}], "class_names": ["a"]})",
       "/class_names: 1 names for 128 outputs"},
      {R"({"input": [8, 8, 2], "input": [8, 8, 2]})", "stands twice"},
      {R"({"input": [8, 8, 2],)", "line 1, column"},
      {with(R"({"op": "conv"})"), "/layers/1/op: unknown op \"conv\""},
      {with(R"({"op": "conv2D"})"), "did you mean \"conv2d\"?"},
      {with(R"({"op": "conv2d", "out_channels": 4})"), "/layers/1: lacks the key \"kernel\""},
      {with(R"({"op": "conv2d", "out_channels": 4, "kernal": 3})"),
       "/layers/1: lacks the key \"kernel\""},
      {with(R"({"op": "conv2d", "out_channels": 4, "kernel": 3, "strides": 2})"),
       "/layers/1/strides: unknown key; did you mean \"stride\"?"},
      {with(R"({"op": "conv2d", "out_channels": 4.5, "kernel": 3})"),
       "/layers/1/out_channels: expected an integer from 1"},
      {with(R"({"op": "conv2d", "out_channels": -4, "kernel": 3})"),
       "/layers/1/out_channels: expected an integer from 1"},
      {with(R"({"op": "conv2d", "out_channels": 4, "kernel": [3, "3"]})"),
       "/layers/1/kernel: expected an array of 2 integers"},
      {with(R"({"op": "conv2d", "out_channels": 4, "kernel": 9})"),
       "/layers/1 (conv2d): a 9x9 window does not fit"},
      {with(R"({"op": "conv2d", "out_channels": 4, "kernel": 3, "padding": "sam"})"),
       "did you mean \"same\"?"},
      {with(R"({"op": "conv2d", "out_channels": 3, "kernel": 3, "groups": 2})"),
       "/layers/1 (conv2d): 2 groups do not divide"},
      {with(R"({"op": "relu", "name": "first"})"),
       "/layers/1/name: \"first\" is the name of an earlier layer"},
      {with(R"({"op": "relu", "name": "input"})"), "/layers/1/name: \"input\""},
      {with(R"({"op": "relu", "bias": true})"), "/layers/1/bias: unknown key"},
      {with(R"({"op": "add", "inputs": ["first", "frist"]})"),
       "/layers/1/inputs/1: no earlier layer is called \"frist\"; did you mean \"first\"?"},
      {with(R"({"op": "add", "inputs": ["first", "input"]})"),
       "/layers/1 (add): adds 6x6x2 and 8x8x2"},
      {with(R"({"op": "relu", "inputs": ["input"]})"), "/layers/0: no layer reads"},
      {with(R"({"op": "dropout", "rate": 1.5})"), "/layers/1/rate: expected a number from 0 to 1"},
      {with(R"({"op": "dropout", "rate": "x"})"), "/layers/1/rate: expected a number"},
      {with(R"({"op": "add", "activation": "gelu"})"),
       "/layers/1/activation: unknown activation \"gelu\""},
      {with(R"({"op": "reshape", "shape": [5]})"), "/layers/1 (reshape): reshapes"},
      {R"({"input": [4096, 4096, 8], "layers": [{"op": "fully_connected", "out_features": 65536}]})",
       "its weight has more than 2^28"},
      {R"({"input": [1024, 1024, 64], "layers": [{"op": "conv2d", "out_channels": 65536, "kernel": 1}]})",
       "its output is too large"},
  };
  for (const auto& [text, expected] : cases) {
    const auto graph = layers(text);
    ASSERT_FALSE(graph.ok()) << text;
    EXPECT_EQ(graph.error().code, ErrorCode::kConfig) << text;
    EXPECT_NE(graph.error().message.find(expected), std::string::npos) << text << "\n"
                                                                       << graph.error().message;
  }
}

// docs/models.md is the reference of the format: its example builds, and no op is missing.
TEST(GraphLayers, TheDocumentedExampleBuilds) {
  const std::string page = read_file(COPPICE_SOURCE_DIR "/docs/models.md").value();
  const size_t begin = page.find("```json") + 7;
  const auto graph = layers(page.substr(begin, page.find("```", begin) - begin));
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(graph->output_shape(), Shape{4});
  for (const Op& op : all_ops()) {
    EXPECT_NE(page.find('`' + std::string(op_name(op)) + '`'), std::string::npos) << op_name(op);
  }
  for (const auto& entry : zoo()) {
    EXPECT_NE(page.find('`' + std::string(entry.name) + '`'), std::string::npos) << entry.name;
  }
}

}  // namespace
}  // namespace coppice::io
