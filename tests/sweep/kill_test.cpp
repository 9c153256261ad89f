#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "coppice/core/process.h"
#include "coppice/core/random.h"
#include "coppice/sweep/journal.h"
#include "sweep/tiny_data.h"

namespace coppice::sweep {
namespace {

const std::string kTool = std::string(COPPICE_BINARY_DIR) + "/coppice";

std::vector<std::string> sweep_arguments(const std::filesystem::path& config,
                                         const std::filesystem::path& out, const char* jobs) {
  return {kTool, "sweep", config.string(), "--out", out.string(), "--jobs", jobs};
}

/// Starts a sweep without waiting for it, its streams closed off.
pid_t start(const std::vector<std::string>& arguments) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
  if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(126);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

long lines_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

/// Kills the process `delay` after the journal has grown by `records` lines; whether it was still
/// running then. Counting lines, not seconds, keeps the moment inside the sweep on a busy machine.
bool kill_after(pid_t child, const std::filesystem::path& journal, long records,
                std::chrono::milliseconds delay) {
  const long before = lines_in(journal);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  int status = 0;
  while (lines_in(journal) < before + records && std::chrono::steady_clock::now() < limit) {
    if (::waitpid(child, &status, WNOHANG) == child) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(delay);
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/// The records by trial, without what depends on the clock. A trial that stands twice fails.
std::map<std::string, Json> comparable(const std::filesystem::path& folder) {
  std::map<std::string, Json> result;
  const auto records = Journal::read(folder / "results.jsonl");
  EXPECT_TRUE(records.ok());
  if (!records.ok()) return result;
  for (Json record : *records) {
    for (const char* key : {"wall_s", "host_latency_us_median", "host_latency_us_spread"}) {
      EXPECT_TRUE(record.contains(key));
      record.erase(key);
    }
    EXPECT_TRUE(result.emplace(record["trial_id"], record).second) << "twice: " << record;
  }
  return result;
}

TEST(SlowKill, TenKillsAtRandomMomentsChangeNothing) {
  const testing::TemporaryFolder folder("kill");
  testing::write_tiny_cifar(folder.path() / "data", 2000, 200);
  const auto config = folder.path() / "tiny.json";
  std::ofstream(config) << testing::tiny_config(folder.path() / "data", 16);

  const auto begin = std::chrono::steady_clock::now();
  auto undisturbed = run_process(sweep_arguments(config, folder.path() / "a", "1"));
  ASSERT_TRUE(undisturbed.ok()) << undisturbed.error().message;
  ASSERT_EQ(undisturbed->exit_code, 0) << undisturbed->errors;
  const std::chrono::duration<double, std::milli> whole = std::chrono::steady_clock::now() - begin;

  // At most three of the forty records a slice: the work is not done before the last kill.
  Random random(11, "kill");
  int killed = 0;
  for (int i = 0; i < 10; ++i) {
    const auto records = static_cast<long>(random.below(4));
    const double delay = whole.count() / 40 * static_cast<double>(random.uniform());
    const pid_t child = start(sweep_arguments(config, folder.path() / "b", i % 2 == 0 ? "1" : "2"));
    ASSERT_GT(child, 0);
    if (kill_after(child, folder.path() / "b/results.jsonl", records,
                   std::chrono::milliseconds(static_cast<int>(delay)))) {
      ++killed;
    }
  }
  EXPECT_GE(killed, 8) << "the sweep must be running when it is killed";
  auto finished = run_process(sweep_arguments(config, folder.path() / "b", "2"));
  ASSERT_TRUE(finished.ok()) << finished.error().message;
  ASSERT_EQ(finished->exit_code, 0) << finished->errors;

  const auto expected = comparable(folder.path() / "a");
  EXPECT_EQ(expected.size(), 40u);
  EXPECT_EQ(comparable(folder.path() / "b"), expected);
  for (const char* file : {"results.csv", "report.html", "config.resolved.json", "env.json"}) {
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "b" / file)) << file;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "b/models")) {
    EXPECT_EQ(entry.path().extension(), ".safetensors") << "left behind: " << entry.path();
  }
}

}  // namespace
}  // namespace coppice::sweep
