#include <algorithm>
#include <cmath>

#include "train/layers.h"
#include "train/periodic.h"

namespace coppice::train {
namespace {

// Ioffe & Szegedy, ICML 2015. x [rows, C]; y = clamp(gamma * (x - mean) / sqrt(variance + epsilon)
// + beta), written as x * factor + offset. Training takes mean and variance from the whole batch.
class BatchNormLayer : public Layer {
 public:
  BatchNormLayer(const BatchNorm& op, const LayerSetup& setup)
      : Layer(setup),
        op_(op),
        channels_(input().shape.back()),
        gamma_(parameter("gamma")),
        beta_(parameter("beta")),
        mean_(parameter("mean")),
        variance_(parameter("variance")),
        factor_(channels_),
        offset_(channels_),
        batch_mean_(channels_),
        slope_(channels_),
        constant_(channels_),
        mean_values_(size()),
        inverse_deviation_(size()) {
    for (int lane = 0; lane < setup.gradients.count; ++lane) lanes_.emplace_back(channels_);
  }

  bool needs_batch() const override { return setup_.batch_statistics || setup_.training; }

  void prepare() override {
    for (size_t c = 0; c < size(); ++c) {
      mean_values_[c] = mean_.value[c];
      inverse_deviation_[c] = 1.0 / std::sqrt(double{variance_.value[c]} + op_.epsilon);
    }
    set_factors();
  }

  // Sums of x and x^2, less a value near the mean (the lane's first row) that keeps the digits.
  void gather_forward(const Tile& tile) override {
    if (!setup_.batch_statistics) return;
    Lane& lane = lanes_[static_cast<size_t>(tile.lane)];
    if (lane.rows == 0) lane.shift.assign(x(tile));
    lane.rows += rows(tile);
    lane.clear_partial();
    kernels().moments(x(tile), lane.shift.data(), lane.shift.period(), values(tile),
                      lane.partial_first.data(), lane.partial_second.data());
    lane.fold_partial();
  }

  void finish_forward() override {
    if (!setup_.batch_statistics) return;
    int64_t count = 0;
    std::vector<double>& squares = work_[0];
    squares.assign(size(), 0.0);
    mean_values_.assign(size(), 0.0);
    for (Lane& lane : lanes_) {
      if (lane.rows > 0) merge(lane, count, squares);
      count += lane.rows;
      lane.reset();
    }
    batch_rows_ = static_cast<double>(count);
    for (size_t c = 0; c < size(); ++c) {
      const double variance = squares[c] / batch_rows_;
      inverse_deviation_[c] = 1.0 / std::sqrt(variance + op_.epsilon);
      update_running(c, count > 1 ? squares[c] / static_cast<double>(count - 1) : variance);
    }
    set_factors();
  }

  void forward(const Tile& tile) override {
    kernels().scale_clamp(x(tile), factor_.data(), offset_.data(), factor_.period(), values(tile),
                          clamp(), y(tile));
  }

  // Sums of g and g * (x - mean), with g the gradient before the clamp.
  void gather_backward(const Tile& tile) override {
    Lane& lane = lanes_[static_cast<size_t>(tile.lane)];
    lane.clear_partial();
    kernels().norm_sums(x(tile), dy(tile), factor_.data(), offset_.data(), batch_mean_.data(),
                        factor_.period(), values(tile), clamp(), lane.partial_first.data(),
                        lane.partial_second.data());
    lane.fold_partial();
  }

  // dx = factor * (g - mean(g) - xhat * mean(g * xhat)) = g * factor + x * slope + constant.
  void finish_backward() override {
    auto& [sums, products, slope, constant] = work_;
    for (auto& values : work_) values.assign(size(), 0.0);
    for (Lane& lane : lanes_) {
      for (size_t c = 0; c < size(); ++c) {
        sums[c] += lane.first[c];
        products[c] += lane.second[c];
      }
      lane.reset();
    }
    for (size_t c = 0; c < size(); ++c) {
      const double inverse = inverse_deviation_[c];
      const double factor = gamma_.value[c] * inverse;
      gradient(gamma_, 0)[c] = static_cast<float>(products[c] * inverse);
      gradient(beta_, 0)[c] = static_cast<float>(sums[c]);
      if (!setup_.batch_statistics) continue;  // The statistics do not depend on x.
      slope[c] = -factor * inverse * inverse * products[c] / batch_rows_;
      constant[c] = -factor * sums[c] / batch_rows_ - slope[c] * mean_values_[c];
    }
    slope_.assign(slope.data());
    constant_.assign(constant.data());
  }

  void backward(const Tile& tile) override {
    if (!input().wants_gradient) return;
    kernels().norm_backward(x(tile), dy(tile), factor_.data(), offset_.data(), slope_.data(),
                            constant_.data(), factor_.period(), values(tile), clamp(),
                            input().accumulate, dx(tile));
  }

 private:
  struct Lane {
    explicit Lane(int channels)
        : shift(channels),
          partial_first(channels),
          partial_second(channels),
          first(static_cast<size_t>(channels), 0.0),
          second(static_cast<size_t>(channels), 0.0) {}
    void clear_partial() {
      partial_first.clear();
      partial_second.clear();
    }
    void fold_partial() {
      partial_first.add_to(first.data());
      partial_second.add_to(second.data());
    }
    void reset() {
      rows = 0;
      first.assign(first.size(), 0.0);
      second.assign(second.size(), 0.0);
    }
    Periodic shift, partial_first, partial_second;  // Sums of one tile.
    std::vector<double> first, second;              // Sums of the lane so far, [C].
    int64_t rows = 0;
  };

  size_t size() const { return static_cast<size_t>(channels_); }
  int64_t values(const Tile& tile) const { return tile.count * output().elements; }
  int64_t rows(const Tile& tile) const { return values(tile) / channels_; }

  // Adds a lane's mean and sum of squared deviations (Chan, Golub & LeVeque, 1979).
  void merge(const Lane& lane, int64_t count, std::vector<double>& squares) {
    const auto before = static_cast<double>(count), more = static_cast<double>(lane.rows);
    for (size_t c = 0; c < size(); ++c) {
      const double lane_mean = lane.shift.data()[c] + lane.first[c] / more;
      const double lane_squares = lane.second[c] - lane.first[c] * lane.first[c] / more;
      const double delta = lane_mean - mean_values_[c];
      mean_values_[c] += delta * more / (before + more);
      squares[c] += std::max(lane_squares, 0.0) + delta * delta * before * more / (before + more);
    }
  }

  void update_running(size_t c, double unbiased_variance) {
    const float chosen = setup_.step->statistics_momentum;
    const float keep = chosen >= 0.0f ? chosen : op_.momentum;
    mean_.value[c] = keep * mean_.value[c] + (1.0f - keep) * static_cast<float>(mean_values_[c]);
    variance_.value[c] =
        keep * variance_.value[c] + (1.0f - keep) * static_cast<float>(unbiased_variance);
  }

  void set_factors() {
    std::vector<double>& factor = work_[2];
    std::vector<double>& offset = work_[3];
    factor.resize(size());
    offset.resize(size());
    for (size_t c = 0; c < size(); ++c) {
      factor[c] = gamma_.value[c] * inverse_deviation_[c];
      offset[c] = beta_.value[c] - mean_values_[c] * factor[c];
    }
    factor_.assign(factor.data());
    offset_.assign(offset.data());
    batch_mean_.assign(mean_values_.data());
  }

  BatchNorm op_;
  int channels_;
  Slot gamma_, beta_, mean_, variance_;
  Periodic factor_, offset_, batch_mean_, slope_, constant_;
  std::vector<double> mean_values_, inverse_deviation_;  // Of the batch in training, else running.
  std::vector<double> work_[4];                          // Kept so that a step allocates nothing.
  std::vector<Lane> lanes_;
  double batch_rows_ = 0;
};

}  // namespace

LayerPtr make_layer(const BatchNorm& op, const LayerSetup& setup) {
  return std::make_unique<BatchNormLayer>(op, setup);
}

}  // namespace coppice::train
