#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::cli {

/// A progress line on stderr: bar, count, rate and time left. Draws only when stderr is a
/// terminal, at most ten times a second, so that a pipe or a log file stays quiet. Not
/// thread-safe: callers that report from several threads hold a lock around update().
class ProgressBar {
 public:
  /// `total` 0 means that the total is not known: the count and the rate are shown without a bar.
  ProgressBar(std::string label, int64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of `total` are finished; `note` is shown behind the time left ("loss 0.31").
  void update(int64_t done, std::string_view note = {});
  /// Leaves the last line standing and moves to the next one; later updates draw nothing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::string_view note);

  std::string label_;
  int64_t total_;
  int64_t done_ = 0;
  bool active_;
  bool drawn_ = false;
  std::string note_;
  Clock::time_point start_;
  Clock::time_point last_draw_;
};

/// "4.2 s", "3 min 05 s" or "2 h 07 min".
std::string format_duration(double seconds);

}  // namespace coppice::cli
