#include "cli/model_dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "coppice/sweep/provenance.h"
#include "coppice/sweep/tables.h"

namespace coppice::cli {

Result<std::shared_ptr<const data::Dataset>> open_configured_dataset(const sweep::Json& config) {
  const auto options = sweep::dataset_table().options<data::DatasetConfig>(config);
  if (options.path.empty() && options.type != "fashion_mnist") {
    return Error{ErrorCode::kConfig, "no folder of the data is known: give --dataset.path"};
  }
  COPPICE_TRY(auto dataset, data::open_dataset(options));
  if (!dataset->skipped().empty()) {
    fmt::print(stderr, "coppice: {} broken files skipped\n", dataset->skipped().size());
  }
  return dataset;
}

Result<std::shared_ptr<const data::Dataset>> open_model_dataset(const Graph& graph,
                                                                const FieldFlags& flags) {
  sweep::Json config = sweep::dataset_table().defaults();
  if (const auto stored = sweep::provenance_of(graph).dataset; stored.is_object()) {
    config.update(stored);
  }
  COPPICE_TRY(config, flags.apply(std::move(config)));
  COPPICE_TRY(auto dataset, open_configured_dataset(config));
  if (!graph.class_names.empty() && graph.class_names != dataset->class_names()) {
    fmt::print(stderr, "coppice: the model's classes are {}; those of the dataset are {}\n",
               fmt::join(graph.class_names, ", "), fmt::join(dataset->class_names(), ", "));
  }
  return dataset;
}

}  // namespace coppice::cli
