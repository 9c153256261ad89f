#pragma once

#include "coppice/core/result.h"
#include "support/contender.h"

namespace coppice::bench {

/// What the reference executor answers to an input.
Result<Values> reference_output(const Graph& graph, const Values& input);

/// How far a contender's answer is from the reference's: the largest difference, in real units or
/// in integer steps. An error when it is further than rounding explains:
/// - ours, integers: not at all;
/// - a peer's integers: one step for each layer, as a peer may round a layer's ties the other way,
///   or not round between a convolution and the addition that it fuses;
/// - floats: epsilon times the values that the layers sum for an output, relative to the largest
/// output.
Result<double> compare(const Graph& graph, const Values& expected, const Values& found, bool ours);

}  // namespace coppice::bench
