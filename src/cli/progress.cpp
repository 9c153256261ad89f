#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace coppice::cli {
namespace {

constexpr auto kDrawInterval = std::chrono::milliseconds(100);
constexpr int kBarWidth = 24;

size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string format_duration(double seconds) {
  if (seconds < 60.0) return fmt::format("{:.1f} s", std::max(0.0, seconds));
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

ProgressBar::ProgressBar(std::string label, int64_t total)
    : label_(std::move(label)),
      total_(total),
      active_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_draw_(start_ - kDrawInterval) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(int64_t done, std::string_view note) {
  done_ = done;
  if (!active_) return;
  note_ = note;
  const auto now = Clock::now();
  const bool complete = total_ > 0 && done >= total_;
  if (!complete && now - last_draw_ < kDrawInterval) return;
  last_draw_ = now;
  draw(note_);
}

void ProgressBar::finish() {
  if (!active_) return;
  if (drawn_) {
    draw(note_);
    std::fputc('\n', stderr);
  }
  active_ = false;
}

void ProgressBar::draw(std::string_view note) {
  drawn_ = true;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0.0;
  std::string line = label_;
  if (total_ > 0) {
    const double part =
        std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
    const int filled = static_cast<int>(part * kBarWidth);
    line +=
        fmt::format(" [{:#<{}}{:.<{}}] {}/{}", "", filled, "", kBarWidth - filled, done_, total_);
  } else {
    line += fmt::format(" {}", done_);
  }
  line += fmt::format("  {:.3g}/s", rate);
  if (total_ > 0 && done_ < total_ && rate > 0) {
    line += "  " + format_duration(static_cast<double>(total_ - done_) / rate) + " left";
  } else {
    line += "  " + format_duration(elapsed);
  }
  if (!note.empty()) line.append("  ").append(note);
  // A line that wraps could not be redrawn in place.
  if (const size_t width = terminal_width(); line.size() >= width) line.resize(width - 1);
  fmt::print(stderr, "\r\033[2K{}", line);
  std::fflush(stderr);
}

}  // namespace coppice::cli
