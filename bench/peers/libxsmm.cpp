// libxsmm's product of a fixed sparse matrix with a dense one (fsspmdm): code is generated for the
// pattern of the weights. Where it finds too many of them it runs a dense product without a word.
#include <libxsmm.h>

#include "peers/matrix_layer.h"
#include "peers/peers.h"

namespace coppice::bench {
namespace {

struct Destroy {
  void operator()(libxsmm_sfsspmdm* handle) const { libxsmm_sfsspmdm_destroy(handle); }
};

class Layer final : public Contender {
 public:
  // Pixels come in whole vectors of 16 floats.
  explicit Layer(MatrixLayer layer)
      : layer_(std::move(layer)),
        stride_((layer_.pixels() + 15) / 16 * 16),
        input_(static_cast<size_t>(layer_.columns() * stride_)),
        output_(static_cast<size_t>(layer_.rows() * stride_)) {
    // Beta 1: version 1.17 never writes the rows of a weight matrix that are all zero, so the
    // output starts as the bias.
    handle_.reset(libxsmm_sfsspmdm_create(layer_.rows(), stride_, layer_.columns(),
                                          layer_.columns(), stride_, stride_, 1.0f, 1.0f, 0,
                                          layer_.weight().data()));
  }
  bool ready() const { return handle_ != nullptr; }

  void set_input(const Values& input) override { layer_.unfold(input, input_.data(), stride_); }
  void run() override {
    layer_.set_bias(output_.data(), stride_);
    libxsmm_sfsspmdm_execute(handle_.get(), input_.data(), output_.data());
    layer_.clamp(output_.data(), stride_);
  }
  Values output() override { return layer_.fold(output_.data(), stride_); }

 private:
  const MatrixLayer layer_;
  const int stride_;
  std::vector<float> input_, output_;
  std::unique_ptr<libxsmm_sfsspmdm, Destroy> handle_;
};

}  // namespace

ContenderResult compile_libxsmm(const Graph& graph) {
  COPPICE_TRY(auto matrix, MatrixLayer::make(graph, "libxsmm"));
  if (matrix.pixels() == 1) {
    return Error{ErrorCode::kUnsupported, "libxsmm: no product with a single vector"};
  }
  auto layer = std::make_unique<Layer>(std::move(matrix));
  if (!layer->ready()) return Error{ErrorCode::kUnsupported, "libxsmm: no kernel for this matrix"};
  return ContenderResult(std::move(layer));
}

}  // namespace coppice::bench
