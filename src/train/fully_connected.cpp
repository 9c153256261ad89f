#include "train/layers.h"
#include "train/periodic.h"

namespace coppice::train {
namespace {

// x [n, I], weight [O, I], bias [O]; y = clamp(x weight^T + bias) [n, O].
class FullyConnectedLayer : public Layer {
 public:
  FullyConnectedLayer(const FullyConnected& op, const LayerSetup& setup)
      : Layer(setup),
        outputs_(op.out_features),
        inputs_(input().shape.elements()),
        weight_(parameter("weight")),
        bias_(parameter("bias")),
        bias_period_(outputs_) {}

  void prepare() override {
    if (bias_) bias_period_.assign(bias_.value);
  }

  void forward(const Tile& tile) override {
    kernels().gemm_nt({tile.count, outputs_, inputs_, x(tile), inputs_, weight_.value, inputs_,
                       y(tile), outputs_, false});
    if (bias_ || clamps()) {
      kernels().bias_clamp(y(tile), bias_period_.data(), bias_period_.period(),
                           tile.count * output().elements, clamp());
    }
  }

  // dweight += dy^T x, dbias += column sums of dy, dx = dy weight.
  void backward(const Tile& tile) override {
    const float* out = unclamped_dy(tile);
    kernels().gemm_tn({outputs_, inputs_, tile.count, out, outputs_, x(tile), inputs_,
                       gradient(weight_, tile.lane), inputs_, true});
    if (bias_) add_bias_gradient(tile, out, outputs_, gradient(bias_, tile.lane));
    if (!input().wants_gradient) return;
    kernels().gemm_nn({tile.count, inputs_, outputs_, out, outputs_, weight_.value, inputs_,
                       dx(tile), inputs_, input().accumulate});
  }

 private:
  int outputs_;
  int64_t inputs_;
  Slot weight_, bias_;
  Periodic bias_period_;
};

}  // namespace

LayerPtr make_layer(const FullyConnected& op, const LayerSetup& setup) {
  return std::make_unique<FullyConnectedLayer>(op, setup);
}

}  // namespace coppice::train
