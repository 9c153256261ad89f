#!/bin/sh
# Runs the self-test in QEMU (Debian: qemu-system-arm); ./run.sh --profile runs the profiled build.
# -icount with sleep=off makes the instruction counts the same in every run.
set -eu
cd "$(dirname "$0")"
name=firmware
[ "${1:-}" != --profile ] || name=profile
exec qemu-system-arm -M @MACHINE@ -display none -monitor none -serial none \
  -icount shift=6,align=off,sleep=off -semihosting-config enable=on,target=native \
  -kernel "build/$name.elf"
