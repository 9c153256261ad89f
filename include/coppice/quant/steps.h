#pragma once

#include <map>
#include <string>
#include <vector>

#include "coppice/quant/calibration.h"
#include "coppice/quant/quantize.h"

// The steps of post-training quantization, each on its own: quantize() puts them in order. A graph
// is `fused` (fuse_for_inference) throughout; `reference` is the float graph that `quantized` was
// made from, layer by layer the same.

namespace coppice::quant {

/// What batch norm says about the channels of a layer's output before its activation: mean and
/// standard deviation, by the layer's name.
struct ChannelMoments {
  std::vector<float> mean, deviation;
};
using MomentsByLayer = std::map<std::string, ChannelMoments>;
MomentsByLayer batch_norm_moments(const Graph& unfused);

/// Cross-layer equalization (Nagel et al., "Data-free quantization through weight equalization and
/// bias correction", ICCV 2019): scales channel i of a layer down and the input channel i of the
/// only layer that reads it up, where nothing or a ReLU, pools and reshapes stand between, until
/// both reach equally far. The network computes the same. Returns the number of pairs.
int equalize(Graph& fused, MomentsByLayer& moments);

/// Gives each tensor its quantization; tensors of a sharing group get one that spans all of them.
/// Input and output keep 8 bits at least.
Status quantize_activations(Graph& fused, const std::vector<Range>& ranges,
                            const ActivationFormat& format);

/// Sets the integers of all weights and biases, to the nearest ones. `formats` by node.
void quantize_parameters(Graph& graph, const std::vector<WeightFormat>& formats, bool per_channel,
                         WeightScale method);

/// Adaptive rounding, up or down by the layer's output (Nagel et al., "Up or down?", ICML 2020),
/// layer by layer on what the quantized layers before it yield.
Status round_adaptively(const Graph& reference, Graph& quantized, const Samples& samples,
                        int iterations, uint64_t seed);

/// Rounding one input after the other, each error made good by the inputs that follow (Frantar et
/// al., "GPTQ", ICLR 2023, after "Optimal brain compression", NeurIPS 2022). A pruned weight is an
/// error of its own that the others make good.
Status round_by_second_order(const Graph& reference, Graph& quantized, const Samples& samples,
                             uint64_t seed);

/// Adds the mean shift of each channel, as seen on the samples, to the bias.
Status correct_bias_empirically(const Graph& reference, Graph& quantized, const Samples& samples);

/// The same without samples: the shift that the weights' errors cause for inputs as the batch norms
/// of the layers before describe them. Layers without such an input are left alone; returns how
/// many were corrected.
int correct_bias_analytically(const Graph& reference, Graph& quantized,
                              const MomentsByLayer& moments);

}  // namespace coppice::quant
