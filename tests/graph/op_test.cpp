#include "coppice/graph/op.h"

#include <gtest/gtest.h>

#include <set>

namespace coppice {
namespace {

TEST(Op, NamesAreUniqueAndMakeTheirOp) {
  std::set<std::string_view> names;
  for (const Op& op : all_ops()) {
    EXPECT_TRUE(names.insert(op_name(op)).second) << op_name(op);
    EXPECT_FALSE(op_summary(op).empty());
    const auto made = make_op(op_name(op));
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made->index(), op.index());
  }
  EXPECT_EQ(names.size(), std::variant_size_v<Op>);
  ASSERT_FALSE(make_op("conv_2d").ok());
  EXPECT_NE(make_op("conv_2d").error().message.find("did you mean \"conv2d\"?"), std::string::npos);
}

// TensorFlow's examples: output ceil(in / stride), the odd pixel after.
TEST(Op, SamePadding) {
  EXPECT_EQ(same_padding({49, 10}, {10, 4}, {2, 2}), (Padding{4, 5, 1, 1}));
  EXPECT_EQ(same_padding({32, 32}, {3, 3}, {2, 2}), (Padding{0, 1, 0, 1}));
  EXPECT_EQ(same_padding({5, 5}, {1, 1}, {2, 2}), (Padding{0, 0, 0, 0}));
  EXPECT_EQ(same_padding({7, 7}, {3, 2}, {1, 1}, {2, 3}), (Padding{2, 2, 1, 2}));
}

}  // namespace
}  // namespace coppice
