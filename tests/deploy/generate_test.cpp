#include <gtest/gtest.h>

#include <regex>

#include "coppice/core/file.h"
#include "coppice/deploy/generate.h"
#include "coppice/graph/planner.h"
#include "deploy/code_text.h"
#include "deploy/embedded.h"
#include "deploy/guest.h"
#include "deploy/quantized_model.h"

namespace coppice::deploy {
namespace {

using testing::quantized_zoo_model;
using testing::TestFolder;

TEST(Targets, AreFoundByNameOrListed) {
  for (const auto& target : targets()) EXPECT_EQ(find_target(target.name)->machine, target.machine);
  const auto missing = find_target("cortex-m99");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kConfig);
  EXPECT_NE(missing.error().message.find("cortex-m4"), std::string::npos);
}

TEST(Generate, RefusesAFloatModel) {
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, make_zoo_model("tiny_conv", {}, 0, 1));
  const auto status = generate(graph, targets()[0], folder.path());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("quantize it first"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
}

TEST(Generate, RefusesWiderActivations) {
  const TestFolder folder;
  COPPICE_ASSERT_OK(Graph graph, quantized_zoo_model("tiny_conv"));
  graph.tensors[1].quantization->bits = 16;
  const auto status = generate(graph, targets()[0], folder.path());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("16-bit"), std::string::npos);
}

TEST(Generate, LeavesForeignFilesAlone) {
  const TestFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.path() / "thesis.txt", "mine").ok());
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("tiny_conv"));
  const auto status = generate(graph, targets()[0], folder.path());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("holds other files"), std::string::npos);
}

TEST(Generate, WritesASelfContainedFolderTwice) {
  const TestFolder folder;
  COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model("ds_cnn"));
  for (int round = 0; round < 2; ++round) {
    const auto status = generate(graph, targets()[0], folder.path());
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // Each quoted include leads to a file of the folder.
  const std::regex include("#include \"([^\"]+)\"");
  int includes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string text = *read_file(entry.path());
    EXPECT_EQ(text.find('@' + std::string("MACHINE@")), std::string::npos) << entry.path();
    for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end;
         ++match) {
      const std::string name = (*match)[1];
      EXPECT_TRUE(std::filesystem::exists(folder.path() / name) ||
                  std::filesystem::exists(entry.path().parent_path() / name))
          << entry.path() << " includes " << name;
      ++includes;
    }
  }
  EXPECT_GT(includes, 10);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "coppice/kernels/add"));  // Not used.
}

TEST(Generate, ArenaIsThePlanners) {
  for (const char* arch : {"tiny_conv", "ds_cnn", "resnet8"}) {
    const TestFolder folder;
    COPPICE_ASSERT_OK(const Graph graph, quantized_zoo_model(arch));
    ASSERT_TRUE(generate(graph, targets()[0], folder.path()).ok());
    const std::string expected =
        "COPPICE_MODEL_ARENA_BYTES = " + std::to_string(plan_memory(graph).arena_bytes) + ",";
    EXPECT_NE(read_file(folder.path() / "model.h")->find(expected), std::string::npos) << arch;
  }
}

TEST(Embedded, ClosureFollowsIncludesAndNamesWhatIsNotFreestanding) {
  COPPICE_ASSERT_OK(const auto closure, header_closure({"coppice/kernels/add/reference.h"}));
  EXPECT_EQ(closure.count("coppice/kernels/add/add.h"), 1u);
  EXPECT_EQ(closure.count("coppice/kernels/requantize.h"), 1u);
  const auto hosted = header_closure({"coppice/graph/graph.h"});
  ASSERT_FALSE(hosted.ok());
  EXPECT_NE(hosted.error().message.find("coppice/graph/graph.h"), std::string::npos);
}

TEST(Embedded, FilesAreThoseOfTheSourceTree) {
  ASSERT_GT(embedded_files().size(), 20u);
  for (const auto& file : embedded_files()) {
    const auto text = read_file(std::filesystem::path(COPPICE_SOURCE_DIR) / file.path);
    ASSERT_TRUE(text.ok()) << file.path;
    EXPECT_EQ(*text, file.text) << file.path;
  }
}

TEST(CodeText, IdentifiersAndLiterals) {
  EXPECT_EQ(identifier("block1/conv-2"), "block1_conv_2");
  EXPECT_EQ(identifier("3x3"), "layer_3x3");
  EXPECT_EQ(comment_text("a\nb\\"), "a b ");
  for (float value : {0.1f, 1.0f, 3e-20f, 16777216.0f}) {
    const std::string literal = float_literal(value);
    EXPECT_EQ(std::stof(literal), value) << literal;
    EXPECT_EQ(literal.back(), 'f');
    EXPECT_NE(literal.find_first_of(".e"), std::string::npos) << literal;
  }
}

TEST(GuestReport, ReadsRunsAndPassesOverForeignLines) {
  const auto report = parse_guest_report(
      "qemu: a warning\nlayer;0;120;00ff00ff\nlayer;1;7;deadbeef\ntotal;0;130\nstack;0;96\n"
      "output;0;80ff7f\ntotal;1;131\nstack;1;96\noutput;1;000102\ndifferent;1;000103\nfail\n");
  ASSERT_TRUE(report.ok()) << report.error().message;
  ASSERT_EQ(report->runs.size(), 2u);
  EXPECT_FALSE(report->passed);
  EXPECT_EQ(report->runs[0].instructions, 130);
  EXPECT_EQ(report->runs[0].stack_bytes, 96);
  EXPECT_EQ(report->runs[0].output, (std::vector<int8_t>{-128, -1, 127}));
  ASSERT_EQ(report->runs[0].layers.size(), 2u);
  EXPECT_EQ(report->runs[0].layers[1].output_hash, 0xdeadbeefu);
  EXPECT_TRUE(report->runs[1].layers.empty());
}

TEST(GuestReport, RefusesBrokenLines) {
  for (const char* text : {"", "total;0;130\n", "total;0;x\npass\n", "output;0;00\npass\n",
                           "total;0;1\noutput;0;0g\npass\n", "layer;0;1\npass\n",
                           "total;0;1\noutput;0;012\npass\n", "stack;0;4\npass\n"}) {
    EXPECT_FALSE(parse_guest_report(text).ok()) << text;
  }
}

}  // namespace
}  // namespace coppice::deploy
