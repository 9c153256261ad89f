// Which kernels a processor gets.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "coppice/core/cpu.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/image_ops.h"

namespace coppice::kernels {
namespace {

// The best instruction set of a list that the processor has; scalar if there is none.
template <class Kernel>
Isa best_of(const KernelList<Kernel>& list) {
  for (const Kernel& kernel : list) {
    if (isa_supported(kernel.isa)) return kernel.isa;
  }
  return Isa::kScalar;
}

// Lists are best first, so that the first kernel that a processor can run is the one to take.
template <class Kernel>
void expect_best_first(const KernelList<Kernel>& list) {
  for (int i = 1; i < list.count; ++i) {
    EXPECT_LE(list.first[i].isa, list.first[i - 1].isa) << i;
  }
}

TEST(Dispatch, ListsAreBestFirst) {
  expect_best_first(conv2d_kernels_u8());
  expect_best_first(depthwise_conv2d_kernels_u8());
  expect_best_first(conv2d_kernels_f32());
  expect_best_first(depthwise_conv2d_kernels_f32());
  expect_best_first(image_ops_u8());
  expect_best_first(image_ops_f32());
}

// int8 layers have a kernel for each instruction set, so that none is forgotten.
TEST(Dispatch, IntegersGetTheBestInstructionSet) {
  const auto active = active_isa();
  ASSERT_TRUE(active.ok()) << active.error().message;
  EXPECT_EQ(best_of(conv2d_kernels_u8()), *active);
  EXPECT_EQ(best_of(depthwise_conv2d_kernels_u8()), *active);
}

// The emulated processors of tests/cross say what they must be taken for.
TEST(Dispatch, ProcessorIsWhatItShouldBe) {
  const char* expected = std::getenv("COPPICE_EXPECTED_ISA");
  if (expected == nullptr) GTEST_SKIP() << "COPPICE_EXPECTED_ISA names no instruction set";
  const auto active = active_isa();
  ASSERT_TRUE(active.ok()) << active.error().message;
  EXPECT_EQ(isa_name(*active), std::string_view(expected));
  EXPECT_FALSE(isa_supported(Isa::kAvx2));
  const bool arm = *active == Isa::kNeon || *active == Isa::kNeonDot;
  EXPECT_EQ(isa_supported(Isa::kNeon), arm);
  // What the processor lacks cannot be forced upon it.
  ::setenv("COPPICE_FORCE_ISA", *active == Isa::kNeon ? "neondot" : "avx2", 1);
  const auto forced = active_isa();
  ::unsetenv("COPPICE_FORCE_ISA");
  ASSERT_FALSE(forced.ok());
  EXPECT_NE(forced.error().message.find(expected), std::string::npos) << forced.error().message;
}

}  // namespace
}  // namespace coppice::kernels
