#include "cli/feature_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "coppice/audio/log_mel.h"
#include "coppice/audio/micro_tables.h"

namespace coppice::cli {
namespace {

// Sheet of two columns and three rows; places of the plots as fractions of it. The right edge of a
// plot leaves room for its colour scale.
constexpr double kLeft[] = {0.075, 0.577};
constexpr double kWidth = 0.335;
constexpr double kBottom[] = {0.705, 0.3875, 0.070};
constexpr double kHeight = 0.215;

// Points of the palette viridis (Smith and van der Walt), dark to light.
constexpr const char* kViridis =
    "set palette defined (0 '#440154', 1 '#482475', 2 '#414487', 3 '#355f8d', 4 '#2a788e', "
    "5 '#21918c', 6 '#22a884', 7 '#44bf70', 8 '#7ad151', 9 '#bddf26', 10 '#fde725')\n";
// Blue for negative, white for zero, red for positive.
constexpr const char* kBlueRed =
    "set palette defined (-4 '#2166ac', -3 '#4393c3', -2 '#92c5de', -1 '#d1e5f0', 0 '#f7f7f7', "
    "1 '#fddbc7', 2 '#f4a582', 3 '#d6604d', 4 '#b2182b')\n";

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

struct Terminal {
  std::string command;
  int title_points;
};

Result<Terminal> terminal(const std::filesystem::path& output) {
  const std::string extension = output.extension().string();
  if (extension == ".png") {
    return Terminal{"pngcairo size 1800,1500 font 'Sans,17' linewidth 1.5", 21};
  }
  if (extension == ".svg") {
    return Terminal{"svg size 1200,1000 font 'Sans,11.5' background 'white'", 15};
  }
  if (extension == ".pdf")
    return Terminal{"pdfcairo size 24cm,20cm font 'Sans,9' linewidth 0.8", 12};
  return Error{ErrorCode::kConfig,
               fmt::format("{}: a figure is written as .png, .svg or .pdf", output.string())};
}

std::string place(int column, int row) {
  return fmt::format(
      "set lmargin at screen {:.3f}\nset rmargin at screen {:.3f}\n"
      "set bmargin at screen {:.3f}\nset tmargin at screen {:.3f}\n",
      kLeft[column], kLeft[column] + kWidth, kBottom[row], kBottom[row] + kHeight);
}

void append_image(std::string& script, const char* name, const TimeImage& image) {
  auto out = std::back_inserter(script);
  fmt::format_to(out, "${} << EOD\n", name);
  for (int column = 0; column < image.columns(); ++column) {
    for (int row = 0; row < image.rows; ++row) {
      fmt::format_to(out, "{:.4g} {} {:.4g}\n", image.first_s + column * image.step_s, row,
                     image.values[static_cast<size_t>(column * image.rows + row)]);
    }
  }
  script += "EOD\n";
}

void append_data(std::string& script, const SoundAnalysis& sound) {
  auto out = std::back_inserter(script);
  script += "$waveform << EOD\n";
  for (const auto& point : sound.waveform) {
    fmt::format_to(out, "{:.6g} {:.5g} {:.5g}\n", point.time_s, point.low, point.high);
  }
  script += "EOD\n$spectrum << EOD\n";
  const double step = 8000.0 / static_cast<double>(sound.spectrum_db.size() - 1);
  for (size_t k = 0; k < sound.spectrum_db.size(); ++k) {
    fmt::format_to(out, "{:.6g} {:.4g}\n", step * static_cast<double>(k), sound.spectrum_db[k]);
  }
  script += "EOD\n";
  append_image(script, "spectrogram", sound.spectrogram_db);
  append_image(script, "mel", sound.mel_db);
  append_image(script, "mfcc", sound.mfcc);
  append_image(script, "micro", sound.micro);
}

float largest(const std::vector<float>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Ticks in Hz on an axis of band numbers; position(hz) tells where a frequency lies.
template <class Position>
std::string hz_ticks(Position position) {
  std::string ticks;
  for (int hz : {250, 500, 1000, 2000, 4000, 7000}) {
    fmt::format_to(std::back_inserter(ticks), "{}'{}' {:.3f}", ticks.empty() ? "" : ", ", hz,
                   position(hz));
  }
  return "set ytics (" + ticks + ")\n";
}

double log_mel_band(double hz) {
  const auto style = audio::MelStyle::kSlaney;
  const double step = audio::hz_to_mel(style, 8000) / (audio::LogMel::kBands + 1);
  return audio::hz_to_mel(style, hz) / step - 1;
}

double micro_channel(double hz) {
  const double low = audio::micro_tables::mel(125);
  const double step = (audio::micro_tables::kHighMel - low) / 41;
  return (audio::micro_tables::mel(static_cast<float>(hz)) - low) / step - 2;
}

std::string waveform_plot(const SoundAnalysis& sound) {
  float peak = 0.05f;
  for (const auto& point : sound.waveform) {
    peak = std::max({peak, std::abs(point.low), std::abs(point.high)});
  }
  return place(0, 0) +
         fmt::format(
             "set title 'Waveform'\nset xlabel 'Time (s)'\nset ylabel 'Amplitude (full scale = "
             "1)'\n"
             "set xrange [0:{:.6g}]\nset yrange [{:.4g}:{:.4g}]\nset grid\n"
             "plot 0 with lines lc rgb '#2a788e' lw 1, $waveform using 1:2:(0):($3-$2) with "
             "vectors nohead lc rgb '#2a788e' lw 1\n",
             sound.seconds, -1.08 * peak, 1.08 * peak);
}

std::string spectrum_plot(const SoundAnalysis& sound) {
  const double top = 10 * std::ceil((std::max(largest(sound.spectrum_db), -60.0f) + 3) / 10);
  const float low = *std::min_element(sound.spectrum_db.begin(), sound.spectrum_db.end());
  const double bottom = std::min(top - 40, 10 * std::floor(std::max<double>(low, top - 100) / 10));
  return place(1, 0) +
         fmt::format(
             "set title 'Spectrum (mean of the clip)'\nset xlabel 'Frequency (Hz)'\n"
             "set ylabel 'Level (dB full scale)'\nset xrange [0:8000]\nset yrange [{0}:{1}]\n"
             "set xtics 2000\nset grid\n"
             "plot $spectrum using 1:2:({0}) with filledcurves fc rgb '#d5e8ea', "
             "$spectrum using 1:2 with lines lc rgb '#2a788e' lw 1.3\nset xtics autofreq\n",
             bottom, top);
}

struct ImagePlot {
  const char* data;
  const char* title;
  const char* unit;      // Of the colours.
  std::string vertical;  // Label and ticks of the y axis.
  double low, high;      // Of the colours.
  double row_step = 1;
};

std::string image_plot(int column, int row, double seconds, const TimeImage& image,
                       const ImagePlot& plot) {
  // All time axes are those of the clip, so that plots above each other line up.
  const double end = std::max(seconds, image.first_s + (image.columns() - 0.5) * image.step_s);
  return place(column, row) + plot.vertical +
         fmt::format(
             "set title '{}'\nset xlabel 'Time (s)'\nset cblabel '{}'\n"
             "set xrange [0:{:.6g}]\nset yrange [{:.6g}:{:.6g}]\nset cbrange [{:.4g}:{:.4g}]\n"
             "unset grid\nplot ${} using 1:($2*{}):3 with image\n"
             "set ytics autofreq\n",
             plot.title, plot.unit, end, -0.5 * plot.row_step, (image.rows - 0.5) * plot.row_step,
             plot.low, plot.high, plot.data, plot.row_step);
}

// Coefficient 0 is the level and far outruns the others: the scale is that of the others.
double mfcc_range(const TimeImage& mfcc) {
  float range = 1.0f;
  for (size_t i = 0; i < mfcc.values.size(); ++i) {
    if (i % static_cast<size_t>(mfcc.rows) != 0) range = std::max(range, std::abs(mfcc.values[i]));
  }
  return range;
}

std::string image_plots(const SoundAnalysis& sound) {
  constexpr double kShownDecibels = 80;
  const double loudest = std::max(-40.0f, std::ceil(largest(sound.spectrogram_db.values)));
  // Silence lies on the floor of -80 dB and still needs a scale.
  const double mel_loudest = std::max(-60.0f, std::ceil(largest(sound.mel_db.values)));
  std::string script = kViridis;
  script += image_plot(
      0, 1, sound.seconds, sound.spectrogram_db,
      {"spectrogram", "Spectrogram", "Level (dB full scale)",
       "set ylabel 'Frequency (Hz)'\nset ytics 2000\n", loudest - kShownDecibels, loudest, 31.25});
  script += image_plot(1, 1, sound.seconds, sound.mel_db,
                       {"mel", "Mel spectrogram (log\\_mel, 40 bands)", "Power (dB)",
                        "set ylabel 'Frequency (Hz, mel scale)'\n" + hz_ticks(log_mel_band),
                        std::max(-80.0, mel_loudest - kShownDecibels), mel_loudest});
  script += image_plot(1, 2, sound.seconds, sound.micro,
                       {"micro", "Fixed-point features (micro, 40 channels)", "Network input",
                        "set ylabel 'Frequency (Hz, mel scale)'\n" + hz_ticks(micro_channel), 0,
                        std::max(1.0f, largest(sound.micro.values))});
  script += kBlueRed;
  const double range = mfcc_range(sound.mfcc);
  script += image_plot(0, 2, sound.seconds, sound.mfcc,
                       {"mfcc", "MFCC (mfcc; coefficient 0 exceeds the colours)", "Value",
                        "set ylabel 'Coefficient'\nset ytics 1\n", -range, range});
  return script;
}

}  // namespace

Result<std::string> feature_figure_script(const SoundAnalysis& sound, const std::string& title,
                                          const std::filesystem::path& output) {
  COPPICE_TRY(const auto format, terminal(output));
  std::string script = "set terminal " + format.command + "\n";
  script += "set output " + quoted(output.string()) + "\n";
  append_data(script, sound);
  script +=
      "set encoding utf8\nset minussign\nset border linecolor rgb '#404040'\nset tics nomirror out "
      "scale 0.6 textcolor rgb "
      "'#404040'\n"
      "set grid linecolor rgb '#d8d8d8' linetype 1 linewidth 0.6\nunset key\n"
      "set title offset 0,-0.4\nset xlabel offset 0,0.4\nset ylabel offset 0,0\n"
      "set cblabel offset 1.2,0\n";
  script += "set multiplot\n";
  script += fmt::format("set label 1 {} at screen 0.5,0.972 center noenhanced font ',{}'\n",
                        quoted(title), format.title_points);
  script += waveform_plot(sound) + "unset label 1\n";
  script += spectrum_plot(sound);
  script += image_plots(sound);
  script += "unset multiplot\n";
  return script;
}

}  // namespace coppice::cli
