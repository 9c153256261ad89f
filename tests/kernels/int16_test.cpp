// Plain kernels of int16 activations: golden vectors of CMSIS-NN, and arithmetic that says the same
// in another way.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/kernels/add/reference.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/conv2d/scalar.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/fully_connected/reference.h"
#include "coppice/kernels/pool/reference.h"
#include "coppice/kernels/softmax/reference.h"

namespace coppice::kernels {
namespace {

using nlohmann::json;
using Values = std::vector<int16_t>;

class Golden {
 public:
  explicit Golden(const json& layer) : layer_(layer) {
    if (layer.contains("weights")) layer["weights"].get_to(weights_);
    if (layer.contains("bias")) layer["bias"].get_to(bias_);
    if (layer.contains("multiplier")) layer["multiplier"].get_to(multiplier_);
    if (layer.contains("shift")) layer["shift"].get_to(shift_);
  }

  Values run(const Values& input, size_t outputs) const {
    Values output(outputs);
    const int images = layer_["op"] == "softmax" || layer_["op"] == "add"
                           ? 1
                           : static_cast<int>(outputs) / outputs_an_image();
    for (int image = 0; image < images; ++image) {
      run_image(input.data() + image * static_cast<int>(input.size()) / images,
                output.data() + image * static_cast<int>(outputs) / images);
    }
    return output;
  }

 private:
  Window2D window() const {
    if (!layer_.contains("window")) return {};
    const auto w = layer_["window"].get<std::vector<int>>();
    return {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11]};
  }
  int outputs_an_image() const {
    return window().out_h * window().out_w * layer_["out_channels"].get<int>();
  }
  QuantizedMultiplier factor(size_t i) const { return {multiplier_[i], shift_[i]}; }

  void run_image(const int16_t* x, int16_t* y) const {
    const auto op = layer_["op"].get<std::string>();
    const int in = layer_.value("in_channels", 1), out = layer_.value("out_channels", 1);
    RequantizeWide to{multiplier_.data(), shift_.data(), multiplier_.size() > 1 ? 1 : 0,
                      layer_.value("min", -32768), layer_.value("max", 32767)};
    const int64_t* bias = bias_.empty() ? nullptr : bias_.data();
    if (op == "conv2d") {
      const Conv2DParams p{window(), in, out, 1, 0};
      conv2d_ref(p, to, x, weights_.data(), bias, y);
      std::vector<int8_t> packed(weights_.size());
      Values again(static_cast<size_t>(outputs_an_image()));
      pack_conv2d_scalar(p, weights_.data(), packed.data());
      conv2d_scalar(p, to, x, packed.data(), bias, again.data());
      EXPECT_EQ(again, Values(y, y + again.size()));
    } else if (op == "depthwise_conv2d") {
      const DepthwiseConv2DParams p{window(), in, out / in, 0};
      depthwise_conv2d_ref(p, to, x, weights_.data(), bias, y);
    } else if (op == "fully_connected") {
      fully_connected_ref({in, out, 0, 0}, to, x, weights_.data(), bias, y);
    } else if (op == "add") {
      const auto other = layer_["input2"].get<Values>();
      AddParams p;
      p.count = static_cast<int>(other.size());
      p.left_shift = kAddLeftShiftWide;
      p.a = factor(0), p.b = factor(1), p.y = factor(2);
      p.min = to.min, p.max = to.max;
      add_ref(p, x, other.data(), y);
    } else if (op == "softmax") {
      softmax_ref({layer_["rows"], layer_["depth"], Rounding::kDouble, factor(0)}, {}, x, y);
    } else {
      const PoolParams<int16_t> p{window(), in, static_cast<int16_t>(to.min),
                                  static_cast<int16_t>(to.max)};
      op == "avg_pool2d" ? avg_pool2d_ref(p, x, y) : max_pool2d_ref(p, x, y);
    }
  }

  const json& layer_;
  std::vector<int8_t> weights_;
  std::vector<int64_t> bias_;
  std::vector<int32_t> multiplier_, shift_;
};

TEST(Int16, GoldenCases) {
  std::ifstream file(COPPICE_SOURCE_DIR "/tests/kernels/int16_golden.json");
  const json golden = json::parse(file);
  ASSERT_GE(golden["cases"].size(), 12u);
  for (const json& layer : golden["cases"]) {
    SCOPED_TRACE(layer["name"].get<std::string>());
    const auto expected = layer["output"].get<Values>();
    EXPECT_EQ(Golden(layer).run(layer["input"].get<Values>(), expected.size()), expected);
  }
}

// value * 2^-15 m 2^shift with m the multiplier's upper 15 bits, to the nearest integer.
TEST(Int16, RequantizeRoundsOnce) {
  Random random(1, "int16");
  for (int i = 0; i < 20000; ++i) {
    const auto multiplier = static_cast<int32_t>(0x40000000u + (random.bits() & 0x3FFFFFFFu));
    const int shift = static_cast<int>(random.below(45)) - 30;
    const auto magnitude = static_cast<int>(random.below(46));
    const uint64_t bits = uint64_t{random.bits()} << 32 | random.bits();
    const auto value =
        static_cast<int64_t>(bits & ((uint64_t{1} << magnitude) - 1)) * (i % 2 == 0 ? 1 : -1);
    const int64_t m = std::min<int64_t>(std::llround(multiplier / 65536.0), 0x7FFF);
    const long double exact = std::ldexp(static_cast<long double>(value * m), shift - 15);
    const long double rounded = std::floor(exact + 0.5L);
    EXPECT_EQ(static_cast<long double>(multiply_wide(value, multiplier, shift)), rounded)
        << value << " " << multiplier << " " << shift;
  }
}

TEST(Int16, RequantizeSaturatesAndClamps) {
  const int32_t one[] = {1 << 30}, far[] = {30}, unit[] = {1};
  EXPECT_EQ(finish(RequantizeWide{one, far}, 0, 1), 32767);
  EXPECT_EQ(finish(RequantizeWide{one, far}, 0, -(int64_t{1} << 46)), -32768);
  EXPECT_EQ(finish(RequantizeWide{one, far}, 0, 0), 0);
  EXPECT_EQ(finish(RequantizeWide{one, unit}, 0, 123), 123);
  EXPECT_EQ(finish(RequantizeWide{one, unit, 1, 0, 100}, 0, 123), 100);
  EXPECT_EQ(finish(RequantizeWide{one, unit, 1, 0, 100}, 0, -5), 0);
}

TEST(Int16, SoftmaxIsNearTheExactOne) {
  Random random(2, "int16");
  const SoftmaxTables tables;
  for (const float scale : {1e-5f, 3e-4f, 2e-3f}) {
    for (const int depth : {1, 2, 10, 300}) {
      Values x(static_cast<size_t>(depth)), y(x);
      for (auto& value : x)
        value = static_cast<int16_t>(static_cast<int>(random.below(65536)) - 32768);
      softmax_ref(make_softmax_wide_params(1, depth, scale, Rounding::kDouble), tables, x.data(),
                  y.data());
      double sum = 0;
      for (const int16_t value : x) sum += std::exp(double{scale} * (value - x[0]));
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = std::exp(double{scale} * (x[i] - x[0])) / sum * 32768.0;
        // Exponentials below e^-10 count as 1.5 steps; the difference to the largest is rounded to
        // 10 / 65535, here and in the sum.
        EXPECT_NEAR(y[i], exact, 3.0 + exact * (1.5 * depth / 32768.0 + 10.0 / 65535.0));
      }
    }
  }
}

}  // namespace
}  // namespace coppice::kernels
