#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/cpu.h"
#include "support/contender.h"

namespace coppice::bench {

/// A library that people use today, run beside ours.
struct Peer {
  std::string_view name;
  std::string_view package;  ///< What to install when it is missing.
  bool sparse = false;       ///< Runs single float layers with sparse weights.
  ContenderResult (*compile)(const Graph& graph) = nullptr;  ///< Null: not built in.
  /// Keeps the library to an instruction set; null when it has no such switch.
  void (*limit_isa)(Isa isa) = nullptr;
  /// Why a peer that was built in cannot run here; empty when it can.
  std::string (*trouble)() = nullptr;
};

/// All peers that Coppice knows, whether this build has them or not.
const std::vector<Peer>& peers();

// Compiles a prepared graph (see support/workload.h): activations fused, no reshapes.
ContenderResult compile_xnnpack(const Graph& graph);
ContenderResult compile_onednn(const Graph& graph);
void limit_onednn_isa(Isa isa);
ContenderResult compile_onnxruntime(const Graph& graph);
std::string onnxruntime_trouble();
ContenderResult compile_eigen(const Graph& graph);
ContenderResult compile_libxsmm(const Graph& graph);

}  // namespace coppice::bench
