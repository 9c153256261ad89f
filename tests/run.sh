#!/usr/bin/env bash
# Builds everything and runs every test. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh

usage() {
  cat <<'TEXT'
Usage: tests/run.sh [--asan] [--quick] [--firmware] [--cross] [--werror] [--clang] [-- CTEST ARGUMENT...]

Installs the Debian packages that are missing, configures, builds and runs the tests with CTest.

  --quick      only the unit tests (seconds)
  --asan       build with AddressSanitizer and UBSan, in build-asan/
  --clang      build with clang++, in build-clang/
  --firmware   also install the Cortex-M compiler and emulator (3 GB on disk); without them the
               firmware tests skip
  --cross      also install the AArch64 compiler and qemu's user mode (300 MB on disk); without them
               the tests of kernels on other processors skip
  --werror     treat warnings as errors
  --help       this text

Examples:
  tests/run.sh
  tests/run.sh --quick -- -R Random
TEXT
}

folder=build packages="$build_packages $run_packages $test_packages"
options=() labels=()
while [ $# -gt 0 ]; do
  case $1 in
    --asan) folder=build-asan
            options+=(-DCMAKE_BUILD_TYPE=Debug -DCOPPICE_SANITIZE=address,undefined) ;;
    --clang) folder=build-clang packages+=" clang" options+=(-DCMAKE_CXX_COMPILER=clang++) ;;
    --quick) labels=(-L unit) ;;
    --firmware) packages+=" $firmware_packages" ;;
    --cross) packages+=" $cross_packages" ;;
    --werror) options+=(-DCOPPICE_WERROR=ON) ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

# shellcheck disable=SC2086  # The lists are words.
install_packages $packages
build "$folder" all -DCOPPICE_BUILD_TESTS=ON -DCOPPICE_BUILD_BENCH=ON "${options[@]}"
step "testing"
ctest --test-dir "$folder" --output-on-failure -j "$(nproc)" "${labels[@]}" "$@"
