#include "exec/auto_layer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "coppice/exec/lower.h"

namespace coppice::exec {
namespace {

// Below this share of zeros no kernel beats the dense one (docs/results: break-even at 30 % and
// more, for the best patterns).
constexpr double kLeastSparsity = 0.2;
constexpr Executor kCandidates[] = {Executor::kDense, Executor::kCsr,    Executor::kBlock,
                                    Executor::kNm,    Executor::kVector, Executor::kLut};

struct Candidate {
  Executor executor;
  DenseLayer layer;
  double microseconds = 1e30;
};

struct Cache {
  std::mutex mutex;
  std::map<std::string, Executor> fastest;
};
Cache& cache() {
  static Cache instance;
  return instance;
}

/// Where a layer's zeros are. Their share alone does not tell which kernel can leave them out.
struct Zeros {
  double share = 0;
  uint64_t places = 14695981039346656037u;  ///< FNV-1a of the mask.
};

Zeros zeros_of(const Parameter& weight) {
  Zeros result;
  size_t zeros = 0, count = 0;
  const auto add = [&](bool zero) {
    zeros += zero;
    ++count;
    result.places = (result.places ^ static_cast<uint64_t>(zero)) * 1099511628211u;
  };
  if (weight.quantized) {
    for (const auto value : weight.quantized->values) add(value == 0);
  } else if (!weight.mask.empty()) {
    for (const auto kept : weight.mask) add(kept == 0);
  } else {
    for (const float value : weight.value) add(value == 0.0f);
  }
  result.share = static_cast<double>(zeros) / static_cast<double>(count);
  return result;
}

std::string key_of(const DenseContext& context, const Zeros& zeros) {
  const Place& in = context.inputs[0];
  const Parameter& weight = *context.node.parameter("weight");
  std::string key = fmt::format(
      "{} {} bits {} zeros {:x} in {}x{}x{} out {}x{}x{} w {}", op_name(context.node.op),
      isa_name(context.isa), weight.quantized ? weight.quantized->bits : 32, zeros.places,
      in.height, in.width, in.channels, context.output.height, context.output.width,
      context.output.channels, fmt::join(weight.shape, "x"));
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.dilation; })
          key += fmt::format(" d {}x{}", op.dilation.h, op.dilation.w);
      },
      context.node.op);
  return key;
}

double thread_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

// The least time of a few rounds, contenders in turn, so that a slow moment hits all of them.
void measure(std::byte* memory, std::vector<Candidate>& candidates) {
  constexpr int kRounds = 7;
  constexpr double kRoundMicroseconds = 20;
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) {
      const double start = thread_microseconds();
      double spent = 0;
      int runs = 0;
      do {
        candidate.layer.run(memory, {0, candidate.layer.rows});
        ++runs;
        spent = thread_microseconds() - start;
      } while (spent < kRoundMicroseconds);
      candidate.microseconds = std::min(candidate.microseconds, spent / runs);
    }
  }
}

template <class T>
Result<DenseLayer> make_as(DenseContext context, Executor executor) {
  context.executor = executor;
  return make_dense_layer<T>(context);
}

std::optional<Executor> measured_before(const std::string& key) {
  const std::lock_guard lock(cache().mutex);
  const auto found = cache().fastest.find(key);
  if (found == cache().fastest.end()) return std::nullopt;
  return found->second;
}

std::string compare(const std::vector<Candidate>& candidates) {
  std::string text = "fastest of";
  for (const Candidate& candidate : candidates) {
    text += fmt::format("{} {} {:.2f} us", &candidate == &candidates.front() ? "" : ",",
                        executor_name(candidate.executor), candidate.microseconds);
  }
  return text;
}

}  // namespace

template <class T>
Result<DenseLayer> make_auto_layer(const DenseContext& context) {
  const Parameter& weight = *context.node.parameter("weight");
  const Zeros zeros = zeros_of(weight);
  const bool packs = weight.quantized && weight.quantized->bits < 8;
  if (zeros.share < kLeastSparsity && !packs) {
    COPPICE_TRY(DenseLayer dense, make_as<T>(context, Executor::kDense));
    dense.reason += fmt::format("; {:.0f} % zeros do not pay", 100 * zeros.share);
    return dense;
  }
  const std::string key = key_of(context, zeros);
  if (const auto known = measured_before(key)) {
    COPPICE_TRY(DenseLayer layer, make_as<T>(context, *known));
    layer.reason += "; measured fastest before";
    return layer;
  }
  std::vector<Candidate> candidates;
  for (const Executor executor : kCandidates) {
    COPPICE_TRY(DenseLayer layer, make_as<T>(context, executor));
    if (executor == Executor::kDense || !layer.fallback)
      candidates.push_back({executor, std::move(layer)});
  }
  measure(context.memory, candidates);
  const auto best = std::min_element(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.microseconds < b.microseconds; });
  {
    const std::lock_guard lock(cache().mutex);
    cache().fastest[key] = best->executor;
  }
  best->layer.reason = compare(candidates);
  return std::move(best->layer);
}

template Result<DenseLayer> make_auto_layer<uint8_t>(const DenseContext&);
template Result<DenseLayer> make_auto_layer<float>(const DenseContext&);

}  // namespace coppice::exec
