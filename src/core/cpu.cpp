#include "coppice/core/cpu.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace coppice {
namespace {

constexpr std::array<std::pair<Isa, std::string_view>, 8> kNames{{
    {Isa::kScalar, "scalar"},
    {Isa::kSse41, "sse41"},
    {Isa::kAvx2, "avx2"},
    {Isa::kAvxVnni, "avxvnni"},
    {Isa::kAvx512, "avx512"},
    {Isa::kAvx512Vnni, "avx512vnni"},
    {Isa::kNeon, "neon"},
    {Isa::kNeonDot, "neondot"},
}};

constexpr bool is_arm(Isa isa) { return isa == Isa::kNeon || isa == Isa::kNeonDot; }

#if defined(__x86_64__)
// VEX-coded VNNI: CPUID leaf 7, subleaf 1, EAX bit 4 (no name in GCC 12's builtin). Asked once: on
// a virtual machine CPUID takes tens of microseconds.
bool has_avx_vnni() {
  static const bool found = [] {
    unsigned a = 7, b = 0, c = 1, d = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (a & (1u << 4)) != 0;
  }();
  return found;
}
#endif

}  // namespace

std::string_view isa_name(Isa isa) {
  for (const auto& [value, name] : kNames) {
    if (value == isa) return name;
  }
  return "unknown";
}

Result<Isa> parse_isa(std::string_view name) {
  std::string known;
  for (const auto& [value, text] : kNames) {
    if (text == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown instruction set \"" + std::string(name) + "\"; expected one of " + known};
}

bool isa_supported(Isa isa) {
  if (isa == Isa::kScalar) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  switch (isa) {
    case Isa::kSse41:
      return __builtin_cpu_supports("sse4.1");
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvxVnni:
      return avx2 && has_avx_vnni();
    case Isa::kAvx512:
      return avx512;
    case Isa::kAvx512Vnni:
      return avx512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
    default:
      return false;
  }
#elif defined(__aarch64__)
  if (isa == Isa::kNeonDot) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  return isa == Isa::kNeon;
#else
  return false;
#endif
}

bool isa_allowed(Isa isa, Isa limit) {
  if (isa == Isa::kScalar) return true;
  return is_arm(isa) == is_arm(limit) && isa <= limit && isa_supported(isa);
}

Result<Isa> active_isa() {
  if (const char* forced = std::getenv("COPPICE_FORCE_ISA"); forced != nullptr && *forced != 0) {
    COPPICE_TRY(const Isa isa, parse_isa(forced));
    if (isa_supported(isa)) return isa;
    return Error{ErrorCode::kUnsupported, "COPPICE_FORCE_ISA=" + std::string(forced) +
                                              ": this processor supports only " +
                                              supported_isa_list()};
  }
  Isa best = Isa::kScalar;
  for (const auto& [isa, name] : kNames) {
    if (isa_supported(isa)) best = isa;
  }
  return best;
}

std::string supported_isa_list() {
  std::string list;
  for (const auto& [isa, name] : kNames) {
    if (isa_supported(isa)) list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return list;
}

std::string cpu_model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    if (const auto colon = line.find(": "); colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace coppice
