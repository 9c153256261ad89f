#pragma once

#include <vector>

namespace coppice::train {

/// Cross-entropy of softmax(logits) against (1 - smoothing) on `label` plus smoothing spread over
/// all classes (Szegedy et al., CVPR 2016). Writes scale * d(loss)/d(logits) to `gradient` unless
/// it is nullptr.
double cross_entropy(const float* logits, int classes, int label, float smoothing, float scale,
                     float* gradient);

/// The index of the largest value, the first of equal ones.
int largest_index(const float* values, int count);

}  // namespace coppice::train
