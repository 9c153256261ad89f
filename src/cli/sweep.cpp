#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/field_flags.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "coppice/report/report.h"
#include "coppice/sweep/estimate.h"
#include "coppice/sweep/runner.h"

namespace coppice::cli {
namespace {

struct Arguments {
  std::string config;
  std::vector<std::string> assignments;
  std::string out;
  int jobs = 1;
  int limit = 0;
  bool dry_run = false;
  bool retry_failed = false;
};

std::string command_line(const Arguments& arguments) {
  std::string text = "coppice sweep " + arguments.config;
  for (const auto& assignment : arguments.assignments) text += " --set '" + assignment + "'";
  if (!arguments.out.empty()) text += " --out " + arguments.out;
  return text;
}

/// "prune/sparsity=0.5 quantize/weight_bits=8": what makes this trial differ.
std::string swept_text(const std::vector<std::pair<std::string, sweep::Json>>& swept) {
  std::string text;
  for (const auto& [pointer, value] : swept) {
    if (value.is_null()) continue;
    std::string name = pointer.substr(1);
    if (name.rfind("steps/", 0) == 0) name = name.substr(name.find('/', 6) + 1);
    text +=
        fmt::format(" {}={}", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

std::string swept_text(const sweep::Json& record) {
  std::vector<std::pair<std::string, sweep::Json>> swept;
  for (const auto& [key, value] : record.items()) {
    if (key.rfind("config.", 0) == 0) swept.emplace_back(key.substr(7), value);
  }
  return swept_text(swept);
}

std::string result_text(const sweep::Json& record) {
  if (record["status"] != "ok") return "failed: " + record["error"].get<std::string>();
  std::string text;
  if (record["test_accuracy"].is_number()) {
    text += fmt::format("test {:.1f} %, ", 100 * record["test_accuracy"].get<double>());
  }
  return text + fmt::format("flash {} bytes, {}", record["flash_bytes"].dump(),
                            format_duration(record["wall_s"].get<double>()));
}

/// Shows a sweep on stderr: a bar on a terminal, else a line a trial.
class Watcher {
 public:
  sweep::RunCallbacks callbacks() {
    sweep::RunCallbacks result;
    result.on_note = [](const std::string& note) { fmt::print(stderr, "coppice: {}\n", note); };
    result.on_start = [this](int finished, int trials) { start(finished, trials); };
    result.on_step = [this](const sweep::StepProgress& step) { show_step(step); };
    result.on_trial = [this](const sweep::Json& record, int finished, int trials) {
      show_trial(record, finished, trials);
    };
    return result;
  }

  void finish() {
    if (bar_) bar_->finish();
  }

 private:
  void start(int finished, int trials) {
    if (finished > 0) {
      fmt::print(stderr, "coppice: {} of {} trials are finished; going on\n", finished, trials);
    }
    before_ = finished;
    if (::isatty(STDERR_FILENO) != 0) bar_.emplace("trials", trials - finished);
  }

  void show_step(const sweep::StepProgress& step) {
    if (!bar_) return;
    std::string note = step.trial_id.substr(0, 6) + " " + step.step;
    const auto& training = step.training;
    if (training.epochs > 0) {
      note += fmt::format(" epoch {}/{} loss {:.3f} accuracy {:.1f} %", training.epoch,
                          training.epochs, training.loss, 100 * training.accuracy);
    }
    bar_->update(done_, note);
  }

  void show_trial(const sweep::Json& record, int finished, int trials) {
    done_ = finished - before_;
    if (bar_) {
      bar_->update(done_, result_text(record));
    } else {
      fmt::print(stderr, "[{}/{}] {} seed {}{}: {}\n", finished, trials,
                 record["trial_id"].get<std::string>(), record["seed"].dump(), swept_text(record),
                 result_text(record));
    }
  }

  std::optional<ProgressBar> bar_;
  int before_ = 0;
  int done_ = 0;
};

ExitStatus dry_run(const sweep::Config& config, const sweep::RunOptions& options) {
  if (const auto patterns = sweep::check_layer_patterns(config); !patterns.ok()) {
    return report_config_error(patterns.error());
  }
  const auto pending = sweep::pending_trials(config, options);
  if (!pending.ok()) return report_config_error(pending.error());
  for (const auto& trial : *pending) {
    fmt::print("{} seed {}{}\n", trial.id, trial.seed, swept_text(trial.swept));
  }
  fmt::print("{} trials to run in {}\n", pending->size(), options.folder.string());
  const auto estimate = sweep::estimate_time(*pending, options);
  if (estimate.ok()) {
    fmt::print(
        "estimate: about {} (rough: multiply-accumulates at a fixed rate; {} shared or single "
        "steps to run)\n",
        format_duration(estimate->seconds), estimate->steps);
  } else {
    fmt::print("no estimate of time: {}\n", estimate.error().message);
  }
  return kSuccess;
}

ExitStatus run_sweep(const Arguments& arguments) {
  const auto config = sweep::load_config(arguments.config, arguments.assignments);
  if (!config.ok()) return report_config_error(config.error());
  sweep::RunOptions options;
  options.folder = arguments.out.empty() ? "runs/" + config->name : arguments.out;
  options.jobs = arguments.jobs;
  options.limit = arguments.limit;
  options.retry_failed = arguments.retry_failed;
  options.command = command_line(arguments);
  if (arguments.dry_run) return dry_run(*config, options);

  Watcher watcher;
  const auto summary = sweep::run(*config, options, watcher.callbacks());
  watcher.finish();
  if (!summary.ok()) return report_config_error(summary.error());
  const auto folder = options.folder.string();
  if (summary->finished > 0) {
    const auto report = report::write_report(options.folder);
    if (!report.ok()) return report_error(report.error());
  }
  fmt::print("{} of {} trials finished, {} failed; {}\n", summary->finished, summary->trials,
             summary->failed,
             summary->finished > 0
                 ? fmt::format("see {}/report.html and {}/results.csv", folder, folder)
                 : "nothing to show yet");
  return summary->failed > 0 ? kRunFailed : kSuccess;
}

}  // namespace

void add_sweep(CLI::App& app, ExitStatus& status) {
  auto* verb =
      app.add_subcommand("sweep", "Run every trial of a config: train, prune, quantize, measure");
  verb->footer(
      "Stopped and started again, a sweep goes on where it was.\n"
      "Example: coppice sweep configs/kws_quickstart.json --set seeds=[0] --jobs 2");
  const auto arguments = std::make_shared<Arguments>();
  verb->add_option("config", arguments->config, "Config file (docs/config.md)")->required();
  verb->add_option("--set", arguments->assignments, "Change a value first: path.to.key=value")
      ->allow_extra_args(false);
  verb->add_option("--out", arguments->out, "Folder of the results; runs/<name> when not given");
  verb->add_option("--jobs", arguments->jobs, "Trials at a time; they share the cores")
      ->check(CLI::Range(1, 1024));
  verb->add_option("--limit", arguments->limit, "Run at most so many trials now; 0: all")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--dry-run", arguments->dry_run,
                 "List the trials and estimate the time; write nothing");
  verb->add_flag("--retry-failed", arguments->retry_failed, "Run failed trials again");
  verb->callback([arguments, &status] { status = run_sweep(*arguments); });
}

}  // namespace coppice::cli
