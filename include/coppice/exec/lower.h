#pragma once

#include <cstdint>
#include <vector>

#include "coppice/graph/graph.h"
#include "coppice/kernels/add/add.h"
#include "coppice/kernels/conv2d/conv2d.h"
#include "coppice/kernels/depthwise_conv2d/depthwise_conv2d.h"
#include "coppice/kernels/fully_connected/fully_connected.h"
#include "coppice/kernels/pool/pool.h"
#include "coppice/kernels/softmax/softmax.h"

// From a layer of a graph to the parameters of its kernel: what every executor and the code
// generator share, so that the host and the chip compute with the same numbers.

namespace coppice::exec {

/// The sliding window of a convolution or pooling layer (a global pooling covers its whole input).
kernels::Window2D window_of(const Graph& graph, const Node& node);

/// Parameters of the node's kernel; the node must hold that op. The zero point is the input's, or
/// 0.
kernels::Conv2DParams conv2d_params(const Graph& graph, const Node& node);
kernels::DepthwiseConv2DParams depthwise_conv2d_params(const Graph& graph, const Node& node);
kernels::FullyConnectedParams fully_connected_params(const Graph& graph, const Node& node);

/// Softmax over the last axis; the integer fields only if the input is quantized.
kernels::SoftmaxParams softmax_params(const Graph& graph, const Node& node);
/// The same of int16.
kernels::SoftmaxWideParams softmax_wide_params(const Graph& graph, const Node& node);

/// Sum of two quantized tensors.
kernels::AddParams add_params(const Graph& graph, const Node& node);

/// Smallest and largest output integer that an activation lets through.
struct IntegerClamp {
  int32_t min = -128;
  int32_t max = 127;
};
IntegerClamp integer_clamp(Activation activation, const ActivationQuantization& output);

/// The same in float.
kernels::ClampFloat float_clamp(Activation activation);

/// Requantization factors of a layer, owned: one, or one for each output channel.
struct RequantizeTable {
  Rounding rounding = Rounding::kDouble;
  std::vector<int32_t> multiplier;
  std::vector<int32_t> shift;
  std::vector<float> scale;
  int32_t zero = 0;
  IntegerClamp clamp;

  kernels::Requantize view() const;
  kernels::RequantizeWide wide_view() const;  ///< Of a graph with int16 activations.
};

/// Factors of a quantized convolution or fully connected layer: input scale * weight scale / output
/// scale, in double for the multipliers and in float (as XNNPACK has it) for the float mode.
RequantizeTable requantize_table(const Graph& graph, const Node& node);

/// Whether the integer kernels can run a node of a quantized graph: activations of 8, 4 or 2 bits,
/// or all of 16 with zero points 0; weights of 8, 4 or 2 bits with scales per tensor or per output
/// channel, 32-bit biases, one quantization on both sides of pools, reshapes, clamps and
/// concatenations, 1/256 and -128 after a softmax (1/32768 and 0 with 16 bits). The error names the
/// layer.
Status check_integer_node(const Graph& graph, const Node& node);

}  // namespace coppice::exec
