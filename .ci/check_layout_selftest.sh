#!/usr/bin/env bash
# Breaks each rule of check_layout.sh in a small tree and expects to be told, by file and line.
set -euo pipefail
script=$(cd "$(dirname "$0")" && pwd)/check_layout.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

fresh() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/include/coppice/{core,kernels/conv2d,quant,prune,exec} "$tree"/src/{exec,cli}
  printf '#pragma once\n#include <cstdint>\n' >"$tree/include/coppice/core/a.h"
  printf '#pragma once\n#include "coppice/core/a.h"\n' >"$tree/include/coppice/kernels/conv2d/b.h"
  printf '#include <vector>\n#include "coppice/kernels/conv2d/b.h"\n#include "exec/own.h"\n' \
    >"$tree/src/exec/c.cpp"
  printf '#pragma once\n' >"$tree/src/exec/own.h"
  touch "$tree/README.md"
}

# expect NAME PATTERN: the check fails and says what the pattern matches.
expect() {
  local output
  if output=$("$script" "$tree"); then
    echo "FAIL: $1: the check passed"; failures=$((failures + 1))
  elif ! grep -qE "$2" <<<"$output"; then
    echo "FAIL: $1: expected $2, got: $output"; failures=$((failures + 1))
  else
    echo "ok: $1: $output"
  fi
  fresh
}

fresh
"$script" "$tree" || { echo "FAIL: a good tree was refused"; exit 1; }

printf '\n#include "coppice/exec/plan.h"\n' >>"$tree/include/coppice/core/a.h"
expect "include of a lower folder" '^include/coppice/core/a.h:4: core must not include exec'
printf '#include "report/page.h"\n' >"$tree/src/exec/d.cpp"
expect "private include of a lower folder" '^src/exec/d.cpp:1: exec must not include report'
printf '#pragma once\n#include "coppice/prune/x.h"\n' >"$tree/include/coppice/quant/y.h"
expect "include of a folder beside" '^include/coppice/quant/y.h:2: quant must not include prune'
printf '#pragma once\n#  include <string>\n' >"$tree/include/coppice/kernels/s.h"
expect "a hosted header in the freestanding part" '^include/coppice/kernels/s.h:2: kernels is freestanding'
printf '#pragma once\n#include "core/hidden.h"\n' >"$tree/include/coppice/exec/p.h"
expect "a private header in a public one" '^include/coppice/exec/p.h:2: a public header includes'
printf 'int x;\n' >"$tree/include/coppice/core/n.h"
expect "no #pragma once" '^include/coppice/core/n.h:1: a header must start'
seq -f '// line %g' 501 >"$tree/src/cli/long.cpp"
expect "a long file" '^src/cli/long.cpp:501: 501 lines'
mkdir "$tree/src/extra"
echo 'int x;' >"$tree/src/extra/e.cpp"
expect "an unknown folder" '^src/extra/e.cpp:1: folder "extra"'
touch "$tree/notes.txt"
expect "a stray file in the root" '^notes.txt:1: '

[ "$failures" -eq 0 ]
