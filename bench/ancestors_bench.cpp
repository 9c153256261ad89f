// The loop orders and granularities of arXiv 2208.02765 on the layers of its network and of
// tiny_conv, int8, beside the dense loop and our own kernels: a page in Markdown on stdout.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "coppice/core/cpu.h"
#include "coppice/core/random.h"
#include "coppice/exec/lower.h"
#include "coppice/graph/fold.h"
#include "coppice/graph/zoo.h"
#include "coppice/kernels/conv2d/dense.h"
#include "coppice/kernels/conv2d/reference.h"
#include "coppice/sparse/conv2d.h"
#include "coppice/sparse/formats.h"
#include "coppice/sparse/kernel.h"

namespace coppice::bench {
namespace {

using kernels::Conv2DParams;

constexpr double kSparsities[] = {0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95};
constexpr size_t kColumns = std::size(kSparsities), kFifty = 2, kNinety = 5;

struct alignas(64) Line {
  std::byte bytes[64];
};
std::vector<Line> lines(size_t bytes) { return std::vector<Line>(bytes / sizeof(Line) + 2); }

double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

/// What is zero together: `taps` consecutive taps of one input channel, or a whole filter.
struct Granularity {
  const char* name;
  std::function<int(const Conv2DParams&, int column)> group;  // Of a column in its filter.
};

std::vector<Granularity> granularities(const Conv2DParams& p) {
  const auto groups_of = [](int length) {
    return [length](const Conv2DParams& q, int column) {
      return column / q.in_channels / length * q.in_channels + column % q.in_channels;
    };
  };
  std::vector<Granularity> all = {{"single weights", groups_of(1)}};
  if (p.window.kernel_w > 1) all.push_back({"rows of kernels", groups_of(p.window.kernel_w)});
  if (p.taps() > 1) all.push_back({"kernels", groups_of(p.taps())});
  all.push_back({"filters", [](const Conv2DParams&, int) { return 0; }});
  return all;
}

std::vector<int8_t> random_weights(const Conv2DParams& p, const Granularity& granularity,
                                   double sparsity) {
  Random random(1, granularity.name);
  const int columns = p.taps() * p.in_channels;
  std::vector<int8_t> w(static_cast<size_t>(p.weights()));
  std::vector<char> keep;
  for (int o = 0; o < p.out_channels; ++o) {
    keep.assign(static_cast<size_t>(columns), 0);
    for (char& group : keep) group = random.uniform() >= static_cast<float>(sparsity);
    for (int c = 0; c < columns; ++c) {
      const int value = static_cast<int>(random.below(254)) - 127;
      if (keep[static_cast<size_t>(granularity.group(p, c))])
        w[static_cast<size_t>(o * columns + c)] = static_cast<int8_t>(value + (value >= 0));
    }
  }
  return w;
}

/// A kernel with its packed weights.
struct Contender {
  std::string name;
  size_t bytes = 0;
  std::function<void()> run;
  std::vector<double> times = {};
};

/// One layer with random data; x has no border, the images' x has.
class Layer {
 public:
  Layer(std::string name, const Conv2DParams& p) : name_(std::move(name)), p_(p) {
    const auto& w = p.window;
    const int bottom = (w.out_h - 1) * w.stride_h + w.kernel_h - w.pad_top;
    const int right = (w.out_w - 1) * w.stride_w + w.kernel_w - w.pad_left;
    const int width = w.pad_left + std::max(w.in_w, right);
    const int height = w.pad_top + std::max(w.in_h, bottom);
    x_.resize(static_cast<size_t>(w.in_h * w.in_w * p.in_channels));
    Random random(2, "input");
    for (auto& value : x_) value = static_cast<int8_t>(random.below(256));
    image_memory_ = lines(static_cast<size_t>(height * width * p.in_channels) + 64);
    auto* first = reinterpret_cast<uint8_t*>(image_memory_.data());
    image_ = {first + (w.pad_top * width + w.pad_left) * p.in_channels,
              ptrdiff_t{width} * p.in_channels, p.in_channels};
    const auto outputs = static_cast<size_t>(w.out_h * w.out_w * p.out_channels);
    y_.resize(outputs);
    out_memory_ = lines(outputs);
    out_ = {reinterpret_cast<uint8_t*>(out_memory_.data()), ptrdiff_t{w.out_w} * p.out_channels,
            p.out_channels};
    scale_.assign(static_cast<size_t>(p.out_channels), 1e-5f);
    to_.rounding = kernels::Rounding::kFloat;
    to_.scale = scale_.data();
    to_.min = 0;
    workspace_ = lines(std::max(sparse::output_stationary_workspace<int8_t>(p),
                                sparse::weight_stationary_workspace<int32_t>(p)));
  }

  const std::string& name() const { return name_; }
  const Conv2DParams& params() const { return p_; }

  /// The specification: output-stationary, no test.
  Contender dense_loop() {
    auto w = std::make_shared<std::vector<int8_t>>(static_cast<size_t>(p_.weights()), int8_t{1});
    return {"dense loop", w->size(),
            [this, w] { conv2d_ref(p_, to_, x_.data(), w->data(), nullptr, y_.data()); }};
  }

  template <class Format, class... Options>
  Contender plain(const char* name, bool weight_stationary, const std::vector<int8_t>& values,
                  Options... options) {
    const auto w = sparse::dense_weights(p_, values.data());
    const size_t bytes = Format::bytes(w, options...);
    auto memory = std::make_shared<std::vector<Line>>(lines(bytes));
    const Format format = Format::pack(w, options..., memory->data());
    return {name, bytes, [this, memory, format, weight_stationary] {
              if (weight_stationary) {
                conv2d_weight_stationary(p_, to_, x_.data(), format, nullptr, workspace_.data(),
                                         y_.data());
              } else {
                conv2d_output_stationary(p_, to_, x_.data(), format, nullptr, workspace_.data(),
                                         y_.data());
              }
            }};
  }

  /// One of our kernels on images; nothing if it does not take these weights.
  std::optional<Contender> dense() {
    for (const auto& kernel : kernels::conv2d_kernels_u8()) {
      if (!isa_supported(kernel.isa) || !kernel.accepts(p_)) continue;
      const size_t bytes = kernel.packed_bytes(p_);
      auto packed = std::make_shared<std::vector<Line>>(lines(bytes));
      const std::vector<int8_t> w(static_cast<size_t>(p_.weights()), 1);
      if (!kernel.pack(p_, to_, w.data(), nullptr, packed->data())) continue;
      return on_images("ours, dense: " + std::string(kernel.name), bytes, packed, kernel.run);
    }
    return std::nullopt;
  }
  std::optional<Contender> sparse(const std::vector<int8_t>& w) {
    for (const auto& kernel : sparse::sparse_conv2d_u8()) {
      if (kernel.pattern != sparse::Pattern::kUnstructured || !isa_supported(kernel.isa) ||
          !kernel.accepts(p_, w.data())) {
        continue;
      }
      const size_t bytes = kernel.packed_bytes(p_, w.data());
      auto packed = std::make_shared<std::vector<Line>>(lines(bytes));
      if (!kernel.pack(p_, to_, w.data(), nullptr, packed->data())) continue;
      return on_images("ours, sparse: " + std::string(kernel.name), bytes, packed, kernel.run);
    }
    return std::nullopt;
  }

 private:
  template <class Run>
  Contender on_images(std::string name, size_t bytes, std::shared_ptr<std::vector<Line>> packed,
                      Run run) {
    return {std::move(name), bytes, [this, packed = std::move(packed), run] {
              run(p_, packed->data(), image_, out_, {0, p_.window.out_h});
            }};
  }

  std::string name_;
  Conv2DParams p_;
  std::vector<int8_t> x_, y_;
  std::vector<Line> image_memory_, out_memory_, workspace_;
  kernels::Image<uint8_t> image_, out_;
  std::vector<float> scale_;
  kernels::Requantize to_;
};

std::vector<Contender> contenders(Layer& layer, const std::vector<int8_t>& w) {
  using namespace sparse;
  const Conv2DParams& p = layer.params();
  std::vector<Contender> all;
  all.push_back(layer.dense_loop());
  all.push_back(layer.plain<ZeroTested<int8_t>>("zero test, output-stationary", false, w));
  all.push_back(layer.plain<ZeroTested<int8_t>>("zero test, weight-stationary", true, w));
  if (p.window.kernel_w > 1) {
    all.push_back(layer.plain<MaskedGroups<int8_t>>("vector mask, output-stationary", false, w,
                                                    p.window.kernel_w));
  }
  if (p.taps() > 1) {
    all.push_back(
        layer.plain<MaskedGroups<int8_t>>("kernel mask, output-stationary", false, w, p.taps()));
  }
  all.push_back(layer.plain<MaskedGroups<int8_t>>("bitmap, output-stationary", false, w, 1));
  all.push_back(layer.plain<KeptFilters<int8_t>>("filter removal", false, w));
  all.push_back(
      layer.plain<CoordinateList<int8_t>>("coordinate list, output-stationary", false, w));
  all.push_back(layer.plain<CoordinateList<int8_t>>("coordinate list, weight-stationary", true, w));
  if (auto ours = layer.dense()) all.push_back(std::move(*ours));
  if (auto ours = layer.sparse(w)) all.push_back(std::move(*ours));
  return all;
}

/// Medians of interleaved rounds.
void measure(std::vector<Contender>& all) {
  constexpr int kRounds = 15;
  constexpr double kRoundUs = 150;
  for (int round = 0; round < kRounds; ++round) {
    for (Contender& contender : all) {
      const double begin = now_us();
      contender.run();
      const int runs = 1 + static_cast<int>(kRoundUs / std::max(0.1, now_us() - begin));
      const double start = now_us();
      for (int i = 0; i < runs; ++i) contender.run();
      contender.times.push_back((now_us() - start) / runs);
    }
  }
  for (Contender& contender : all) std::sort(contender.times.begin(), contender.times.end());
}
double median(const Contender& contender) { return contender.times[contender.times.size() / 2]; }

struct Row {
  std::string name;
  double us[kColumns] = {};
  size_t bytes[kColumns] = {};
};

/// Where a row's time falls below the dense loop's, between two columns by a straight line.
std::string break_even(const Row& row, const Row& dense) {
  for (size_t i = 0; i < kColumns; ++i) {
    const double gain = dense.us[i] - row.us[i];
    if (gain < 0) continue;
    if (i == 0) return "always";
    const double before = row.us[i - 1] - dense.us[i - 1];
    const double share = before / (before + gain);
    return fmt::format("{:.0f} %",
                       100 * (kSparsities[i - 1] + share * (kSparsities[i] - kSparsities[i - 1])));
  }
  return "never";
}

std::string three_digits(double us) {
  if (us >= 100) return fmt::format("{:.0f}", us);
  return us >= 10 ? fmt::format("{:.1f}", us) : fmt::format("{:.2f}", us);
}

void print_table(const std::vector<Row>& rows) {
  std::string header = "| kernel |", rule = "|---|";
  for (const double sparsity : kSparsities) {
    header += fmt::format(" {:.0f} % |", 100 * sparsity);
    rule += "---:|";
  }
  fmt::print("{} break-even | speed-up at 90 % | bytes at 0, 50, 90 % |\n{}---:|---:|---:|\n",
             header, rule);
  for (const Row& row : rows) {
    fmt::print("| {} |", row.name);
    for (const double us : row.us) fmt::print(" {} |", three_digits(us));
    fmt::print(" {} | {:.2f} | {}, {}, {} |\n", &row == &rows[0] ? "" : break_even(row, rows[0]),
               rows[0].us[kNinety] / row.us[kNinety], row.bytes[0], row.bytes[kFifty],
               row.bytes[kNinety]);
  }
  fmt::print("\n");
}

void run_layer(Layer& layer) {
  for (const Granularity& granularity : granularities(layer.params())) {
    std::vector<Row> rows;
    for (size_t column = 0; column < kColumns; ++column) {
      const auto w = random_weights(layer.params(), granularity, kSparsities[column]);
      auto all = contenders(layer, w);
      measure(all);
      rows.resize(all.size());
      for (size_t i = 0; i < all.size(); ++i) {
        rows[i].name = all[i].name;
        rows[i].us[column] = median(all[i]);
        rows[i].bytes[column] = all[i].bytes;
      }
    }
    fmt::print("### {}, zeros in {}\n\n", layer.name(), granularity.name);
    print_table(rows);
  }
}

void run_network(const char* name) {
  const auto graph = fuse_for_inference(*make_zoo_model(name, {}, 0, 1));
  for (const Node& node : graph->nodes) {
    if (std::holds_alternative<Conv2D>(node.op)) {
      const auto p = exec::conv2d_params(*graph, node);
      Layer layer(fmt::format("{}: convolution {}x{}, {} → {}", name, p.window.kernel_h,
                              p.window.kernel_w, p.in_channels, p.out_channels),
                  p);
      run_layer(layer);
    } else if (std::holds_alternative<FullyConnected>(node.op)) {
      const auto p = sparse::as_conv2d(exec::fully_connected_params(*graph, node));
      Layer layer(fmt::format("{}: fully connected {} → {}", name, p.in_channels, p.out_channels),
                  p);
      run_layer(layer);
    }
  }
}

}  // namespace
}  // namespace coppice::bench

int main() {
  fmt::print(
      "# Loop orders, granularities and sparsity on the ancestors' layers\n\n"
      "Microseconds for one layer, int8, random zeros, activation and requantization included;\n"
      "medians of {} interleaved rounds of thread CPU time on one {}.\n"
      "The columns are the share of zeros. The plain kernels are those of arXiv 2208.02765 (see\n"
      "docs/sparse.md), compiled as they are for any processor; break-even and speed-up are\n"
      "against the first row, the dense loop. Bytes are all that a kernel stores for the weights.\n"
      "Made by `ancestors_bench`.\n\n",
      15, coppice::cpu_model_name());
  coppice::bench::run_network("cnn_one_fstride4");
  coppice::bench::run_network("tiny_conv");
}
