#include "coppice/graph/zoo.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/graph/fold.h"

namespace coppice {
namespace {

TEST(Zoo, EveryArchitectureBuildsAndFuses) {
  for (const auto& entry : zoo()) {
    SCOPED_TRACE(entry.name);
    const auto graph = make_zoo_model(entry.name, {}, 0, 1);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    EXPECT_EQ(graph->input_shape(), entry.input);
    EXPECT_EQ(graph->output_shape(), Shape{entry.classes});
    const auto fused = fuse_for_inference(*graph);
    ASSERT_TRUE(fused.ok()) << fused.error().message;
    ASSERT_TRUE(validate(*fused).ok()) << validate(*fused).error().message;
    for (const auto& node : fused->nodes) {
      EXPECT_FALSE(std::holds_alternative<BatchNorm>(node.op)) << node.name;
      EXPECT_FALSE(std::holds_alternative<Relu>(node.op)) << node.name;
      EXPECT_FALSE(std::holds_alternative<Dropout>(node.op)) << node.name;
    }
  }
}

TEST(Zoo, OtherInputsAndClasses) {
  for (const auto& [arch, input] :
       std::vector<std::pair<const char*, Shape>>{{"tiny_conv", {49, 10, 1}},
                                                  {"tiny_conv", {30, 40, 1}},
                                                  {"tiny_conv", {3, 2, 2}},
                                                  {"cnn_one_fstride4", {30, 40, 1}},
                                                  {"cnn_one_fstride4", {49, 40, 1}},
                                                  {"cnn_one_fstride4", {49, 10, 1}},
                                                  {"ds_cnn", {49, 40, 1}},
                                                  {"ds_cnn", {1, 1, 1}},
                                                  {"ds_cnn", {4, 6, 3}},
                                                  {"ds_cnn", {51, 21, 1}},
                                                  {"resnet8", {28, 28, 1}},
                                                  {"resnet8", {33, 17, 3}},
                                                  {"lenet", {28, 28, 1}},
                                                  {"alexnet", {28, 28, 1}}}) {
    SCOPED_TRACE(arch);
    const auto graph = make_zoo_model(arch, input, 11, 1);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    EXPECT_EQ(graph->output_shape(), Shape{11});
  }
  const auto tiny = make_zoo_model("tiny_conv", {49, 40, 1}, 4, 1);
  EXPECT_EQ(tiny->tensors[static_cast<size_t>(tiny->find("conv_1")->output)].shape,
            (Shape{25, 20, 8}));
  const auto spotter = make_zoo_model("ds_cnn", {}, 12, 1);
  const auto& pool = std::get<AvgPool2D>(spotter->find("pool")->op);
  EXPECT_EQ(pool.kernel, (Size2{24, 5}));
}

TEST(Zoo, WeightsFollowTheSeed) {
  const auto a = make_zoo_model("lenet", {}, 0, 1), b = make_zoo_model("lenet", {}, 0, 1),
             c = make_zoo_model("lenet", {}, 0, 2);
  EXPECT_EQ(a->find("conv_2")->parameter("weight")->value,
            b->find("conv_2")->parameter("weight")->value);
  EXPECT_NE(a->find("conv_2")->parameter("weight")->value,
            c->find("conv_2")->parameter("weight")->value);
}

TEST(Zoo, ErrorsNameTheZooAndTheNearest) {
  const auto unknown = make_zoo_model("dscnn", {}, 0, 1);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kConfig);
  for (const auto& entry : zoo()) {
    EXPECT_NE(unknown.error().message.find(entry.name), std::string::npos);
  }
  EXPECT_NE(unknown.error().message.find("did you mean \"ds_cnn\""), std::string::npos);
  EXPECT_FALSE(make_zoo_model("lenet", {32, 32}, 10, 1).ok());
  EXPECT_FALSE(make_zoo_model("lenet", {32, 0, 3}, 10, 1).ok());
  EXPECT_FALSE(make_zoo_model("lenet", {}, 1, 1).ok());
  const auto small = make_zoo_model("lenet", {8, 8, 3}, 10, 1);
  ASSERT_FALSE(small.ok());
  EXPECT_NE(small.error().message.find("pool_2"), std::string::npos) << small.error().message;
}

}  // namespace
}  // namespace coppice
