#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "coppice/core/file.h"
#include "coppice/core/process.h"
#include "coppice/data/obtain.h"
#include "data/digest.h"

namespace coppice::data {
namespace {

namespace fs = std::filesystem;

struct Release {
  const char* url;
  const char* sha256;  ///< As TensorFlow Datasets and torchaudio publish it.
};
constexpr Release kReleases[] = {
    {"https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
     "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d"},
    {"https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
     "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"}};
constexpr char kRecordFile[] = "download.json";

// Exit codes of curl (its manual page) after which what arrived so far is worth keeping:
// partial file, timeout, empty reply, send and receive errors, HTTP/2 framing and stream errors.
bool connection_was_cut(int exit_code) {
  constexpr int kCodes[] = {16, 18, 28, 52, 55, 56, 92};
  return std::count(std::begin(kCodes), std::end(kCodes), exit_code) > 0;
}

// After these a resume was refused: HTTP error (416), no byte ranges, bad offset.
bool resume_was_refused(int exit_code) {
  return exit_code == 22 || exit_code == 33 || exit_code == 36;
}

class Download {
 public:
  Download(const SpeechCommandsRequest& request, const Release& release)
      : request_(request),
        url_(request.url.empty() ? release.url : request.url),
        sha256_(request.sha256.empty() ? release.sha256 : request.sha256),
        out_(fs::path(request.path).lexically_normal()) {
    if (!out_.has_filename()) out_ = out_.parent_path();
    work_ = out_;
    work_ += ".download";
    archive_ = work_ / ("archive-" + sha256_.substr(0, 12) + ".tar.gz");
  }

  Result<bool> run() {
    COPPICE_TRY(const bool done, already_there());
    if (done) return false;
    for (const std::string program : {"curl", "tar"}) {
      if (!program_exists(program)) {
        return Error{ErrorCode::kNotFound, "the download needs the program " + program +
                                               " (apt-get install " + program + ")"};
      }
    }
    std::error_code code;
    fs::create_directories(work_, code);
    if (code) return Error{ErrorCode::kIo, "cannot make " + work_.string() + ": " + code.message()};
    COPPICE_TRY_STATUS(fetch());
    COPPICE_TRY_STATUS(unpack());
    return true;
  }

 private:
  void stage(const std::string& name) const {
    if (request_.stage) request_.stage(name);
  }

  Result<bool> already_there() const {
    if (!fs::exists(out_) || (fs::is_directory(out_) && fs::is_empty(out_))) return false;
    const auto text = read_file(out_ / kRecordFile);
    if (text.ok()) {
      const auto record = nlohmann::json::parse(*text, nullptr, false);
      if (record.is_object() && record.value("sha256", "") == sha256_) return true;
    }
    return Error{ErrorCode::kConfig, out_.string() +
                                         " is there and is not this download; remove it or choose "
                                         "another folder"};
  }

  uintmax_t arrived() const {
    std::error_code code;
    const auto size = fs::file_size(archive_, code);
    return code ? 0 : size;
  }

  Status fetch() const {
    if (arrived() > 0) {
      stage("checking what is there of the archive");
      const auto digest = digest_file("sha256", archive_);
      if (digest.ok() && *digest == sha256_) return {};
    }
    stage("downloading " + url_);
    // A connection may be cut again and again, as long as each brings something.
    constexpr int kFruitlessAttempts = 3;
    int fruitless = 0;
    for (;;) {
      const auto before = arrived();
      COPPICE_TRY(const auto run, run_process(curl_command(), !request_.progress));
      if (run.exit_code == 0) break;
      if (before > 0 && resume_was_refused(run.exit_code)) {
        fs::remove(archive_);
        continue;
      }
      fruitless = arrived() > before ? 0 : fruitless + 1;
      if (!connection_was_cut(run.exit_code) || fruitless == kFruitlessAttempts) {
        auto reason = run.errors;
        while (!reason.empty() && reason.back() == '\n') reason.pop_back();
        return Error{ErrorCode::kIo, "cannot download " + url_ + ": curl failed with exit code " +
                                         std::to_string(run.exit_code) +
                                         (reason.empty() ? "" : " (" + reason + ")")};
      }
    }
    stage("checking the archive");
    COPPICE_TRY(const auto digest, digest_file("sha256", archive_));
    if (digest == sha256_) return {};
    fs::remove(archive_);
    return Error{ErrorCode::kCorrupt, "the archive from " + url_ + " has SHA-256 " + digest +
                                          ", expected " + sha256_ + "; it was removed"};
  }

  std::vector<std::string> curl_command() const {
    std::vector<std::string> command = {"curl",
                                        "--fail",
                                        "--location",
                                        "--retry",
                                        "5",
                                        "--connect-timeout",
                                        "30",
                                        "--speed-limit",
                                        "1",
                                        "--speed-time",
                                        "60",
                                        "--continue-at",
                                        "-",
                                        "--output",
                                        archive_.string()};
    if (request_.progress) {
      command.push_back("--progress-bar");
    } else {
      command.insert(command.end(), {"--silent", "--show-error"});
    }
    command.insert(command.end(), {"--url", url_});
    return command;
  }

  Status unpack() const {
    stage("unpacking");
    const auto unpacked = work_ / "unpacked";
    std::error_code code;
    fs::remove_all(unpacked, code);
    fs::create_directories(unpacked, code);
    COPPICE_TRY(const auto run, run_process({"tar", "-xzf", archive_.string(), "-C",
                                             unpacked.string(), "--no-same-owner"}));
    if (run.exit_code != 0) {
      return Error{ErrorCode::kCorrupt,
                   "tar cannot unpack " + archive_.string() + ": " + run.errors};
    }
    const nlohmann::json record = {{"url", url_}, {"sha256", sha256_}};
    COPPICE_TRY_STATUS(write_file_atomic(unpacked / kRecordFile, record.dump(2) + "\n"));
    if (out_.has_parent_path()) fs::create_directories(out_.parent_path(), code);
    fs::remove(out_, code);  // An empty folder would be in the way.
    fs::rename(unpacked, out_, code);
    if (code) return Error{ErrorCode::kIo, "cannot make " + out_.string() + ": " + code.message()};
    fs::remove_all(work_, code);
    return {};
  }

  const SpeechCommandsRequest& request_;
  std::string url_;
  std::string sha256_;
  fs::path out_;
  fs::path work_;
  fs::path archive_;
};

}  // namespace

Result<bool> get_speech_commands(const SpeechCommandsRequest& request) {
  if (request.path.empty()) return Error{ErrorCode::kConfig, "no output folder is given"};
  if (request.version != 1 && request.version != 2) {
    return Error{ErrorCode::kConfig, "there is no Speech Commands version " +
                                         std::to_string(request.version) + ", only 1 and 2"};
  }
  const bool hexadecimal_digest =
      request.sha256.empty() ||
      (request.sha256.size() == 64 &&
       request.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
  if (!hexadecimal_digest) {
    return Error{ErrorCode::kConfig,
                 "a SHA-256 has 64 lower-case hexadecimal digits, got \"" + request.sha256 + "\""};
  }
  return Download(request, kReleases[request.version - 1]).run();
}

}  // namespace coppice::data
