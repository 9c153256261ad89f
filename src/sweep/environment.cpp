#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <ctime>

#include "coppice/core/cpu.h"
#include "coppice/core/thread_pool.h"
#include "coppice/sweep/runner.h"

namespace coppice::sweep {
namespace {

constexpr const char* kCompiler =
#if defined(__clang__)
    "Clang " __clang_version__;
#else
    "GCC " __VERSION__;
#endif

}  // namespace

Json environment() {
  const auto isa = active_isa();
  utsname system{};
  ::uname(&system);
  return {{"version", COPPICE_VERSION},
          {"cpu", cpu_model_name()},
          {"isa", isa.ok() ? std::string(isa_name(*isa)) : isa.error().message},
          {"isa_supported", supported_isa_list()},
          {"cores", available_cores()},
          {"compiler", kCompiler},
          {"os", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
}

}  // namespace coppice::sweep
