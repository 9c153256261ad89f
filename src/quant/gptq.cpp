#include <algorithm>
#include <cmath>

#include "coppice/quant/steps.h"
#include "quant/rounding_problem.h"

namespace coppice::quant {
namespace {

// Inputs beyond that many do not make good each other's errors: the Hessian is cut into blocks.
constexpr int kLargestBlock = 640;
constexpr double kDamping = 0.01;  // Of the mean of the diagonal.

// Symmetric positive definite matrices [n, n], row-major.
struct Matrix {
  int n = 0;
  std::vector<double> values;
  double* row(int i) { return values.data() + int64_t{i} * n; }
  const double* row(int i) const { return values.data() + int64_t{i} * n; }
};

// The mean of x x^T over the rows, for columns [first, first + n), damped.
Matrix hessian_of(const RoundingProblem& p, int first, int n) {
  Matrix h{n, std::vector<double>(at(int64_t{n} * n), 0.0)};
  for (int r = 0; r < p.rows; ++r) {
    const float* x = p.quantized_inputs + int64_t{r} * p.depth + first;
    for (int i = 0; i < n; ++i) {
      if (x[i] == 0.0f) continue;
      double* to = h.row(i);
      for (int j = i; j < n; ++j) to[j] += double{x[i]} * double{x[j]};
    }
  }
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += h.row(i)[i];
  const double damping = trace > 0 ? kDamping * trace / n : 1.0;
  for (int i = 0; i < n; ++i) {
    h.row(i)[i] += damping;
    for (int j = 0; j < i; ++j) h.row(i)[j] = h.row(j)[i];
  }
  return h;
}

// In place: the lower Cholesky factor, zeros above.
void factorize(Matrix& a) {
  for (int i = 0; i < a.n; ++i) {
    double* row = a.row(i);
    for (int j = 0; j <= i; ++j) {
      const double* other = a.row(j);
      double sum = row[j];
      for (int k = 0; k < j; ++k) sum -= row[k] * other[k];
      row[j] = i == j ? std::sqrt(std::max(sum, 1e-30)) : sum / other[j];
    }
    for (int j = i + 1; j < a.n; ++j) row[j] = 0.0;
  }
}

// The inverse of L L^T from L.
Matrix inverse_of_factored(const Matrix& l) {
  const int n = l.n;
  // The columns of L^-1 as rows: row j holds x with L x = e_j.
  Matrix x{n, std::vector<double>(at(int64_t{n} * n), 0.0)};
  for (int j = 0; j < n; ++j) {
    double* column = x.row(j);
    for (int i = j; i < n; ++i) {
      double sum = i == j ? 1.0 : 0.0;
      const double* row = l.row(i);
      for (int k = j; k < i; ++k) sum -= row[k] * column[k];
      column[i] = sum / row[i];
    }
  }
  Matrix inverse{n, std::vector<double>(at(int64_t{n} * n), 0.0)};
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = 0;
      for (int k = i; k < n; ++k) sum += x.row(i)[k] * x.row(j)[k];
      inverse.row(i)[j] = inverse.row(j)[i] = sum;
    }
  }
  return inverse;
}

// U with U^T U = the inverse Hessian: row k tells how the inputs after k make good an error of k.
Matrix compensation_of(const RoundingProblem& p, int first, int n) {
  Matrix factor = hessian_of(p, first, n);
  factorize(factor);
  Matrix inverse = inverse_of_factored(factor);
  factorize(inverse);
  Matrix upper{n, std::vector<double>(at(int64_t{n} * n), 0.0)};
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) upper.row(j)[i] = inverse.row(i)[j];
  }
  return upper;
}

std::vector<int32_t> round_group(const RoundingProblem& p, int, uint64_t) {
  std::vector<int32_t> integers(p.size(), 0);
  std::vector<double> row;
  for (int first = 0; first < p.depth; first += kLargestBlock) {
    const int n = std::min(kLargestBlock, p.depth - first);
    const Matrix upper = compensation_of(p, first, n);
    for (int output = 0; output < p.outputs; ++output) {
      const size_t begin = at(int64_t{output} * p.depth + first);
      row.assign(p.weight.begin() + static_cast<std::ptrdiff_t>(begin),
                 p.weight.begin() + static_cast<std::ptrdiff_t>(begin) + n);
      for (int k = 0; k < n; ++k) {
        const size_t i = begin + at(k);
        if (p.kept[i] != 0) {
          integers[i] = nearest_weight(static_cast<float>(row[at(k)]), p.step[i], p.bits, p.range);
        }
        const double real = double{p.step[i]} * integers[i];
        const double error = (row[at(k)] - real) / upper.row(k)[k];
        for (int j = k + 1; j < n; ++j) row[at(j)] -= error * upper.row(k)[j];
      }
    }
  }
  return integers;
}

}  // namespace

Status round_by_second_order(const Graph& reference, Graph& quantized, const Samples& samples,
                             uint64_t seed) {
  return round_layers(reference, quantized, samples, round_group, 0, seed);
}

}  // namespace coppice::quant
