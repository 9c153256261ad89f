#include "train/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "coppice/core/file.h"
#include "coppice/core/random.h"

namespace coppice::train {
namespace {

using Json = nlohmann::ordered_json;
static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

Json to_json(const EpochReport& e) {
  return {e.epoch,           e.learning_rate, e.train_loss, e.train_accuracy, e.validation_accuracy,
          e.validation_loss, e.seconds};
}

EpochReport epoch_from_json(const Json& j) {
  return {j.at(0), j.at(1), j.at(2), j.at(3), j.at(4), j.at(5), j.at(6)};
}

// The arrays of a checkpoint, by name.
template <class CheckpointType, class Body>
void for_each_array(CheckpointType& checkpoint, Body body) {
  body("values", checkpoint.values);
  body("best_values", checkpoint.best_values);
  body("first", checkpoint.first);
  body("second", checkpoint.second);
  body("mask", checkpoint.mask);
}
template <class T>
constexpr const char* kTypeName = sizeof(T) == 1 ? "U8" : "F32";

Error damaged(const std::filesystem::path& path, const std::string& what) {
  return Error{ErrorCode::kCorrupt,
               fmt::format("{}: not a whole checkpoint ({}); remove it to start again",
                           path.string(), what)};
}

Checkpoint parse(const std::string& bytes) {
  uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) throw std::runtime_error("it is too short");
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  if (header_size > bytes.size() - sizeof header_size) throw std::runtime_error("it is cut off");
  const Json header = Json::parse(bytes.substr(sizeof header_size, header_size));
  const std::string_view data = std::string_view(bytes).substr(sizeof header_size + header_size);
  const Json state =
      Json::parse(header.at("__metadata__").at("coppice.training").get<std::string>());

  Checkpoint checkpoint;
  checkpoint.fingerprint = state.at("fingerprint");
  checkpoint.steps = state.at("steps");
  checkpoint.report.best_epoch = state.at("best_epoch");
  checkpoint.settled = state.at("settled");
  checkpoint.hook = state.at("hook");
  for (const auto& epoch : state.at("epochs")) {
    checkpoint.report.epochs.push_back(epoch_from_json(epoch));
  }
  for_each_array(checkpoint, [&]<class T>(const char* name, std::vector<T>& values) {
    const Json& offsets = header.at(name).at("data_offsets");
    const size_t begin = offsets.at(0), end = offsets.at(1);
    if (end < begin || end > data.size() || (end - begin) % sizeof(T) != 0) {
      throw std::runtime_error("it is cut off");
    }
    values.resize((end - begin) / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), data.data() + begin, end - begin);
  });
  return checkpoint;
}

uint64_t hash_more(uint64_t hash, const void* data, size_t size) {
  return (hash ^ hash_name({static_cast<const char*>(data), size})) * 0x100000001b3ull;
}

}  // namespace

Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  Json state;
  state["fingerprint"] = checkpoint.fingerprint;
  state["steps"] = checkpoint.steps;
  state["best_epoch"] = checkpoint.report.best_epoch;
  state["settled"] = checkpoint.settled;
  state["hook"] = checkpoint.hook;
  state["epochs"] = Json::array();
  for (const auto& epoch : checkpoint.report.epochs) state["epochs"].push_back(to_json(epoch));
  Json header;
  header["__metadata__"] = {{"coppice.training", state.dump()}};
  size_t offset = 0;
  std::string data;
  for_each_array(checkpoint, [&]<class T>(const char* name, const std::vector<T>& values) {
    const size_t size = values.size() * sizeof(T);
    header[name] = {{"dtype", kTypeName<T>},
                    {"shape", {values.size()}},
                    {"data_offsets", {offset, offset + size}}};
    data.append(reinterpret_cast<const char*>(values.data()), size);
    offset += size;
  });
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t header_size = text.size();
  std::string bytes(sizeof header_size, '\0');
  std::memcpy(bytes.data(), &header_size, sizeof header_size);
  return write_file_atomic(path, bytes + text + data);
}

Result<Checkpoint> load_checkpoint(const std::filesystem::path& path,
                                   const std::string& fingerprint) {
  COPPICE_TRY(const std::string bytes, read_file(path));
  Checkpoint checkpoint;
  try {
    checkpoint = parse(bytes);
  } catch (const std::exception& error) {
    return damaged(path, error.what());
  }
  if (checkpoint.fingerprint != fingerprint) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: the checkpoint belongs to a training with other options, weights "
                             "or data; remove it or name another file",
                             path.string())};
  }
  return checkpoint;
}

std::string fingerprint_of(const Graph& graph, const data::Dataset& dataset,
                           const TrainOptions& o) {
  uint64_t hash = hash_name(graph.name);
  for (const auto& node : graph.nodes) {
    hash = hash_more(hash, node.name.data(), node.name.size());
    for (const auto& parameter : node.parameters) {
      hash = hash_more(hash, parameter.value.data(), parameter.value.size() * sizeof(float));
      hash = hash_more(hash, parameter.mask.data(), parameter.mask.size());
    }
  }
  const auto size = [&](data::Split split) { return dataset.size(split); };
  return fmt::format(
      "{:016x} {} {}/{} {} epochs {} batch {} optimizer {} rate {} momentum {} decay {}{} "
      "schedule {} {} {} warmup {} smoothing {} seed {} best {} integers {} {} {} {} "
      "distillation {} {}",
      hash, dataset.name(), size(data::Split::kTrain), size(data::Split::kValidation),
      fmt::join(dataset.class_names(), ","), o.epochs, o.batch_size, static_cast<int>(o.optimizer),
      o.learning_rate, o.momentum, o.weight_decay, o.decoupled_decay ? " decoupled" : "",
      static_cast<int>(o.schedule), fmt::join(o.step_epochs, ","), o.step_factor, o.warmup_epochs,
      o.label_smoothing, o.seed, o.keep_best, static_cast<int>(o.weight_scale_rule),
      static_cast<int>(o.range_rule), o.range_momentum, o.frozen_epochs, o.distillation,
      o.distillation_temperature);
}

}  // namespace coppice::train
