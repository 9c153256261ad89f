#include "coppice/core/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

extern char** environ;

namespace coppice {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  ~Pipe() {
    close(read);
    close(write);
  }
};

// While it lives, a child that stops reading its input does not end this process: the thread's
// SIGPIPE waits, and is taken away at the end.
class HeldPipeSignal {
 public:
  HeldPipeSignal() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~HeldPipeSignal() {
    const timespec no_wait{};
    while (sigtimedwait(&signal_, nullptr, &no_wait) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldPipeSignal(const HeldPipeSignal&) = delete;
  HeldPipeSignal& operator=(const HeldPipeSignal&) = delete;

 private:
  sigset_t signal_;
  sigset_t before_;
};

// Feeds `input` and collects both streams until the child closes them; one poll loop, so that
// neither side can block the other.
void exchange(Pipe& in, Pipe& out, Pipe& err, const std::string& input, ProcessOutput& result) {
  size_t sent = 0;
  if (input.empty()) Pipe::close(in.write);
  // A blocking write would wait for a child that waits for its output to be read.
  if (in.write >= 0) ::fcntl(in.write, F_SETFL, O_NONBLOCK);
  std::array<char, 65536> buffer;
  while (out.read >= 0 || err.read >= 0) {
    std::array<pollfd, 3> polls{
        {{out.read, POLLIN, 0}, {err.read, POLLIN, 0}, {in.write, POLLOUT, 0}}};
    if (::poll(polls.data(), polls.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    const auto drain = [&](const pollfd& poll, int& end, std::string& text) {
      if (end < 0 || poll.revents == 0) return;
      const ssize_t count = ::read(end, buffer.data(), buffer.size());
      if (count > 0) {
        text.append(buffer.data(), static_cast<size_t>(count));
      } else {
        Pipe::close(end);
      }
    };
    drain(polls[0], out.read, result.output);
    drain(polls[1], err.read, result.errors);
    if (in.write >= 0 && polls[2].revents != 0) {
      const ssize_t count = ::write(in.write, input.data() + sent, input.size() - sent);
      if (count > 0) sent += static_cast<size_t>(count);
      const bool broken = count < 0 && errno != EAGAIN && errno != EINTR;
      if (broken || sent == input.size()) Pipe::close(in.write);
    }
  }
}

}  // namespace

bool program_exists(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "" : path;
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const auto candidate = std::filesystem::path(folders.substr(begin, end - begin)) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

Result<ProcessOutput> run_process(const std::vector<std::string>& arguments, bool capture,
                                  const std::string& input) {
  Pipe in, out, err;
  if (capture && !(in.open() && out.open() && err.open())) {
    return Error{ErrorCode::kIo, std::string("cannot open a pipe: ") + std::strerror(errno)};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (capture) {
    posix_spawn_file_actions_adddup2(&actions, in.read, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write, 1);
    posix_spawn_file_actions_adddup2(&actions, err.write, 2);
  }
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int code = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    return Error{ErrorCode::kNotFound, "cannot run " + arguments[0] + ": " + std::strerror(code)};
  }
  ProcessOutput result;
  if (capture) {
    Pipe::close(in.read);
    Pipe::close(out.write);
    Pipe::close(err.write);
    const HeldPipeSignal held;
    exchange(in, out, err, input, result);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace coppice
