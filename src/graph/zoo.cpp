#include "coppice/graph/zoo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/text.h"
#include "coppice/graph/builder.h"

namespace coppice {
namespace {

using Tensor = GraphBuilder::Tensor;

enum class Pad { kSame, kValid };

Padding padding_for(const Shape& in, Size2 kernel, Size2 stride, Pad pad) {
  return pad == Pad::kSame ? same_padding({in[0], in[1]}, kernel, stride) : Padding{};
}

Tensor conv(GraphBuilder& g, Tensor x, std::string name, int channels, Size2 kernel, Size2 stride,
            Pad pad, bool bias = true) {
  Conv2D op;
  op.out_channels = channels;
  op.kernel = kernel;
  op.stride = stride;
  op.padding = padding_for(g.shape(x), kernel, stride, pad);
  return g.add(op, {x}, std::move(name), bias);
}

Tensor conv_relu(GraphBuilder& g, Tensor x, int index, int channels, Size2 kernel, Size2 stride,
                 Pad pad) {
  x = conv(g, x, fmt::format("conv_{}", index), channels, kernel, stride, pad);
  return g.add(Relu{}, {x}, fmt::format("relu_{}", index));
}

Tensor norm_relu(GraphBuilder& g, Tensor x, const std::string& prefix) {
  x = g.add(BatchNorm{}, {x}, prefix + "_norm");
  return g.add(Relu{}, {x}, prefix + "_relu");
}

// A 3x3 depthwise convolution that sees each channel alone, then a 1x1 convolution that mixes them,
// each normalized. The batch norms' betas are the biases.
Tensor separable(GraphBuilder& g, Tensor x, int index, int channels, Size2 stride) {
  const auto depthwise_name = fmt::format("depthwise_{}", index);
  DepthwiseConv2D depthwise;
  depthwise.kernel = {3, 3};
  depthwise.stride = stride;
  depthwise.padding = padding_for(g.shape(x), {3, 3}, stride, Pad::kSame);
  x = norm_relu(g, g.add(depthwise, {x}, depthwise_name, false), depthwise_name);
  const auto pointwise_name = fmt::format("pointwise_{}", index);
  x = conv(g, x, pointwise_name, channels, {1, 1}, {1, 1}, Pad::kSame, false);
  return norm_relu(g, x, pointwise_name);
}

// Convolution, batch norm. The batch norm's beta is the bias.
Tensor conv_norm(GraphBuilder& g, Tensor x, const std::string& prefix, int index, int channels,
                 Size2 kernel, Size2 stride) {
  x = conv(g, x, fmt::format("{}conv_{}", prefix, index), channels, kernel, stride, Pad::kSame,
           false);
  return g.add(BatchNorm{}, {x}, fmt::format("{}norm_{}", prefix, index));
}

Tensor fully_connected(GraphBuilder& g, Tensor x, std::string name, int features) {
  return g.add(FullyConnected{features, Activation::kNone}, {x}, std::move(name));
}

Tensor max_pool(GraphBuilder& g, Tensor x, int index) {
  return g.add(MaxPool2D{{2, 2}, {2, 2}, {}}, {x}, fmt::format("pool_{}", index));
}

Tensor softmax(GraphBuilder& g, Tensor x) { return g.add(Softmax{}, {x}, "softmax"); }

Tensor build_tiny_conv(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_relu(g, g.input(), 1, 8, {10, 8}, {2, 2}, Pad::kSame);
  x = g.add(Dropout{0.5f}, {x}, "dropout");
  return softmax(g, fully_connected(g, x, "fc", classes));
}

// The filter spans the whole time axis and 8 bands, in steps of 4 bands. Front ends with 40 bands
// come as [frames, 40] or, as the paper draws them, [40, frames].
Tensor build_cnn_one_fstride4(GraphBuilder& g, const Shape& input, int classes) {
  const bool bands_first = input[0] == 40 && input[1] != 40;
  const int bands = std::min(8, bands_first ? input[0] : input[1]);
  const Size2 kernel = bands_first ? Size2{bands, input[1]} : Size2{input[0], bands};
  const Size2 stride = bands_first ? Size2{4, 1} : Size2{1, 4};
  Tensor x = conv_relu(g, g.input(), 1, 186, kernel, stride, Pad::kValid);
  int index = 1;
  for (int features : {32, 128, 128}) {
    x = fully_connected(g, x, fmt::format("fc_{}", index), features);
    x = g.add(Relu{}, {x}, fmt::format("relu_{}", ++index));
  }
  return softmax(g, fully_connected(g, x, "fc_4", classes));
}

Tensor build_ds_cnn(GraphBuilder& g, const Shape& input, int classes) {
  constexpr int kChannels = 64;
  Tensor x = conv_norm(g, g.input(), "", 1, kChannels, {10, 4}, {2, 2});
  x = g.add(Relu{}, {x}, "relu_1");
  x = g.add(Dropout{0.2f}, {x}, "dropout_1");
  for (int block = 2; block <= 5; ++block) x = separable(g, x, block, kChannels, {1, 1});
  x = g.add(Dropout{0.4f}, {x}, "dropout_2");
  // The reference pools over (input / 2) pixels rounded down: 24 x 5 of 25 x 5 for 49 x 10.
  const auto window = [](int in, int out) { return out > 2 ? in / 2 : out; };
  const Shape& last = g.shape(x);
  const Size2 pool{window(input[0], last[0]), window(input[1], last[1])};
  x = g.add(AvgPool2D{pool, pool, {}}, {x}, "pool");
  return softmax(g, fully_connected(g, x, "fc", classes));
}

Tensor residual_stack(GraphBuilder& g, Tensor x, const std::string& prefix, int channels,
                      int stride) {
  Tensor y = conv_norm(g, x, prefix, 1, channels, {3, 3}, {stride, stride});
  y = g.add(Relu{}, {y}, prefix + "relu_1");
  y = conv_norm(g, y, prefix, 2, channels, {3, 3}, {1, 1});
  if (stride != 1)
    x = conv(g, x, prefix + "shortcut", channels, {1, 1}, {stride, stride}, Pad::kSame);
  x = g.add(Add{}, {x, y}, prefix + "add");
  return g.add(Relu{}, {x}, prefix + "relu_2");
}

Tensor build_resnet8(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_norm(g, g.input(), "", 1, 16, {3, 3}, {1, 1});
  x = g.add(Relu{}, {x}, "relu_1");
  x = residual_stack(g, x, "stack1_", 16, 1);
  x = residual_stack(g, x, "stack2_", 32, 2);
  x = residual_stack(g, x, "stack3_", 64, 2);
  x = g.add(GlobalAvgPool{}, {x}, "pool");
  return softmax(g, fully_connected(g, x, "fc", classes));
}

Tensor build_lenet(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_relu(g, g.input(), 1, 32, {3, 3}, {1, 1}, Pad::kValid);
  x = max_pool(g, x, 1);
  x = conv_relu(g, x, 2, 64, {3, 3}, {1, 1}, Pad::kValid);
  x = max_pool(g, x, 2);
  x = conv_relu(g, x, 3, 64, {3, 3}, {1, 1}, Pad::kValid);
  x = fully_connected(g, x, "fc_1", 64);
  x = g.add(Relu{}, {x}, "relu_4");
  return softmax(g, fully_connected(g, x, "fc_2", classes));
}

Tensor build_lenet5(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_relu(g, g.input(), 1, 6, {5, 5}, {1, 1}, Pad::kSame);
  x = max_pool(g, x, 1);
  x = conv_relu(g, x, 2, 16, {5, 5}, {1, 1}, Pad::kValid);
  x = max_pool(g, x, 2);
  x = g.add(Relu{}, {fully_connected(g, x, "fc_1", 120)}, "relu_3");
  x = g.add(Relu{}, {fully_connected(g, x, "fc_2", 84)}, "relu_4");
  return softmax(g, fully_connected(g, x, "fc_3", classes));
}

// AlexNet's five convolutions at a quarter of its widths (96, 256, 384, 384, 256).
Tensor build_alexnet(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_relu(g, g.input(), 1, 24, {3, 3}, {1, 1}, Pad::kValid);
  x = max_pool(g, x, 1);
  x = conv_relu(g, x, 2, 64, {3, 3}, {1, 1}, Pad::kValid);
  x = conv_relu(g, x, 3, 96, {3, 3}, {1, 1}, Pad::kValid);
  x = conv_relu(g, x, 4, 96, {3, 3}, {1, 1}, Pad::kValid);
  x = max_pool(g, x, 2);
  x = conv_relu(g, x, 5, 64, {3, 3}, {1, 1}, Pad::kValid);
  x = g.add(Dropout{0.5f}, {x}, "dropout");
  x = fully_connected(g, x, "fc_1", 128);
  x = g.add(Relu{}, {x}, "relu_6");
  return softmax(g, fully_connected(g, x, "fc_2", classes));
}

// MobileNetV1 at a quarter of its widths: 13 separable blocks behind a strided convolution.
Tensor build_vww(GraphBuilder& g, const Shape&, int classes) {
  Tensor x = conv_norm(g, g.input(), "", 1, 8, {3, 3}, {2, 2});
  x = g.add(Relu{}, {x}, "relu_1");
  int index = 1, channels = 8;
  for (int width : {16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256}) {
    const bool halve = width > channels && index > 1;
    x = separable(g, x, ++index, width, halve ? Size2{2, 2} : Size2{1, 1});
    channels = width;
  }
  x = g.add(GlobalAvgPool{}, {x}, "pool");
  return softmax(g, fully_connected(g, x, "fc", classes));
}

// Ends in a fully connected layer: its outputs are the input as the network sees it.
Tensor build_autoencoder(GraphBuilder& g, const Shape&, int outputs) {
  Tensor x = g.input();
  int index = 0;
  for (int features : {128, 128, 128, 128, 8, 128, 128, 128, 128}) {
    const auto name = fmt::format("fc_{}", ++index);
    x = g.add(FullyConnected{features, Activation::kNone}, {x}, name, false);
    x = norm_relu(g, x, name);
  }
  return fully_connected(g, x, fmt::format("fc_{}", ++index), outputs);
}

using Build = Tensor (*)(GraphBuilder&, const Shape& input, int classes);

struct Architecture {
  ZooEntry entry;
  Build build;
};

const Architecture kArchitectures[] = {
    {{"tiny_conv",
      "8 filters 10x8 and a classifier (TFLite micro_speech, ArduinoTinyML)",
      {49, 40, 1},
      4},
     build_tiny_conv},
    {{"cnn_one_fstride4",
      "keyword CNN of Sainath & Parada 2015, on STM32F7 (arXiv 2208.02765)",
      {40, 30, 1},
      6},
     build_cnn_one_fstride4},
    {{"ds_cnn", "depthwise separable keyword spotter (MLPerf Tiny)", {49, 10, 1}, 12},
     build_ds_cnn},
    {{"resnet8", "residual network for CIFAR-10 (MLPerf Tiny)", {32, 32, 3}, 10}, build_resnet8},
    {{"lenet", "LeNet for CIFAR-10 with 3x3 filters (ATAMAN, arXiv 2409.16815)", {32, 32, 3}, 10},
     build_lenet},
    {{"lenet5", "LeNet-5 of LeCun et al. 1998 with ReLU and max pooling", {28, 28, 1}, 10},
     build_lenet5},
    {{"alexnet", "AlexNet-like network for CIFAR-10 (ATAMAN, arXiv 2409.16815)", {32, 32, 3}, 10},
     build_alexnet},
    {{"vww", "MobileNetV1 x0.25, a person in the picture or not (MLPerf Tiny)", {96, 96, 3}, 2},
     build_vww},
    {{"autoencoder",
      "fully connected autoencoder for machine sounds (MLPerf Tiny)",
      {5, 128, 1},
      640},
     build_autoencoder},
};

Error zoo_error(ErrorCode code, std::string_view arch, const std::string& what) {
  return Error{code, fmt::format("architecture \"{}\": {}", arch, what)};
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> all;
    for (const auto& architecture : kArchitectures) all.push_back(architecture.entry);
    return all;
  }();
  return entries;
}

Result<Graph> make_zoo_model(std::string_view arch, const Shape& input, int classes,
                             uint64_t seed) {
  const auto found = std::find_if(std::begin(kArchitectures), std::end(kArchitectures),
                                  [&](const Architecture& a) { return a.entry.name == arch; });
  if (found == std::end(kArchitectures)) {
    std::vector<std::string_view> names;
    for (const auto& entry : zoo()) names.push_back(entry.name);
    return zoo_error(ErrorCode::kConfig, arch,
                     fmt::format("unknown; the zoo has {}{}", fmt::join(names, ", "),
                                 did_you_mean(arch, names)));
  }
  const Shape shape = input.rank() == 0 ? found->entry.input : input;
  const int outputs = classes == 0 ? found->entry.classes : classes;
  constexpr int kMaxSize = 4096;
  const bool sizes_fit = std::all_of(shape.begin(), shape.end(),
                                     [](int size) { return size >= 1 && size <= kMaxSize; });
  if (shape.rank() != 3 || !sizes_fit) {
    return zoo_error(ErrorCode::kConfig, arch,
                     fmt::format("the input must be [H, W, C] with sizes 1 to {}, got {}", kMaxSize,
                                 fmt::join(shape, "x")));
  }
  if (outputs < 2 || outputs > kMaxSize) {
    return zoo_error(ErrorCode::kConfig, arch,
                     fmt::format("classes must be 2 to {}, got {}", kMaxSize, outputs));
  }
  GraphBuilder builder{std::string(arch), shape, seed};
  const Tensor output = found->build(builder, shape, outputs);
  COPPICE_TRY(Graph graph, std::move(builder).finish(output));
  graph.metadata["arch"] = arch;
  return graph;
}

}  // namespace coppice
