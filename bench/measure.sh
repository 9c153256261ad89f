#!/usr/bin/env bash
# Runs the benchmarks and writes the pages of docs/results/x86-*.md. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
Usage: bench/measure.sh [--passes N] [--build FOLDER] [PAGE...] [-- BENCHMARK FLAG...]

Runs build/bench/*_bench N times (3) and writes docs/results/x86-PAGE.md for each PAGE of
limits, models, models-avx2, layers, layers-avx2, breakeven, executors (all of them). The JSON stays in
runs/bench/. Leave the machine alone meanwhile; all pages take about an hour.
TEXT
}

passes=3 build=build pages=() flags=()
while [ $# -gt 0 ]; do
  case $1 in
    --passes) passes=$2; shift ;;
    --build) build=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    --) shift; flags=("$@"); break ;;
    -*) usage >&2; exit 2 ;;
    *) pages+=("$1") ;;
  esac
  shift
done
[ ${#pages[@]} -gt 0 ] || pages=(limits models models-avx2 layers layers-avx2 breakeven executors)
mkdir -p runs/bench docs/results/figures

# run PAGE PROGRAM FLAG...: the passes of a program; leaves their files in $files.
run() {
  local page=$1 program=$2
  shift 2
  files=()
  for pass in $(seq "$passes"); do
    local file=runs/bench/$page-$pass.json
    "$build/bench/$program" "$@" "${flags[@]}" --benchmark_out="$file" >/dev/null \
      2>"${file%.json}.log" || { cat "${file%.json}.log" >&2; exit 1; }
    files+=("$file")
  done
}

# write PAGE TITLE VERB: the page of docs/results/.
write() {
  local file=docs/results/x86-$1.md
  { printf '# %s\n\nMedians of thread CPU time, one thread, batch 1, in microseconds; the rules are in\n' "$2"
    printf '[benchmarks](../benchmarks.md), the command was `bench/measure.sh %s`.\n\n' "$1"
    "$build/bench/results" "$3" "${files[@]}"; } >"$file"
  echo "$file" >&2
}

# Who takes part: peers have plain names; ours are executors, and kernels by themselves.
executors='/([a-z]+|coppice:(dense|auto))$'
kernels='/([a-z]+|coppice:(dense|((depthwise_)?conv|(max|avg)_pool)2d_[a-z0-9_]+))$'
zero_skipping='^layers/.*/([a-z]+|coppice:([a-z0-9_]*_(f32|u8)[a-z0-9_]*|csr|block|nm|lut))$'
loop_orders='^(cnn_one_fstride4|tiny_conv)/'
for page in "${pages[@]}"; do
  case $page in
    limits) run limits limits_bench; write limits "What one core can do" limits ;;
    models) run models models_bench --benchmark_filter="$executors"
            write models "Whole networks" compare ;;
    models-avx2) run models-avx2 models_bench --isa=avx2 --benchmark_filter="$executors"
                 write models-avx2 "Whole networks, everybody kept to AVX2" compare ;;
    layers) run layers kernels_bench --benchmark_filter="$kernels"
            write layers "Layers" compare ;;
    layers-avx2) run layers-avx2 kernels_bench --isa=avx2 --benchmark_filter="$kernels"
                 write layers-avx2 "Layers, everybody kept to AVX2" compare ;;
    breakeven) run breakeven breakeven_bench --benchmark_filter="$zero_skipping" \
                 --benchmark_repetitions=7 --figures=docs/results/figures
               write breakeven "Break-even sparsity" breakeven ;;
    executors) run executors breakeven_bench --benchmark_filter="$loop_orders" \
                 --benchmark_repetitions=5 --benchmark_min_time=0.005
               write executors "Loop orders and formats for weights with zeros" executors ;;
    *) usage >&2; exit 2 ;;
  esac
done
