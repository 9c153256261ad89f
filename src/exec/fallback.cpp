#include <memory>

#include "exec/dense_layer.h"
#include "exec/image_copy.h"
#include "exec/layer.h"

namespace coppice::exec {
namespace {

struct alignas(64) CacheLine {
  std::byte bytes[64];
};

// Dense copies of the inputs and the output of one layer.
struct Scratch {
  std::vector<int64_t> inputs;
  int64_t output = 0;
  std::vector<CacheLine> lines;

  std::byte* data() { return lines.front().bytes; }
};

template <class T>
int64_t lines_of(const Place& place) {
  const int64_t bytes =
      int64_t{place.height} * place.width * place.channels * static_cast<int64_t>(sizeof(T));
  return (bytes + 63) / 64;
}

}  // namespace

template <class T>
Result<DenseLayer> make_fallback_layer(const DenseContext& context, std::string reason) {
  auto scratch = std::make_shared<Scratch>();
  int64_t lines = 0;
  for (const Place& place : context.inputs) {
    scratch->inputs.push_back(64 * lines);
    lines += lines_of<T>(place);
  }
  scratch->output = 64 * lines;
  scratch->lines.resize(static_cast<size_t>(lines + lines_of<T>(context.output)));
  COPPICE_TRY(CompiledLayer plain, make_reference_layer({context.graph, context.node,
                                                         scratch->inputs, scratch->output}));
  DenseLayer layer;
  layer.run = [scratch, run = std::move(plain.run), inputs = context.inputs,
               output = context.output,
               &ops = image_ops_for<T>(context.isa)](std::byte* memory, kernels::RowRange) {
    using Value = DenseValue<T>;
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto* to = reinterpret_cast<Value*>(scratch->data() + scratch->inputs[i]);
      copy_out<T>(ops, inputs[i], inputs[i].template image<T>(memory), to);
    }
    run(scratch->data());
    const auto* from = reinterpret_cast<const Value*>(scratch->data() + scratch->output);
    copy_in<T>(output, from, output.template image<T>(memory));
  };
  layer.kernel = std::move(plain.kernel);
  layer.reason = std::move(reason) + "; plain loops instead";
  layer.fallback = true;
  layer.executed_share = plain.executed_share;
  layer.packed_bytes = plain.packed_bytes;
  return layer;
}

template Result<DenseLayer> make_fallback_layer<uint8_t>(const DenseContext&, std::string);
template Result<DenseLayer> make_fallback_layer<int16_t>(const DenseContext&, std::string);
template Result<DenseLayer> make_fallback_layer<float>(const DenseContext&, std::string);

}  // namespace coppice::exec
