#include "train/loss.h"

#include <algorithm>
#include <cmath>

namespace coppice::train {

double cross_entropy(const float* logits, int classes, int label, float smoothing, float scale,
                     float* gradient) {
  const float largest = *std::max_element(logits, logits + classes);
  double sum = 0.0, total = 0.0;
  for (int c = 0; c < classes; ++c) {
    sum += std::exp(static_cast<double>(logits[c]) - largest);
    total += static_cast<double>(logits[c]) - largest;
  }
  const double log_sum = std::log(sum);
  if (gradient != nullptr) {
    const double everywhere = static_cast<double>(smoothing) / classes;
    for (int c = 0; c < classes; ++c) {
      const double probability = std::exp(static_cast<double>(logits[c]) - largest) / sum;
      const double target = everywhere + (c == label ? 1.0 - smoothing : 0.0);
      gradient[c] = static_cast<float>((probability - target) * scale);
    }
  }
  const double at_label = static_cast<double>(logits[label]) - largest;
  return log_sum - (1.0 - smoothing) * at_label - smoothing / classes * total;
}

double distillation_loss(const float* logits, const float* teacher, int classes, float temperature,
                         float scale, float* gradient) {
  const double t = temperature;
  const float largest = *std::max_element(logits, logits + classes);
  const float teacher_largest = *std::max_element(teacher, teacher + classes);
  double sum = 0.0, teacher_sum = 0.0;
  for (int c = 0; c < classes; ++c) {
    sum += std::exp((double{logits[c]} - largest) / t);
    teacher_sum += std::exp((double{teacher[c]} - teacher_largest) / t);
  }
  double divergence = 0.0;
  for (int c = 0; c < classes; ++c) {
    const double log_student = (double{logits[c]} - largest) / t - std::log(sum);
    const double log_teacher = (double{teacher[c]} - teacher_largest) / t - std::log(teacher_sum);
    const double target = std::exp(log_teacher);
    divergence += target * (log_teacher - log_student);
    // d(T^2 KL)/dz = T (softmax(z / T) - softmax(teacher / T)).
    if (gradient != nullptr) {
      gradient[c] += static_cast<float>(t * (std::exp(log_student) - target) * scale);
    }
  }
  return t * t * divergence;
}

int largest_index(const float* values, int count) {
  return static_cast<int>(std::max_element(values, values + count) - values);
}

}  // namespace coppice::train
