#include "deploy/guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "coppice/core/process.h"

namespace coppice::deploy {
namespace {

// The last lines of what a program printed: enough to see why it ended.
std::string last_lines(std::string_view text, int count) {
  size_t begin = text.size();
  while (begin > 0 && count >= 0) {
    const size_t newline = text.rfind('\n', begin - 1);
    if (newline == std::string_view::npos) return std::string(text);
    begin = newline;
    --count;
  }
  return std::string(text.substr(begin));
}

// Exit codes of the self-test (firmware/selftest) and of timeout(1).
Status explain_exit(int exit_code, const std::string& printed, int timeout_seconds) {
  constexpr int kDifferent = 1, kRefused = 2, kClock = 3, kFault = 99, kTimeout = 124;
  switch (exit_code) {
    case 0:
    case kDifferent:
      return {};
    case kRefused:
      return Error{ErrorCode::kIo, "the firmware ran out of stack or its model refused to run"};
    case kClock:
      return Error{ErrorCode::kUnsupported,
                   "this QEMU's clock does not count instructions as expected: " + printed};
    case kFault:
      return Error{ErrorCode::kIo,
                   "the firmware faulted (exception; status; address): " + last_lines(printed, 1)};
    case kTimeout:
      return Error{ErrorCode::kIo,
                   fmt::format("the firmware did not end within {} s", timeout_seconds)};
    default:
      return Error{ErrorCode::kIo, fmt::format("QEMU ended with exit code {}: {}", exit_code,
                                               last_lines(printed, 10))};
  }
}

}  // namespace

Status build_firmware(const std::filesystem::path& folder, bool profile) {
  std::vector<std::string> command = {"sh", (folder / "build.sh").string()};
  if (profile) command.emplace_back("--profile");
  COPPICE_TRY(const ProcessOutput build, run_process(command));
  if (build.exit_code == 0) return {};
  return Error{ErrorCode::kIo,
               fmt::format("{} failed:\n{}{}", command[1], build.output, build.errors)};
}

Result<FirmwareSize> firmware_size(const std::filesystem::path& folder) {
  const auto program = (folder / "build" / "firmware.elf").string();
  COPPICE_TRY(const ProcessOutput size, run_process({"arm-none-eabi-size", "-A", program}));
  if (size.exit_code != 0) return Error{ErrorCode::kIo, "arm-none-eabi-size: " + size.errors};
  constexpr std::array in_flash = {".vectors",   ".text",      ".rodata",      ".data",
                                   ".ARM.exidx", ".ARM.extab", ".initializers"};
  constexpr std::array in_ram = {".data", ".bss"};
  FirmwareSize result;
  std::istringstream lines(size.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string section;
    int64_t bytes = 0;
    if (!(fields >> section >> bytes)) continue;
    const auto is_section = [&](const char* name) { return section == name; };
    if (std::any_of(in_flash.begin(), in_flash.end(), is_section)) result.flash_bytes += bytes;
    if (std::any_of(in_ram.begin(), in_ram.end(), is_section)) result.static_ram_bytes += bytes;
  }
  if (result.flash_bytes == 0) return Error{ErrorCode::kCorrupt, program + " holds no code"};
  return result;
}

Result<GuestReport> run_firmware(const std::filesystem::path& folder, bool profile,
                                 int timeout_seconds) {
  std::vector<std::string> command = {"timeout", std::to_string(timeout_seconds), "sh",
                                      (folder / "run.sh").string()};
  if (profile) command.emplace_back("--profile");
  COPPICE_TRY(const ProcessOutput run, run_process(command));
  // QEMU prints semihosting text on its standard error.
  const std::string printed = run.output + run.errors;
  COPPICE_TRY_STATUS(explain_exit(run.exit_code, printed, timeout_seconds));
  COPPICE_TRY(GuestReport report, parse_guest_report(printed));
  if (report.passed != (run.exit_code == 0)) {
    return Error{ErrorCode::kCorrupt, "the firmware's exit code contradicts its self-test"};
  }
  return report;
}

}  // namespace coppice::deploy
