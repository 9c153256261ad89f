// The executor "auto", and the instruction sets that a plan may use.

#include <gtest/gtest.h>

#include <cstdlib>

#include "coppice/exec/plan.h"
#include "coppice/graph/zoo.h"
#include "exec/quantized.h"
#include "random_graph.h"

namespace coppice::exec {
namespace {

using testing::prune_randomly;
using testing::quantized;
using testing::random_bytes;
using testing::random_graph;
using testing::run;
using testing::supported_isas;

TEST(AutoExecutor, EqualsReferenceWhateverItChooses) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Graph pruned = random_graph(seed);
    prune_randomly(pruned, seed % 3 == 0 ? 0.0f : 0.8f, seed);
    const Graph graph = quantized(pruned, seed % 4 == 0 ? 4 : 8, true, Rounding::kSingle);
    SCOPED_TRACE(testing::describe(graph));
    const auto input = random_bytes(graph.input_shape().elements(), seed);
    EXPECT_EQ(run(graph, {.executor = Executor::kAuto}, input, 2),
              run(graph, {.executor = Executor::kReference}, input));
  }
}

TEST(AutoExecutor, TellsWhyAndRemembers) {
  Graph pruned = *make_zoo_model("ds_cnn", {}, 0, 1);
  prune_randomly(pruned, 0.9f, 1);
  const Graph graph = quantized(pruned, 8, true, Rounding::kFloat);
  const auto first = compile(graph, {.executor = Executor::kAuto});
  const auto again = compile(graph, {.executor = Executor::kAuto});
  ASSERT_TRUE(first.ok() && again.ok());
  for (size_t i = 0; i < (*first)->choices().size(); ++i) {
    const LayerChoice& choice = (*again)->choices()[i];
    EXPECT_EQ((*first)->choices()[i].kernel, choice.kernel);
    EXPECT_TRUE(choice.op != "conv2d" || choice.reason.find("before") != std::string::npos)
        << choice.reason;
  }
}

// Each limit that this processor supports holds for every layer, by option and by the environment.
TEST(InstructionSets, LimitsHold) {
  const Graph graph = quantized(*make_zoo_model("ds_cnn", {}, 0, 1), 8, true, Rounding::kFloat);
  for (const Isa limit : supported_isas()) {
    SCOPED_TRACE(isa_name(limit));
    const auto by_option = compile(graph, {.isa = limit});
    ::setenv("COPPICE_FORCE_ISA", std::string(isa_name(limit)).c_str(), 1);
    const auto by_environment = compile(graph);
    ::unsetenv("COPPICE_FORCE_ISA");
    ASSERT_TRUE(by_option.ok() && by_environment.ok());
    for (size_t i = 0; i < graph.nodes.size() && i < (*by_option)->choices().size(); ++i) {
      const LayerChoice& choice = (*by_environment)->choices()[i];
      EXPECT_EQ(choice.kernel, (*by_option)->choices()[i].kernel);
      EXPECT_LE(choice.isa, limit) << choice.kernel;
      EXPECT_TRUE(choice.op != "conv2d" || choice.isa == limit) << choice.kernel;
    }
  }
  ::setenv("COPPICE_FORCE_ISA", "quantum", 1);
  const auto unknown = compile(graph);
  ::unsetenv("COPPICE_FORCE_ISA");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("quantum"), std::string::npos);
}

}  // namespace
}  // namespace coppice::exec
