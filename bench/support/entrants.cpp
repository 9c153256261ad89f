#include "support/entrants.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "coppice/exec/plan.h"
#include "peers/peers.h"

namespace coppice::bench {
namespace {

class OurPlan final : public Contender {
 public:
  OurPlan(std::unique_ptr<exec::Plan> plan, const Graph& graph)
      : plan_(std::move(plan)), integer_(graph.quantized()) {
    const auto outputs = static_cast<size_t>(graph.output_shape().elements());
    if (integer_) {
      output_.integer.resize(outputs);
    } else {
      output_.real.resize(outputs);
    }
  }

  void set_input(const Values& input) override { input_ = input; }
  void run() override {
    if (integer_) {
      plan_->run_int8(input_.integer, output_.integer);
    } else {
      plan_->run(input_.real, output_.real);
    }
  }
  Values output() override { return output_; }

 private:
  std::unique_ptr<exec::Plan> plan_;
  const bool integer_;
  Values input_, output_;
};

// An executor that falls back to plain kernels in each layer has not run the graph: not worth a
// line.
bool falls_back(const exec::Plan& plan) {
  return std::all_of(plan.choices().begin(), plan.choices().end(),
                     [](const exec::LayerChoice& choice) { return choice.fallback; });
}

ContenderResult compile_ours(const Graph& graph, const exec::Options& options) {
  COPPICE_TRY(auto plan, exec::compile(graph, options));
  if (falls_back(*plan)) return Error{ErrorCode::kUnsupported, ""};
  return ContenderResult(std::make_unique<OurPlan>(std::move(plan), graph));
}

// Why a peer stays out, or nothing.
std::string absence(const Peer& peer, std::optional<Isa> isa) {
  if (peer.compile == nullptr)
    return fmt::format("not built in; bench/install_peers.sh installs {}", peer.package);
  if (peer.trouble != nullptr) {
    if (auto trouble = peer.trouble(); !trouble.empty()) return trouble;
  }
  if (isa && peer.limit_isa == nullptr) {
    return fmt::format("cannot be kept to {}", isa_name(*isa));
  }
  return {};
}

}  // namespace

std::vector<Entrant> make_entrants(std::optional<Isa> isa) {
  std::vector<Entrant> entrants;
  const auto& executors = exec::executors();
  for (size_t i = 0; i < executors.size(); ++i) {
    exec::Options options;
    options.executor = static_cast<exec::Executor>(i);
    options.isa = isa;
    entrants.push_back({fmt::format("coppice:{}", executors[i].name), true, false,
                        [options](const Graph& graph) { return compile_ours(graph, options); }});
  }
  for (const Peer& peer : peers()) {
    if (const auto why = absence(peer, isa); !why.empty()) {
      fmt::print(stderr, "peer {}: {}\n", peer.name, why);
      continue;
    }
    if (isa) peer.limit_isa(*isa);
    entrants.push_back({std::string(peer.name), false, peer.sparse, peer.compile});
  }
  return entrants;
}

}  // namespace coppice::bench
