#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "coppice/core/cpu.h"
#include "coppice/core/packed.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/kernels/conv2d/scalar.h"
#include "coppice/kernels/depthwise_conv2d/dense.h"
#include "coppice/kernels/depthwise_conv2d/reference.h"
#include "coppice/kernels/fully_connected/reference.h"
#include "coppice/kernels/image_ops.h"
#include "coppice/kernels/packed_weights.h"
#include "coppice/kernels/pool/reference.h"
#include "kernels/bordered_image.h"

namespace coppice::testing {

using nlohmann::json;

/// One layer of the golden vectors (format: the README.md beside them), run by the plain kernels.
class GoldenCase {
 public:
  explicit GoldenCase(const json& layer) : layer_(layer) {
    const auto& data = layer_["data"];
    if (data.contains("weights")) data["weights"].get_to(weights_);
    if (data.contains("bias")) data["bias"].get_to(bias_);
    if (layer_.contains("multiplier")) layer_["multiplier"].get_to(multiplier_);
    if (layer_.contains("shift")) layer_["shift"].get_to(shift_);
    packed_.assign(packed_bytes(weights_.size(), 4), 0);
    if (layer_["weight_bits"] == 4) {
      for (size_t i = 0; i < weights_.size(); ++i) packed_set(packed_.data(), i, 4, weights_[i]);
    }
  }

  /// All images of the batch, one after the other. `variant`: "reference", "packed" (4-bit weights
  /// read from packed storage), "scalar" (convolutions only) or one of vector_variants().
  std::vector<int8_t> run(const std::vector<int8_t>& input, const std::string& variant) const {
    const int batch = layer_["input_nhwc"][0];
    const auto in_size = input.size() / static_cast<size_t>(batch);
    const auto out_size = static_cast<size_t>(size("output_nhwc", 1) * size("output_nhwc", 2) *
                                              size("output_nhwc", 3));
    std::vector<int8_t> output(out_size * static_cast<size_t>(batch));
    for (size_t image = 0; image < static_cast<size_t>(batch); ++image) {
      run_image(input.data() + image * in_size, output.data() + image * out_size, variant);
    }
    return output;
  }

  /// The kernels on images that this processor can run and that take this case.
  std::vector<std::string> vector_variants() const {
    std::vector<std::string> names;
    const auto add = [&](const auto& list) {
      for (const auto& kernel : list) {
        if (isa_supported(kernel.isa)) names.push_back(kernel.name);
      }
    };
    const auto op = layer_["op"].get<std::string>();
    const bool symmetric = layer_.value("filter_offset", 0) == 0;
    if (op == "conv2d" || (op == "fully_connected" && symmetric)) add(kernels::conv2d_kernels_u8());
    if (op == "depthwise_conv2d") add(kernels::depthwise_conv2d_kernels_u8());
    if (op.find("pool") != std::string::npos) {
      for (const auto& ops : kernels::image_ops_u8()) {
        if (isa_supported(ops.isa)) names.emplace_back(isa_name(ops.isa));
      }
    }
    return names;
  }

  /// The golden packing of 4-bit weights equals ours.
  bool packing_matches() const {
    if (layer_["weight_bits"] != 4) return true;
    std::vector<uint8_t> golden;  // The file writes some bytes as negative numbers.
    for (const int byte : layer_["data"]["weights_packed"])
      golden.push_back(static_cast<uint8_t>(byte));
    return golden == packed_;
  }

 private:
  int size(const char* key, size_t axis) const { return layer_[key][axis]; }

  kernels::Window2D window() const {
    kernels::Window2D w{size("input_nhwc", 1),  size("input_nhwc", 2), size("output_nhwc", 1),
                        size("output_nhwc", 2), size("filter_hw", 0),  size("filter_hw", 1),
                        size("stride_hw", 0),   size("stride_hw", 1)};
    if (layer_.contains("dilation_hw")) {
      w.dilation_h = size("dilation_hw", 0);
      w.dilation_w = size("dilation_hw", 1);
    }
    w.pad_top = size("pad_hw", 0);
    w.pad_left = size("pad_hw", 1);
    return w;
  }

  template <class Run>
  void with_weights(const std::string& variant, const Run& run) const {
    if (variant == "packed") return run(kernels::PackedWeights<4>{packed_.data()});
    run(weights_.data());
  }

  using U8 = BorderedImage<uint8_t>;

  static U8 input_image(const kernels::Window2D& w, int channels, int32_t zero, const int8_t* x) {
    U8 image = U8::input_of(w, channels, static_cast<uint8_t>(zero + 128));
    image.set(std::vector<int8_t>(x, x + w.in_h * w.in_w * channels));
    return image;
  }
  static void copy_out(U8& image, int8_t* y) {
    const auto values = image.get<int8_t>();
    std::copy(values.begin(), values.end(), y);
  }

  // Runs the kernel of that name if the list has it.
  template <class List, class Params>
  bool run_kernel(const List& list, const std::string& name, const Params& p, int in_channels,
                  const kernels::Requantize& to, const int8_t* x, int8_t* y) const {
    struct alignas(64) Line {
      std::byte bytes[64];
    };
    for (const auto& kernel : list) {
      if (kernel.name != name || !kernel.accepts(p)) continue;
      std::vector<Line> packed(kernel.packed_bytes(p) / 64 + 1);
      const int32_t* bias = bias_.empty() ? nullptr : bias_.data();
      if (!kernel.pack(p, to, weights_.data(), bias, packed.data())) return false;
      U8 in = input_image(p.window, in_channels, p.x_zero, x);
      U8 out(p.window.out_h, p.window.out_w, size("output_nhwc", 3), 0, 0, 0, 0, 0, 0);
      kernel.run(p, packed.data(), in.image(), out.image(), {0, p.window.out_h});
      copy_out(out, y);
      return true;
    }
    return false;
  }

  bool run_pool(const std::string& name, const kernels::PoolParams<int8_t>& p, bool average,
                const int8_t* x, int8_t* y) const {
    for (const auto& ops : kernels::image_ops_u8()) {
      if (isa_name(ops.isa) != name) continue;
      const kernels::Window2D& w = p.window;
      U8 in(w.in_h, w.in_w, p.channels, 0, 0, 0, 0, 0, 0);
      in.set(std::vector<int8_t>(x, x + w.in_h * w.in_w * p.channels));
      U8 out(w.out_h, w.out_w, p.channels, 0, 0, 0, 0, 0, 0);
      (average ? ops.avg_pool2d : ops.max_pool2d)(p, in.image(), out.image(), {0, w.out_h});
      copy_out(out, y);
      return true;
    }
    return false;
  }

  void run_image(const int8_t* x, int8_t* y, const std::string& variant) const {
    const auto op = layer_["op"].get<std::string>();
    const int in_channels = size("input_nhwc", 3);
    const kernels::Requantize to{.rounding = kernels::Rounding::kDouble,
                                 .multiplier = multiplier_.data(),
                                 .shift = shift_.data(),
                                 .scale = nullptr,
                                 .channel_step = multiplier_.size() > 1 ? 1 : 0,
                                 .zero = layer_.value("output_offset", 0),
                                 .min = layer_["act_min"],
                                 .max = layer_["act_max"]};
    const int32_t x_zero = -layer_.value("input_offset", 0);
    const int32_t* bias = bias_.empty() ? nullptr : bias_.data();
    if (op == "conv2d") {
      const int filter_channels = layer_["filter_c"];
      const kernels::Conv2DParams p{window(), in_channels, size("output_nhwc", 3),
                                    in_channels / filter_channels, x_zero};
      if (variant == "scalar") {
        std::vector<int8_t> packed(weights_.size());
        kernels::pack_conv2d_scalar(p, weights_.data(), packed.data());
        return kernels::conv2d_scalar(p, to, x, packed.data(), bias, y);
      }
      if (run_kernel(kernels::conv2d_kernels_u8(), variant, p, in_channels, to, x, y)) return;
      with_weights(variant, [&](const auto& w) { kernels::conv2d_ref(p, to, x, w, bias, y); });
    } else if (op == "depthwise_conv2d") {
      const kernels::DepthwiseConv2DParams p{window(), in_channels, layer_["ch_mult"], x_zero};
      if (run_kernel(kernels::depthwise_conv2d_kernels_u8(), variant, p, in_channels, to, x, y))
        return;
      with_weights(variant,
                   [&](const auto& w) { kernels::depthwise_conv2d_ref(p, to, x, w, bias, y); });
    } else if (op == "fully_connected") {
      const kernels::FullyConnectedParams p{layer_["depth"], size("output_nhwc", 3), x_zero,
                                            -layer_.value("filter_offset", 0)};
      const kernels::Conv2DParams conv{{}, p.in_features, p.out_features, 1, x_zero};
      if (run_kernel(kernels::conv2d_kernels_u8(), variant, conv, p.in_features, to, x, y)) return;
      with_weights(variant,
                   [&](const auto& w) { kernels::fully_connected_ref(p, to, x, w, bias, y); });
    } else {
      const kernels::PoolParams<int8_t> p{window(), in_channels, layer_["act_min"],
                                          layer_["act_max"]};
      if (run_pool(variant, p, op == "avg_pool2d", x, y)) return;
      op == "avg_pool2d" ? kernels::avg_pool2d_ref(p, x, y) : kernels::max_pool2d_ref(p, x, y);
    }
  }

  const json& layer_;
  std::vector<int8_t> weights_;
  std::vector<uint8_t> packed_;
  std::vector<int32_t> bias_, multiplier_, shift_;
};

}  // namespace coppice::testing
