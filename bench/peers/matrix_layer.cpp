#include "peers/matrix_layer.h"

#include <algorithm>

namespace coppice::bench {

Result<MatrixLayer> MatrixLayer::make(const Graph& graph, std::string_view peer) {
  const auto refuse = [&](const std::string& why) {
    return Error{ErrorCode::kUnsupported, std::string(peer) + ": " + why};
  };
  if (graph.nodes.size() != 1 || graph.quantized()) return refuse("single float layers only");
  const Node& node = graph.nodes[0];
  const Shape& in = graph.input_shape();
  MatrixLayer layer;
  Activation activation = Activation::kNone;
  if (const auto* conv = std::get_if<Conv2D>(&node.op); conv != nullptr && conv->groups == 1) {
    layer.window_ = exec::window_of(graph, node);
    layer.channels_ = in[2];
    layer.rows_ = conv->out_channels;
    layer.columns_ = conv->kernel.h * conv->kernel.w * in[2];
    layer.pixels_ = layer.window_.out_h * layer.window_.out_w;
    activation = conv->activation;
  } else if (const auto* fc = std::get_if<FullyConnected>(&node.op)) {
    layer.window_ = kernels::whole_image(1, 1);
    layer.rows_ = fc->out_features;
    layer.columns_ = layer.channels_ = static_cast<int>(in.elements());
    activation = fc->activation;
  } else {
    return refuse("layer " + node.name + " is no matrix product");
  }
  layer.weight_ = node.parameter("weight")->value;
  const Parameter* bias = node.parameter("bias");
  layer.bias_ =
      bias != nullptr ? bias->value : std::vector<float>(static_cast<size_t>(layer.rows_), 0.0f);
  layer.clamp_ = exec::float_clamp(activation);
  return layer;
}

void MatrixLayer::unfold(const Values& input, float* to, int stride) const {
  int row = 0;
  for (int ky = 0; ky < window_.kernel_h; ++ky) {
    for (int kx = 0; kx < window_.kernel_w; ++kx) {
      for (int c = 0; c < channels_; ++c, ++row) {
        float* out = to + static_cast<ptrdiff_t>(row) * stride;
        for (int p = 0; p < pixels_; ++p) {
          const int y =
              p / window_.out_w * window_.stride_h - window_.pad_top + ky * window_.dilation_h;
          const int x =
              p % window_.out_w * window_.stride_w - window_.pad_left + kx * window_.dilation_w;
          const bool inside = y >= 0 && y < window_.in_h && x >= 0 && x < window_.in_w;
          const auto at = static_cast<size_t>((y * window_.in_w + x) * channels_ + c);
          out[p] = inside ? input.real[at] : 0.0f;
        }
      }
    }
  }
}

void MatrixLayer::set_bias(float* product, int stride) const {
  for (int r = 0; r < rows_; ++r) {
    std::fill_n(product + static_cast<ptrdiff_t>(r) * stride, pixels_,
                bias_[static_cast<size_t>(r)]);
  }
}

void MatrixLayer::add_bias_and_clamp(float* product, int stride) const {
  for (int r = 0; r < rows_; ++r) {
    float* row = product + static_cast<ptrdiff_t>(r) * stride;
    const float bias = bias_[static_cast<size_t>(r)];
    for (int p = 0; p < pixels_; ++p) {
      row[p] = std::min(std::max(row[p] + bias, clamp_.min), clamp_.max);
    }
  }
}

void MatrixLayer::clamp(float* product, int stride) const {
  for (int r = 0; r < rows_; ++r) {
    float* row = product + static_cast<ptrdiff_t>(r) * stride;
    for (int p = 0; p < pixels_; ++p) row[p] = std::min(std::max(row[p], clamp_.min), clamp_.max);
  }
}

Values MatrixLayer::fold(const float* product, int stride) const {
  Values values;
  for (int p = 0; p < pixels_; ++p) {
    for (int r = 0; r < rows_; ++r) {
      values.real.push_back(product[static_cast<ptrdiff_t>(r) * stride + p]);
    }
  }
  return values;
}

}  // namespace coppice::bench
