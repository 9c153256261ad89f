#include "kernels/golden.h"

#include "coppice/kernels/softmax/reference.h"
#include "shared_data.h"

namespace coppice::testing {
namespace {

json load(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

TEST(KernelGolden, EveryOperatorCase) {
  COPPICE_REQUIRE_SHARED(path, "vectors/operators.json");
  const json file = load(path);
  int passed = 0;
  for (const json& layer : file["cases"]) {
    SCOPED_TRACE(layer["source"].get<std::string>() + " " + layer["name"].get<std::string>());
    const GoldenCase golden(layer);
    const auto input = layer["data"]["input"].get<std::vector<int8_t>>();
    const auto expected = layer["data"]["output"].get<std::vector<int8_t>>();
    EXPECT_TRUE(golden.packing_matches());
    EXPECT_EQ(golden.run(input, "reference"), expected);
    if (layer["weight_bits"] == 4) {
      EXPECT_EQ(golden.run(input, "packed"), expected);
    }
    if (layer["op"] == "conv2d") {
      EXPECT_EQ(golden.run(input, "scalar"), expected);
    }
    for (const std::string& variant : golden.vector_variants()) {
      EXPECT_EQ(golden.run(input, variant), expected) << variant;
    }
    ++passed;
  }
  EXPECT_EQ(passed, static_cast<int>(file["cases"].size()));
  EXPECT_GE(passed, 71);
  RecordProperty("golden_cases", passed);
}

TEST(KernelGolden, WholeKeywordNetwork) {
  COPPICE_REQUIRE_SHARED(path, "vectors/ds_cnn_s.json");
  const json net = load(path);
  auto x = net["input"].get<std::vector<int8_t>>();
  for (const json& layer : net["layers"]) {
    SCOPED_TRACE(layer["name"].get<std::string>());
    std::vector<int8_t> y;
    if (layer["op"] == "softmax") {
      const kernels::SoftmaxParams p{layer["num_rows"], layer["row_size"], layer["mult"],
                                     layer["softmax_shift"], layer["diff_min"]};
      y.resize(x.size());
      kernels::softmax_ref(p, x.data(), y.data());
    } else {
      const GoldenCase golden(layer);
      y = golden.run(x, "reference");
      EXPECT_EQ(y, layer["data"]["output_derived"].get<std::vector<int8_t>>());
      if (layer["op"] == "conv2d") {
        EXPECT_EQ(golden.run(x, "scalar"), y);
      }
      for (const std::string& variant : golden.vector_variants()) {
        EXPECT_EQ(golden.run(x, variant), y) << variant;
      }
    }
    x = std::move(y);
  }
  EXPECT_EQ(x, net["output"].get<std::vector<int8_t>>());
}

}  // namespace
}  // namespace coppice::testing
