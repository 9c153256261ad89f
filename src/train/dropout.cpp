#include <algorithm>
#include <cmath>

#include "coppice/core/random.h"
#include "coppice/graph/readers.h"
#include "train/dropout_rate.h"
#include "train/layers.h"

namespace coppice::train {
namespace {

// y = x / (1 - rate) with probability 1 - rate, else 0 (Srivastava et al., JMLR 2014). The choice
// is a function of (seed, layer name, sample's place in the whole training). In inference mode
// lowering removes the layer.
class DropoutLayer : public Layer {
 public:
  DropoutLayer(const Dropout& op, const LayerSetup& setup)
      : Layer(setup),
        rate_(op.rate),
        name_(hash_name("dropout/" + setup.node().name)),
        readers_(weighted_readers(*setup.graph, setup.node_index)),
        kept_(static_cast<size_t>(setup.batch * setup.output->elements)) {}

  void prepare() override {
    const float rate = dropout_rate(rate_, readers_, *setup_.parameters);
    threshold_ = static_cast<uint32_t>(std::lround(rate * kSteps));
    scale_ = kSteps / (kSteps - static_cast<float>(threshold_));
  }
  void forward(const Tile& tile) override {
    for (int i = 0; i < tile.count; ++i) {
      const int64_t offset = i * output().elements;
      kernels().dropout(stream(tile.first + i), x(tile) + offset, output().elements,
                        y(tile) + offset, kept(tile) + offset);
    }
  }
  void backward(const Tile& tile) override {
    kernels().dropout_backward(dy(tile), kept(tile), tile.count * output().elements, scale_,
                               input().accumulate, dx(tile));
  }

 private:
  static constexpr float kSteps = 65536.0f;  // 16 random bits an element.

  uint8_t* kept(const Tile& tile) { return kept_.data() + tile.first * output().elements; }

  // The same words as Random(seed, stream name, index).
  DropoutStream stream(int sample) const {
    const uint64_t seed = setup_.step->seed;
    const uint64_t index = setup_.step->first_sample + static_cast<uint64_t>(sample);
    DropoutStream stream;
    stream.key[0] = static_cast<uint32_t>(seed);
    stream.key[1] = static_cast<uint32_t>(seed >> 32) ^ static_cast<uint32_t>(name_ >> 32);
    stream.counter[0] = static_cast<uint32_t>(name_);
    stream.counter[1] = static_cast<uint32_t>(index);
    stream.counter[2] = static_cast<uint32_t>(index >> 32);
    stream.threshold = threshold_;
    stream.scale = scale_;
    return stream;
  }

  float rate_;
  uint64_t name_;
  std::vector<size_t> readers_;
  uint32_t threshold_ = 0;
  float scale_ = 1;
  std::vector<uint8_t> kept_;  // [batch, elements]
};

}  // namespace

float dropout_rate(float dense_rate, const std::vector<size_t>& readers,
                   const ParameterStore& parameters) {
  int64_t all = 0, kept = 0;
  for (const size_t reader : readers) {
    const ParameterRange* weight = parameters.find(reader, "weight");
    all += weight->size;
    if (parameters.mask() == nullptr) return dense_rate;
    const uint8_t* mask = parameters.mask() + weight->offset;
    kept += weight->size - std::count(mask, mask + weight->size, uint8_t{0});
  }
  if (kept == all) return dense_rate;
  return dense_rate * static_cast<float>(std::sqrt(static_cast<double>(kept) / all));
}

LayerPtr make_layer(const Dropout& op, const LayerSetup& setup) {
  return std::make_unique<DropoutLayer>(op, setup);
}

}  // namespace coppice::train
