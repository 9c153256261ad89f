#include "train/sample_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace coppice::train {

Status check_fits(const Graph& graph, const data::Dataset& dataset) {
  COPPICE_TRY_STATUS(validate(graph));
  const Shape samples = dataset.sample_shape();
  if (!(graph.input_shape() == samples)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{} takes {}, the samples of {} are {}", graph.name,
                    fmt::join(graph.input_shape(), "x"), dataset.name(), fmt::join(samples, "x"))};
  }
  const auto outputs = graph.output_shape().elements();
  const auto classes = dataset.class_names().size();
  if (outputs != static_cast<int64_t>(classes)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} has {} outputs, {} has {} classes", graph.name, outputs,
                             dataset.name(), classes)};
  }
  return {};
}

SampleSource::SampleSource(const data::Dataset& dataset, data::Split split, bool keep,
                           ThreadPool& pool)
    : dataset_(dataset),
      split_(split),
      size_(dataset.size(split)),
      elements_(static_cast<size_t>(dataset.sample_shape().elements())) {
  constexpr size_t kLimit = (size_t{1} << 30) / sizeof(float);
  const size_t total = static_cast<size_t>(size_) * elements_;
  if (!keep || total > kLimit) return;
  std::vector<float> all(total);
  pool.run(size_, [&](int i) {
    read(i, {all.data() + static_cast<size_t>(i) * elements_, elements_});
  });
  kept_ = std::move(all);
}

void SampleSource::read(int index, std::span<float> x) const {
  if (kept_.empty()) {
    dataset_.sample(split_, index, data::kNotAugmented, x);
    return;
  }
  const float* from = kept_.data() + static_cast<size_t>(index) * elements_;
  std::copy(from, from + elements_, x.begin());
}

}  // namespace coppice::train
