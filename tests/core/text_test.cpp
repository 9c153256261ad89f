#include "coppice/core/text.h"

#include <gtest/gtest.h>

#include <climits>
#include <vector>

namespace coppice {
namespace {

TEST(Text, EditDistanceCountsSwapsOnceAndIgnoresCase) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("sparsty", "sparsity"), 1);
  EXPECT_EQ(edit_distance("sparstiy", "sparsity"), 1);
  EXPECT_EQ(edit_distance("DS_CNN", "ds_cnn"), 0);
}

TEST(Text, NearestNameOnlyWhenNear) {
  const std::vector<std::string> names{"epochs", "batch_size", "learning_rate", "sparsity"};
  EXPECT_EQ(nearest_name("sparsty", names), "sparsity");
  EXPECT_EQ(nearest_name("learningrate", names), "learning_rate");
  EXPECT_EQ(nearest_name("epoch", names), "epochs");
  EXPECT_EQ(nearest_name("colour", names), "");
  EXPECT_EQ(did_you_mean("epoch", names), "; did you mean \"epochs\"?");
  EXPECT_EQ(did_you_mean("zzz", names), "");
}

TEST(Text, GlobMatchesWholeNames) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("conv_*", "conv_1"));
  EXPECT_TRUE(glob_match("conv_*", "conv_"));
  EXPECT_FALSE(glob_match("conv_", "conv_1"));
  EXPECT_FALSE(glob_match("conv_*", "pre_conv_1"));
  EXPECT_TRUE(glob_match("*_?", "pointwise_2"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("*a*b*c", "xxaxbxbxxc"));
  EXPECT_FALSE(glob_match("*a*b*c", "xxaxcxb"));
  EXPECT_FALSE(glob_match("", "x"));
  // Quadratic at worst, never exponential.
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Text, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(-123456), "-123,456");
  EXPECT_EQ(with_thousands(LLONG_MIN), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace coppice
