#include "peers/peers.h"

// CMake defines COPPICE_PEER_<NAME> as 1 for each library that it has found, and as 0 for others.

namespace coppice::bench {
namespace {

// Names a function of a peer's file only if that file is part of the build.
#define COPPICE_IF_0(function) nullptr
#define COPPICE_IF_1(function) function
#define COPPICE_IF_INNER(found, function) COPPICE_IF_##found(function)
#define COPPICE_IF(found, function) COPPICE_IF_INNER(found, function)

}  // namespace

const std::vector<Peer>& peers() {
  static const std::vector<Peer> all = {
      {"xnnpack", "libxnnpack-dev libpthreadpool-dev", false,
       COPPICE_IF(COPPICE_PEER_XNNPACK, compile_xnnpack), nullptr, nullptr},
      {"onednn", "libdnnl-dev ocl-icd-opencl-dev", false,
       COPPICE_IF(COPPICE_PEER_ONEDNN, compile_onednn),
       COPPICE_IF(COPPICE_PEER_ONEDNN, limit_onednn_isa), nullptr},
      {"onnxruntime", "libonnx-dev libprotobuf-dev", false,
       COPPICE_IF(COPPICE_PEER_ONNXRUNTIME, compile_onnxruntime), nullptr,
       COPPICE_IF(COPPICE_PEER_ONNXRUNTIME, onnxruntime_trouble)},
      {"eigen", "libeigen3-dev", true, COPPICE_IF(COPPICE_PEER_EIGEN, compile_eigen), nullptr,
       nullptr},
      {"libxsmm", "libxsmm-dev", true, COPPICE_IF(COPPICE_PEER_LIBXSMM, compile_libxsmm), nullptr,
       nullptr},
  };
  return all;
}

}  // namespace coppice::bench
