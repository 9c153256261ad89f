#include "coppice/quant/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "coppice/exec/plan.h"
#include "coppice/graph/fold.h"
#include "coppice/kernels/quantize.h"
#include "quant/layer_access.h"

namespace coppice::quant {
namespace {

class Scanner {
 public:
  Scanner(const data::Dataset& dataset, const SensitivityOptions& options)
      : dataset_(dataset), options_(options) {
    const int count = std::min(options.samples, dataset.size(data::Split::kValidation));
    for (int i = 0; i < count; ++i) {
      samples_.emplace_back(at(dataset.sample_shape().elements()));
      dataset.sample(data::Split::kValidation, i, data::kNotAugmented, samples_.back());
    }
  }

  Result<std::vector<LayerSensitivity>> run(const Graph& graph) {
    COPPICE_TRY_STATUS(prepare(graph));
    std::vector<LayerSensitivity> result;
    for (size_t n = 0; n < reference_.nodes.size(); ++n) {
      if (reference_.nodes[n].parameter("weight") == nullptr) continue;
      for (const int bits : options_.bits) {
        COPPICE_TRY(LayerSensitivity entry, scan(n, bits));
        result.push_back(std::move(entry));
      }
    }
    return result;
  }

 private:
  Status prepare(const Graph& graph) {
    if (samples_.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   dataset_.name() + ": a scan needs validation samples; there are none"};
    }
    for (const int bits : options_.bits) {
      QuantizeOptions quantize = options_.quantize;
      quantize.weight_bits = bits;
      quantize.first_last_bits = 0;
      quantize.layer_bits.clear();
      COPPICE_TRY(Graph model, quant::quantize(graph, dataset_, quantize));
      quantized_.emplace(bits, std::move(model));
    }
    COPPICE_TRY(reference_, fuse_for_inference(graph));
    COPPICE_TRY(logits_, logits_of(reference_, samples_));
    accuracy_ = accuracy_of(logits_);
    return measure_activations();
  }

  // Noise of each tensor under its own quantization alone.
  Status measure_activations() {
    const Graph& model = quantized_.begin()->second;
    COPPICE_TRY(const auto plan, exec::compile(reference_));
    std::vector<double> signal(reference_.tensors.size(), 0.0), noise(signal);
    std::vector<float> output(at(reference_.output_shape().elements()));
    const size_t count = std::min<size_t>(samples_.size(), 32);
    for (size_t i = 0; i < count; ++i) {
      plan->run_observed(samples_[i], output, [&](const exec::Observation& seen) {
        const ActivationQuantization& q = *model.tensors[at(seen.tensor)].quantization;
        const IntegerRange range = activation_integers(q.bits);
        for (const float value : seen.real) {
          const int32_t integer =
              kernels::quantize_value(value, q.scale, q.zero_point, range.low, range.high);
          const double error =
              double{value} - double{kernels::dequantize_value(integer, q.scale, q.zero_point)};
          signal[at(seen.tensor)] += double{value} * double{value};
          noise[at(seen.tensor)] += error * error;
        }
      });
    }
    for (size_t t = 0; t < signal.size(); ++t) {
      activation_sqnr_db_.push_back(sqnr_db(signal[t], noise[t]));
    }
    return {};
  }

  double accuracy_of(const Samples& logits) const {
    int correct = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto best = std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin();
      correct += best == dataset_.label(data::Split::kValidation, static_cast<int>(i)) ? 1 : 0;
    }
    return static_cast<double>(correct) / static_cast<double>(logits.size());
  }

  Result<Damage> damage_of(const Graph& changed) const {
    COPPICE_TRY(const auto logits, logits_of(changed, samples_));
    return Damage{accuracy_of(logits) - accuracy_, compare_logits(logits_, logits)};
  }

  Result<LayerSensitivity> scan(size_t node, int bits) const {
    const Graph& model = quantized_.at(bits);
    const Node& layer = reference_.nodes[node];
    LayerSensitivity entry;
    entry.layer = layer.name;
    entry.op = op_name(layer.op);
    entry.bits = bits;
    entry.weight_bytes = stored_bytes(*model.nodes[node].parameter("weight"));
    entry.activation_sqnr_db = activation_sqnr_db_[at(layer.output)];
    Graph alone = reference_, all_but = reference_;
    for (size_t n = 0; n < reference_.nodes.size(); ++n) {
      const Parameter* weight = model.nodes[n].parameter("weight");
      if (weight == nullptr) continue;
      Graph& target = n == node ? alone : all_but;
      target.nodes[n].parameter("weight")->value = dequantize(*weight);
    }
    const auto& exact = layer.parameter("weight")->value;
    const auto& rounded = alone.nodes[node].parameter("weight")->value;
    double signal = 0, noise = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      signal += double{exact[i]} * double{exact[i]};
      noise += (double{exact[i]} - double{rounded[i]}) * (double{exact[i]} - double{rounded[i]});
    }
    entry.weight_sqnr_db = sqnr_db(signal, noise);
    COPPICE_TRY(entry.alone, damage_of(alone));
    COPPICE_TRY(entry.all_but, damage_of(all_but));
    return entry;
  }

  const data::Dataset& dataset_;
  const SensitivityOptions& options_;
  Samples samples_, logits_;
  Graph reference_;
  std::map<int, Graph> quantized_;  // By bits.
  std::vector<double> activation_sqnr_db_;
  double accuracy_ = 0;
};

}  // namespace

Result<std::vector<LayerSensitivity>> scan_sensitivity(const Graph& graph,
                                                       const data::Dataset& dataset,
                                                       const SensitivityOptions& options) {
  if (options.bits.empty() || options.samples < 1) {
    return Error{ErrorCode::kInvalidArgument, "a scan needs at least one width and one sample"};
  }
  if (options.quantize.equalize) {
    return Error{ErrorCode::kUnsupported,
                 "a scan compares layer by layer; cross-layer equalization changes two at once"};
  }
  return Scanner(dataset, options).run(graph);
}

}  // namespace coppice::quant
