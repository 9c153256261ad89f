#pragma once

#include <vector>

namespace coppice::train {

/// Cross-entropy of softmax(logits) against (1 - smoothing) on `label` plus smoothing spread over
/// all classes (Szegedy et al., CVPR 2016). Writes scale * d(loss)/d(logits) to `gradient` unless
/// it is nullptr.
double cross_entropy(const float* logits, int classes, int label, float smoothing, float scale,
                     float* gradient);

/// Knowledge distillation (Hinton, Vinyals & Dean, arXiv 1503.02531): T^2 times the
/// Kullback-Leibler divergence of softmax(logits / T) from softmax(teacher / T). Adds scale *
/// d(loss)/d(logits) to `gradient` unless it is nullptr.
double distillation_loss(const float* logits, const float* teacher, int classes, float temperature,
                         float scale, float* gradient);

/// The index of the largest value, the first of equal ones.
int largest_index(const float* values, int count);

}  // namespace coppice::train
