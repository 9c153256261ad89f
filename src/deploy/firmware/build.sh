#!/bin/sh
# Builds the self-test with arm-none-eabi-g++ (Debian: gcc-arm-none-eabi, libnewlib-arm-none-eabi,
# libstdc++-arm-none-eabi-newlib).
#   ./build.sh            build/firmware.elf
#   ./build.sh --profile  build/profile.elf, which also prints the instructions of each layer
set -eu
cd "$(dirname "$0")"
name=firmware
profile=
if [ "${1:-}" = --profile ]; then
  name=profile
  profile=-DCOPPICE_PROFILE
fi
cxx=${CXX_ARM:-arm-none-eabi-g++}
core="@CORE_FLAGS@"
flags="$core -O3 -std=c++20 -DNDEBUG -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -ffunction-sections -fdata-sections -ffp-contract=off -Wall -Wextra -I . $profile"

mkdir -p "build/$name"
objects=
for source in *.cpp board/*.cpp selftest/*.cpp; do
  object=$(echo "${source%.cpp}.o" | tr / _)
  # shellcheck disable=SC2086 # The flags are a list.
  $cxx $flags -c "$source" -o "build/$name/$object"
  objects="$objects $object"
done
cd "build/$name"
# shellcheck disable=SC2086
$cxx $core -nostartfiles --specs=nano.specs -Wl,--gc-sections -T ../../board/@LINKER_SCRIPT@ \
  $objects -o "../$name.elf"
