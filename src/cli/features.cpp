#include <fmt/format.h>

#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/feature_figure.h"
#include "cli/sound_analysis.h"
#include "cli/verbs.h"
#include "coppice/audio/log_mel.h"
#include "coppice/audio/mfcc.h"
#include "coppice/core/file.h"
#include "coppice/core/gnuplot.h"
#include "coppice/data/front_end.h"
#include "coppice/io/audio_file.h"

namespace coppice::cli {
namespace {

struct FeatureOptions {
  std::string clip;
  std::string figure;
  std::string csv;
  std::string title;
  std::string type = "mfcc";
  bool no_pcan = false;
};

// Any rate, any number of channels: what is changed is said.
Result<std::vector<float>> read_at_16_khz(const std::string& path) {
  COPPICE_TRY(auto clip, io::read_wav(path, 0, io::Channels::kMixDown));
  if (clip.rate == 16000) return std::move(clip.samples);
  fmt::print(stderr, "coppice: {}: resampled from {} Hz to 16000 Hz\n", path, clip.rate);
  return io::resample(clip.samples, clip.rate, 16000);
}

// The front end's output with a row for each frame, whatever its own order of axes.
struct FrameTable {
  size_t frames, width;
  size_t frame_stride, value_stride;
  double window_s, hop_s;
  const char* column;
};

FrameTable frame_table(const std::string& type) {
  using audio::LogMel, audio::Mfcc;
  constexpr double kRate = 16000;
  if (type == "log_mel") {
    return {LogMel::kFrames,         LogMel::kBands,       1,     LogMel::kFrames,
            LogMel::kWindow / kRate, LogMel::kHop / kRate, "band"};
  }
  const size_t width = type == "mfcc" ? Mfcc::kCoefficients : 40;
  return {Mfcc::kFrames,
          width,
          width,
          1,
          Mfcc::kWindow / kRate,
          Mfcc::kHop / kRate,
          type == "mfcc" ? "coefficient" : "channel"};
}

Result<std::string> features_csv(const FeatureOptions& options, std::vector<float> clip) {
  COPPICE_TRY(const auto front_end,
              data::make_front_end({.type = options.type, .pcan = !options.no_pcan}));
  const auto length = static_cast<size_t>(front_end->clip_samples());
  if (clip.size() != length) {
    fmt::print(stderr, "coppice: {}: {:.3f} s {} to {:.3f} s for the numbers\n", options.clip,
               static_cast<double>(clip.size()) / 16000, clip.size() < length ? "padded" : "cut",
               static_cast<double>(length) / 16000);
    clip.resize(length, 0.0f);
  }
  std::vector<float> features(static_cast<size_t>(front_end->shape().elements()));
  front_end->compute(clip, features);
  const auto table = frame_table(options.type);
  std::string text = "time_s";
  auto out = std::back_inserter(text);
  for (size_t i = 0; i < table.width; ++i) fmt::format_to(out, ",{}_{}", table.column, i);
  for (size_t t = 0; t < table.frames; ++t) {
    fmt::format_to(out, "\n{:.4f}", table.window_s / 2 + static_cast<double>(t) * table.hop_s);
    for (size_t i = 0; i < table.width; ++i) {
      fmt::format_to(out, ",{}", features[t * table.frame_stride + i * table.value_stride]);
    }
  }
  return text + "\n";
}

// Viewers blur an enlarged image unless told otherwise; each cell is a number here.
Status sharpen(const std::filesystem::path& svg) {
  COPPICE_TRY(auto text, read_file(svg));
  const std::string tag = "<image ";
  const std::string style = "style='image-rendering:pixelated' ";
  for (size_t at = 0; (at = text.find(tag, at)) != std::string::npos; at += tag.size()) {
    text.insert(at + tag.size(), style);
  }
  return write_file_atomic(svg, text);
}

Status draw(const FeatureOptions& options, const std::vector<float>& clip) {
  const std::string title = options.title.empty()
                                ? std::filesystem::path(options.clip).filename().string()
                                : options.title;
  COPPICE_TRY(const auto script,
              feature_figure_script(analyse_sound(clip, !options.no_pcan), title, options.figure));
  // gnuplot would report a missing folder only by its number.
  const auto folder = std::filesystem::path(options.figure).parent_path();
  std::error_code code;
  if (!folder.empty()) std::filesystem::create_directories(folder, code);
  if (code) return Error{ErrorCode::kIo, fmt::format("{}: {}", folder.string(), code.message())};
  if (const auto drawn = run_gnuplot(script); !drawn.ok()) {
    std::filesystem::remove(options.figure, code);  // What was begun is no figure.
    return Error{drawn.error().code, options.figure + ": " + drawn.error().message};
  }
  return std::filesystem::path(options.figure).extension() == ".svg" ? sharpen(options.figure)
                                                                     : Status();
}

Status run_features(const FeatureOptions& options) {
  if (options.figure.empty() && options.csv.empty()) {
    return Error{
        ErrorCode::kConfig,
        "features: nothing to do; give -o FILE.png for a figure or --csv FILE for numbers"};
  }
  COPPICE_TRY(const auto clip, read_at_16_khz(options.clip));
  if (!options.csv.empty()) {
    COPPICE_TRY(const auto text, features_csv(options, clip));
    if (options.csv == "-") {
      fmt::print("{}", text);
    } else {
      COPPICE_TRY_STATUS(write_file_atomic(options.csv, text));
    }
  }
  if (!options.figure.empty()) COPPICE_TRY_STATUS(draw(options, clip));
  return {};
}

}  // namespace

void add_features(CLI::App& app, ExitStatus& status) {
  auto options = std::make_shared<FeatureOptions>();
  auto* verb =
      app.add_subcommand("features", "Draw a sound and its features, or write the numbers");
  verb->add_option("CLIP", options->clip, "Audio file (16 kHz mono as is; others are converted)")
      ->required();
  verb->add_option("-o,--output", options->figure,
                   "Figure: waveform, spectrum, spectrogram, mel spectrogram, MFCC, micro "
                   "(.png, .svg or .pdf)");
  verb->add_option("--csv", options->csv,
                   "Numbers as a network takes them, a line for each frame (- for stdout)");
  verb->add_option("--features", options->type, "Which numbers --csv writes")
      ->check(CLI::IsMember({"mfcc", "log_mel", "micro"}))
      ->capture_default_str();
  verb->add_flag("--no-pcan", options->no_pcan, "micro without amplitude normalization");
  verb->add_option("--title", options->title, "Title of the figure (default: the file's name)");
  verb->footer("Example: coppice features yes.wav -o yes.png --csv yes.csv --features log_mel");
  verb->callback([options, &status] {
    const auto result = run_features(*options);
    status = result.ok() ? kSuccess : report_error(result.error());
  });
}

}  // namespace coppice::cli
