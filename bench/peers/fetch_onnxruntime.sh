#!/usr/bin/env bash
# Fetches libonnxruntime from the npm package onnxruntime-node (110 MB, of which one library of
# 46 MB is kept) into BUILD FOLDER/peers (default: build), where the benchmarks look for it.
# Usage: bench/peers/fetch_onnxruntime.sh [BUILD FOLDER]
set -euo pipefail
version=1.30.0
sha256=6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75
folder=${1:-"$(dirname "$0")/../../build"}/peers

case $(uname -m) in
  x86_64) architecture=x64 ;;
  aarch64) architecture=arm64 ;;
  *) echo "error: onnxruntime-node has no library for $(uname -m)" >&2; exit 1 ;;
esac
mkdir -p "$folder"
[ -f "$folder/libonnxruntime.so.1" ] && exit 0
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --output "$archive" \
  "https://registry.npmjs.org/onnxruntime-node/-/onnxruntime-node-$version.tgz"
echo "$sha256  $archive" | sha256sum --check --quiet
tar --extract --gzip --file "$archive" --directory "$folder" --strip-components 5 \
  "package/bin/napi-v6/linux/$architecture/libonnxruntime.so.1"
echo "$folder/libonnxruntime.so.1" >&2
