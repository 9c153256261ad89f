#include "train/network.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "coppice/core/random.h"
#include "coppice/graph/zoo.h"
#include "train/loss.h"
#include "train/optimizer.h"

namespace {
std::atomic<int64_t> allocations{0};

void* allocate(size_t bytes, size_t alignment) {
  ++allocations;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}
}  // namespace

// Counts what the whole program allocates.
[[gnu::noinline]] void* operator new(size_t bytes) {
  if (void* memory = allocate(bytes, alignof(std::max_align_t))) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t bytes, std::align_val_t alignment) {
  if (void* memory = allocate(bytes, static_cast<size_t>(alignment))) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace coppice::train {
namespace {

TEST(Network, AllocatesNothingAfterTheFirstStep) {
  for (const char* arch : {"ds_cnn", "resnet8", "lenet"}) {
    const Graph graph = make_zoo_model(arch, {}, 0, 1).value();
    ParameterStore parameters(graph);
    const Kernels& kernels = kernels_for(*active_isa());
    Network network(graph, parameters, kernels, {16, Mode::kTraining, 0.0f});
    OptimizerState optimizer(parameters, TrainOptions{}, kernels);
    // One thread: with more, a thread's first tile may come in a later step.
    ThreadPool pool(1);
    Random random(1, arch);
    std::vector<int> labels;
    for (int i = 0; i < 16; ++i) {
      for (float& value : network.input(i)) value = random.normal();
      labels.push_back(i % network.classes());
    }
    int64_t before = 0;
    for (int step = 0; step < 4; ++step) {
      if (step == 1) before = allocations;
      network.train(pool, labels, StepState{});
      optimizer.step(pool, network.gradients(), 1e-3f);
    }
    EXPECT_EQ(allocations - before, 0) << arch;
  }
}

TEST(Loss, EqualsItsDefinition) {
  const std::vector<float> logits = {1.5f, -0.25f, 0.75f, 3.0f};
  for (const float smoothing : {0.0f, 0.1f}) {
    double sum = 0;
    for (float z : logits) sum += std::exp(double{z});
    for (int label = 0; label < 4; ++label) {
      double expected = 0;
      std::vector<float> gradient(4);
      const double loss = cross_entropy(logits.data(), 4, label, smoothing, 2.0f, gradient.data());
      for (int c = 0; c < 4; ++c) {
        const double p = std::exp(double{logits[static_cast<size_t>(c)]}) / sum;
        const double target = double{smoothing} / 4 + (c == label ? 1 - double{smoothing} : 0.0);
        expected -= target * std::log(p);
        EXPECT_NEAR(gradient[static_cast<size_t>(c)], 2 * (p - target), 1e-6);
      }
      EXPECT_NEAR(loss, expected, 1e-12);
    }
  }
  const std::vector<float> huge = {3e38f, -3e38f};
  EXPECT_EQ(cross_entropy(huge.data(), 2, 0, 0.0f, 1.0f, nullptr), 0.0);
}

// Padding, tiles and lanes: each sample's logits do not depend on its neighbours or on the batch.
TEST(Network, ASampleDoesNotSeeItsNeighbours) {
  const Graph graph = make_zoo_model("ds_cnn", {}, 0, 1).value();
  ParameterStore parameters(graph);
  const Kernels& kernels = kernels_for(*active_isa());
  Network alone(graph, parameters, kernels, {1, Mode::kInference, 0.0f});
  ThreadPool pool(3);
  for (int batch : {2, 7, 33}) {
    Network network(graph, parameters, kernels, {batch, Mode::kInference, 0.0f});
    for (int i = 0; i < batch; ++i) {
      Random random(4, "sample", static_cast<uint64_t>(i));
      for (float& value : network.input(i)) value = random.normal();
    }
    network.infer(pool, batch);
    for (int i : {0, batch / 2, batch - 1}) {
      std::copy(network.input(i).begin(), network.input(i).end(), alone.input(0).begin());
      alone.infer(pool, 1);
      for (size_t c = 0; c < 12; ++c) EXPECT_EQ(network.logits(i)[c], alone.logits(0)[c]);
    }
  }
}

}  // namespace
}  // namespace coppice::train
