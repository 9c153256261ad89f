#include "coppice/io/model_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/graph/builder.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/io/graph_json.h"
#include "random_graph.h"
#include "random_quantization.h"

namespace coppice::io {
namespace {

class ModelFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) /
        fmt::format("coppice_{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const char* name = "model.safetensors") const {
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_same_parameter(const Parameter& a, const Parameter& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.shape, b.shape);
  EXPECT_TRUE(same_bits(a.value, b.value));
  EXPECT_EQ(a.mask, b.mask);
  ASSERT_EQ(a.quantized.has_value(), b.quantized.has_value());
  if (!a.quantized) return;
  EXPECT_EQ(a.quantized->bits, b.quantized->bits);
  EXPECT_EQ(a.quantized->axis, b.quantized->axis);
  EXPECT_TRUE(same_bits(a.quantized->scales, b.quantized->scales));
  EXPECT_EQ(a.quantized->values, b.quantized->values);
}

void expect_same_graph(const Graph& a, const Graph& b) {
  // Everything but the values: ops with all fields, tensors, scales, rounding, metadata.
  EXPECT_EQ(*graph_to_json(a), *graph_to_json(b));
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t n = 0; n < a.nodes.size(); ++n) {
    SCOPED_TRACE(a.nodes[n].name);
    ASSERT_EQ(a.nodes[n].parameters.size(), b.nodes[n].parameters.size());
    for (size_t p = 0; p < a.nodes[n].parameters.size(); ++p) {
      expect_same_parameter(a.nodes[n].parameters[p], b.nodes[n].parameters[p]);
    }
  }
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t t = 0; t < a.tensors.size(); ++t) {
    ASSERT_EQ(a.tensors[t].quantization.has_value(), b.tensors[t].quantization.has_value());
    if (a.tensors[t].quantization) {
      EXPECT_EQ(a.tensors[t].quantization->scale, b.tensors[t].quantization->scale);
      EXPECT_EQ(a.tensors[t].quantization->zero_point, b.tensors[t].quantization->zero_point);
    }
  }
}

TEST_F(ModelFile, RoundTripsRandomGraphsBitForBit) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Graph graph = testing::random_graph(seed);
    if (seed % 2 == 1) testing::prune_randomly(graph, 0.5f, seed);
    if (seed % 3 != 0) {
      graph = fuse_for_inference(graph).value();
      testing::quantize_randomly(graph, seed % 3 == 1 ? 8 : seed % 2 == 0 ? 4 : 2, seed);
      graph.rounding = static_cast<Rounding>(seed % 3);
    }
    graph.metadata = {
        {"seed", std::to_string(seed)}, {"config", "{\"a\": [1, 2]}\n\"q\""}, {"empty", ""}};
    graph.class_names = {"ja", "nein", "grün"};
    SCOPED_TRACE(testing::describe(graph));
    const auto bytes = model_to_bytes(graph);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    const auto loaded = model_from_bytes(*bytes);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    expect_same_graph(graph, *loaded);
  }
}

TEST_F(ModelFile, RoundTripsTheZoo) {
  for (const auto& entry : zoo()) {
    const Graph graph = make_zoo_model(entry.name, {}, 0, 3).value();
    ASSERT_TRUE(save_model(graph, path()).ok());
    const auto loaded = load_model(path());
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    expect_same_graph(graph, *loaded);
  }
}

TEST_F(ModelFile, KeepsOddFloats) {
  GraphBuilder builder("odd", {5}, 0);
  const auto x = builder.add(FullyConnected{1, Activation::kNone}, {builder.input()}, "fc");
  Graph graph = std::move(builder).finish(x).value();
  graph.nodes[0].parameter("weight")->value = {-0.0f, 1e-45f, INFINITY, NAN, 0.1f};
  EXPECT_TRUE(
      same_bits(model_from_bytes(*model_to_bytes(graph))->nodes[0].parameter("weight")->value,
                graph.nodes[0].parameter("weight")->value));
}

Graph small_model() {
  GraphBuilder builder("small", {3, 3, 2}, 1);
  Conv2D conv;
  conv.out_channels = 3;
  conv.kernel = {2, 2};
  auto x = builder.add(conv, {builder.input()}, "conv");
  x = builder.add(FullyConnected{2, Activation::kRelu}, {x}, "fc");
  Graph graph = std::move(builder).finish(x).value();
  testing::prune_randomly(graph, 0.5f, 1);
  testing::quantize_randomly(graph, 4, 1);
  return graph;
}

TEST_F(ModelFile, EveryTruncationIsAnError) {
  const std::string bytes = model_to_bytes(small_model()).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(model_from_bytes(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(model_from_bytes(bytes + "x").ok());
  EXPECT_TRUE(model_from_bytes(bytes).ok());
  std::ofstream(path(), std::ios::binary) << bytes.substr(0, bytes.size() - 1);
  const auto loaded = load_model(path());
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(loaded.error().message.find(path().string() + ": tensor "), 0u)
      << loaded.error().message;
}

// Whatever a byte becomes, the answer is an error or a graph that validates.
TEST_F(ModelFile, FlippedBytesNeverCrash) {
  const std::string bytes = model_to_bytes(small_model()).value();
  int errors = 0, graphs = 0;
  Random random(1, "flip");
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int round = 0; round < 4; ++round) {
      const char digits[] = "0123456789-,:[]{}\"";
      std::string changed = bytes;
      changed[i] = round == 0   ? static_cast<char>(bytes[i] ^ (1 << random.below(8)))
                   : round == 1 ? static_cast<char>(random.below(256))
                                : digits[random.below(sizeof(digits) - 1)];
      const auto loaded = model_from_bytes(changed);
      loaded.ok() ? ++graphs : ++errors;
      ASSERT_TRUE(!loaded.ok() || validate(*loaded).ok()) << i;
    }
  }
  EXPECT_GT(errors, 1000);
  EXPECT_GT(graphs, 100);
}

std::string container(const std::string& header, const std::string& data = {}) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

TEST_F(ModelFile, BrokenContainersAreNamed) {
  const std::string two = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":)";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "too few"},
      {"RIFF????WAVEfmt ", "no safetensors file"},
      {std::string(8, '\xff') + "{}", "no safetensors file"},
      {container("{}").substr(0, 9), "truncated"},
      {container("[]"), "not JSON"},
      {container("{]"), "parse error"},
      {container("{}"), "no Coppice model"},
      {container(R"({"a":1})"), "tensor \"a\" needs"},
      {container(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", "1234"),
       "unknown dtype \"F33\""},
      {container(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "12345678"),
       "has 4 bytes, its shape needs 8"},
      {container(
           R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}})",
           "1234"),
       "larger than the file"},
      {container(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234"),
       "needs dtype"},
      {container(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})", "1234"),
       "truncated or damaged"},
      {container(two + R"({"dtype":"U8","shape":[3],"data_offsets":[2,5]}})", "12345"), "inside"},
      {container(two + R"({"dtype":"U8","shape":[3],"data_offsets":[5,8]}})", "12345678"), "gap"},
      {container(two + R"({"dtype":"U8","shape":[3],"data_offsets":[4,7]}})", "12345678"),
       "1 bytes after the last"},
      {container(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1})"), "stands twice"},
      {container(R"({"a":{"dtype":"U8","dtype":"U8"}})"), "stands twice"},
      {container(R"({"__metadata__":{},"__metadata__":{}})"), "stands twice"},
      {container(R"({"__metadata__":{"b":"","b":""}})"), "stands twice"},
      {container(R"({"__metadata__":{"b":7}})"), "\"b\" must be a string"},
      {container(R"({"__metadata__":{"coppice.graph":"{"}})"), "coppice.graph: parse error"},
      {container(R"({"__metadata__":{"coppice.graph":"{}\u0000"}})"),
       "coppice.graph: parse error at line 1, column 3"},
      {container(R"({"__metadata__":{"coppice.graph":"{\"version\":2}"}})"),
       "coppice.graph: /version"},
      {container(R"({"__metadata__":7})"), "__metadata__"},
      {container("{\"a\":" + std::string(100000, '[')), "parse error"},
  };
  for (const auto& [bytes, expected] : cases) {
    const auto loaded = model_from_bytes(bytes);
    ASSERT_FALSE(loaded.ok()) << expected;
    EXPECT_NE(loaded.error().message.find(expected), std::string::npos) << loaded.error().message;
  }
  EXPECT_EQ(load_model(path("missing")).error().code, ErrorCode::kNotFound);
}

// Exchanges a text in the header of the small model for one of equal length.
TEST_F(ModelFile, TensorsMustFitTheGraph) {
  const std::string bytes = model_to_bytes(small_model()).value();
  const std::vector<std::array<std::string, 3>> cases = {
      {"\"conv.bias\":", "\"conv.bies\":", "lacks the tensor \"conv.bias\""},
      {"\"fc.weight.mask\":{\"dtype\":\"U8\"", "\"fc.weight.mask\":{\"dtype\":\"I8\"",
       "expected U8"},
      {"\\\"op\\\":\\\"conv2d\\\"", "\\\"op\\\":\\\"conv3d\\\"", "did you mean \"conv2d\""},
      {"\\\"out_channels\\\":3", "\\\"out_channels\\\":4", "layer \"conv\""},
      {"\\\"mask\\\":true", "\\\"mesk\\\":true", "did you mean \"mask\""},
      {"\\\"rounding\\\":\\\"double", "\\\"rounding\\\":\\\"duoble", "unknown rounding"},
  };
  for (const auto& [from, to, expected] : cases) {
    std::string changed = bytes;
    const size_t place = changed.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    changed.replace(place, from.size(), to);
    const auto loaded = model_from_bytes(changed);
    ASSERT_FALSE(loaded.ok()) << from;
    EXPECT_NE(loaded.error().message.find(expected), std::string::npos) << loaded.error().message;
  }
}

TEST_F(ModelFile, RefusesToSaveWhatItCouldNotLoad) {
  Graph graph = small_model();
  graph.nodes[0].parameters[0].quantized->values[0] = 8;  // 4 bits end at 7.
  graph.nodes[0].parameters[0].mask[0] = 1;
  const auto status = save_model(graph, path());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("conv.weight: 8 does not fit 4 bits"), std::string::npos)
      << status.error().message;
  graph = small_model();
  graph.nodes[0].parameters[0].mask.assign(graph.nodes[0].parameters[0].value.size(), 0);
  EXPECT_FALSE(save_model(graph, path()).ok());
  graph = small_model();
  graph.metadata["bad"] = "\xff";
  EXPECT_FALSE(save_model(graph, path()).ok());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

// A second reader, written from the format's page alone, finds the same bytes.
TEST_F(ModelFile, AnotherReaderAgrees) {
  if (!program_exists("python3")) GTEST_SKIP() << "python3 is not here";
  const Graph graph = small_model();
  ASSERT_TRUE(save_model(graph, path()).ok());
  const char* script = R"(
import json, struct, sys
b = open(sys.argv[1], 'rb').read()
n = struct.unpack('<Q', b[:8])[0]
h = json.loads(b[8:8 + n])
assert n % 8 == 0 and json.loads(h['__metadata__']['coppice.graph'])['name'] == 'small'
t = h['fc.weight']; s, e = t['data_offsets']
assert t['dtype'] == 'F32' and t['shape'] == [2, 12]
print(b[8 + n:][s:e].hex())
t = h['fc.weight.quantized']; s, e = t['data_offsets']
v = [x for y in b[8 + n:][s:e] for x in (y & 15, y >> 4)]
print(t['dtype'], *[x - 16 if x > 7 else x for x in v])
)";
  const auto python = run_process({"python3", "-c", script, path().string()});
  ASSERT_TRUE(python.ok());
  ASSERT_EQ(python->exit_code, 0) << python->errors;
  const Parameter& weight = *graph.find("fc")->parameter("weight");
  std::string expected;
  for (float value : weight.value) {
    uint8_t raw[4];
    std::memcpy(raw, &value, 4);
    for (uint8_t byte : raw) expected += fmt::format("{:02x}", byte);
  }
  EXPECT_EQ(python->output,
            fmt::format("{}\nU8 {}\n", expected, fmt::join(weight.quantized->values, " ")));
}

}  // namespace
}  // namespace coppice::io
