#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coppice/core/process.h"
#include "coppice/deploy/generate.h"

namespace coppice::deploy {

const std::vector<Target>& targets() {
  static const std::vector<Target> list = {
      {"cortex-m4",
       "Cortex-M4 with DSP instructions and single precision FPU (emulated board: MPS2 AN386)",
       {"-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"},
       "mps2-an386",
       "mps2.ld"},
      {"cortex-m7",
       "Cortex-M7 with DSP instructions and double precision FPU (emulated board: MPS2 AN500)",
       {"-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"},
       "mps2-an500",
       "mps2.ld"},
  };
  return list;
}

Result<Target> find_target(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& target : targets()) {
    if (target.name == name) return target;
    names.push_back(target.name);
  }
  return Error{ErrorCode::kConfig, fmt::format("unknown microcontroller \"{}\"; expected {}", name,
                                               fmt::join(names, " or "))};
}

Status toolchain_available() {
  struct Program {
    const char* name;
    const char* packages;
  };
  constexpr Program programs[] = {
      {"arm-none-eabi-g++",
       "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"},
      {"arm-none-eabi-size", "binutils-arm-none-eabi"},
      {"qemu-system-arm", "qemu-system-arm"},
  };
  for (const auto& program : programs) {
    if (program_exists(program.name)) continue;
    return Error{ErrorCode::kNotFound,
                 fmt::format("{} is not installed; on Debian: apt-get install {}", program.name,
                             program.packages)};
  }
  return {};
}

}  // namespace coppice::deploy
