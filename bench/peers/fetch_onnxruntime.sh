#!/usr/bin/env bash
# Fetches libonnxruntime from the npm package onnxruntime-node (110 MB, of which one library of
# 46 MB is kept) into the build folder, where the benchmarks look for it.
set -euo pipefail
version=1.30.0
folder=${1:-"$(dirname "$0")/../../build"}/peers

case $(uname -m) in
  x86_64) architecture=x64 ;;
  aarch64) architecture=arm64 ;;
  *) echo "error: onnxruntime-node has no library for $(uname -m)" >&2; exit 1 ;;
esac
mkdir -p "$folder"
[ -f "$folder/libonnxruntime.so.1" ] && { echo "$folder/libonnxruntime.so.1 is there" >&2; exit 0; }
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --output "$archive" \
  "https://registry.npmjs.org/onnxruntime-node/-/onnxruntime-node-$version.tgz"
tar --extract --gzip --file "$archive" --directory "$folder" --strip-components 5 \
  "package/bin/napi-v6/linux/$architecture/libonnxruntime.so.1"
echo "$folder/libonnxruntime.so.1" >&2
