#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/deploy/generate.h"

namespace coppice::deploy {

/// One layer of a profiled inference.
struct GuestLayer {
  int index = 0;
  int64_t instructions = 0;
  uint32_t output_hash = 0;  ///< FNV-1a of the bytes it wrote.
};

/// One inference of the self-test.
struct GuestRun {
  int64_t instructions = 0;
  int64_t stack_bytes = 0;
  std::vector<int8_t> output;
  std::vector<GuestLayer> layers;  ///< Profiled build only.
};

/// What the firmware printed.
struct GuestReport {
  std::vector<GuestRun> runs;
  bool passed = false;  ///< Its own comparison with the stored outputs.
};

/// Reads the lines "kind;field;..." of the self-test (selftest/main.cpp). Foreign lines are passed
/// over; a malformed or missing one is an error.
Result<GuestReport> parse_guest_report(std::string_view text);

/// Bytes of a program's sections.
struct FirmwareSize {
  int64_t flash_bytes = 0;
  int64_t static_ram_bytes = 0;
};

/// Runs the generated build.sh. The error holds what the compiler said.
Status build_firmware(const std::filesystem::path& folder, bool profile);

/// Section sizes of build/firmware.elf, without those of the self-test.
Result<FirmwareSize> firmware_size(const std::filesystem::path& folder);

/// Runs the generated run.sh with a time limit. Errors: a fault, a clock that does not count
/// instructions, no end within the limit.
Result<GuestReport> run_firmware(const std::filesystem::path& folder, bool profile,
                                 int timeout_seconds = 120);

}  // namespace coppice::deploy
