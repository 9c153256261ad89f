#pragma once

#include "coppice/quant/calibration.h"

namespace coppice::quant {

/// The values before a final softmax, [sample][class]: of a float graph by the trainer's forward
/// pass, of a quantized one by the integer executor.
Result<Samples> logits_of(const Graph& graph, const Samples& inputs);

/// How far one model's logits are from another's.
struct Fidelity {
  double sqnr_db = 0;     ///< Signal to quantization noise, 10 log10(sum a^2 / sum (a - b)^2).
  double divergence = 0;  ///< Mean Kullback-Leibler divergence of the softmax, in nats.
  double agreement = 0;   ///< Share of samples with the same largest logit.
};
Fidelity compare_logits(const Samples& reference, const Samples& other);

/// Signal to quantization noise of values and what became of them; infinite when equal.
double sqnr_db(double signal, double noise);

}  // namespace coppice::quant
