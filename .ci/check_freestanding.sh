#!/usr/bin/env bash
# Compiles each freestanding header for a Cortex-M7, without exceptions and run-time types.
# Exit code 77 (skipped) when the compiler is not here.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=arm-none-eabi-g++
if ! command -v "$compiler" >/dev/null; then
  echo "skipped: $compiler is not installed (Debian packages gcc-arm-none-eabi," \
    "libstdc++-arm-none-eabi-newlib)"
  exit 77
fi
flags="-std=c++20 -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16 -fno-exceptions -fno-rtti
  -fsyntax-only -Wall -Wextra -Werror -Iinclude"
folders=()
for folder in include/coppice/{kernels,sparse,audio}; do
  [ -d "$folder" ] && folders+=("$folder")
done
mapfile -t headers < <(find "${folders[@]}" -name '*.h' | sort)
headers+=(include/coppice/core/shape.h include/coppice/core/isa.h include/coppice/core/packed.h)
printf '%s\n' "${headers[@]#include/}" | xargs -P "$(nproc)" -I{} sh -c \
  'printf "#include \"%s\"\n" "{}" | '"$compiler $(echo $flags)"' -x c++ - || { echo "{} fails"; exit 1; }'
echo "${#headers[@]} freestanding headers compile for Cortex-M7"
