// Eigen's sparse matrices: compressed rows against a matrix of pixels, compressed columns against a
// single vector (each the faster of the two there).
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/SparseCore>

#include "peers/matrix_layer.h"
#include "peers/peers.h"

namespace coppice::bench {
namespace {

using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <int kOrder>
class Layer final : public Contender {
 public:
  using Sparse = Eigen::SparseMatrix<float, kOrder>;
  using Product = std::conditional_t<kOrder == Eigen::RowMajor, Dense, Eigen::VectorXf>;

  explicit Layer(MatrixLayer layer) : layer_(std::move(layer)) {
    weight_ = Eigen::Map<const Dense>(layer_.weight().data(), layer_.rows(), layer_.columns())
                  .sparseView();
    weight_.makeCompressed();
    input_ = Product::Zero(layer_.columns(), layer_.pixels());
    output_ = Product::Zero(layer_.rows(), layer_.pixels());
  }

  void set_input(const Values& input) override {
    layer_.unfold(input, input_.data(), layer_.pixels());
  }
  void run() override {
    output_.noalias() = weight_ * input_;
    layer_.add_bias_and_clamp(output_.data(), layer_.pixels());
  }
  Values output() override { return layer_.fold(output_.data(), layer_.pixels()); }

 private:
  const MatrixLayer layer_;
  Sparse weight_;
  Product input_, output_;
};

}  // namespace

ContenderResult compile_eigen(const Graph& graph) {
  COPPICE_TRY(auto layer, MatrixLayer::make(graph, "eigen"));
  if (layer.pixels() == 1) {
    return ContenderResult(std::make_unique<Layer<Eigen::ColMajor>>(std::move(layer)));
  }
  return ContenderResult(std::make_unique<Layer<Eigen::RowMajor>>(std::move(layer)));
}

}  // namespace coppice::bench
