#!/usr/bin/env bash
# Installs the libraries that the benchmarks compare with, and fetches ONNX Runtime; then configure
# and build again. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh

usage() {
  cat <<'TEXT'
Usage: bench/install_peers.sh [BUILD FOLDER]

Installs Debian's XNNPACK, oneDNN, libxsmm and ONNX schema, and fetches ONNX Runtime from the npm
registry (110 MB) into BUILD FOLDER/peers (default: build). Afterwards:

  cmake -S . -B build -G Ninja && cmake --build build
  build/bench/models_bench
TEXT
}

case ${1:-} in
  --help | -h) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac
# shellcheck disable=SC2086  # The list is words.
install_packages $peer_packages
bench/peers/fetch_onnxruntime.sh "${1:-build}"
