# Sourced by examples/quickstart.sh, tests/run.sh and .ci/run: installs what is missing and builds.
# Debian package names; each list says what it is for.

build_packages="g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev rapidjson-dev libcli11-dev
  libfmt-dev libsndfile1-dev libsamplerate0-dev libpng-dev zlib1g-dev libssl-dev"
run_packages="espeak-ng flite gnuplot-nox libjs-vega"
test_packages="libgtest-dev libbenchmark-dev libvalijson-dev dataset-fashion-mnist curl python3-minimal"
firmware_packages="gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
  qemu-system-arm"
cross_packages="g++-aarch64-linux-gnu qemu-user googletest"
# Libraries that the benchmarks compare with; each may be missing. See docs/benchmarks.md.
peer_packages="libxnnpack-dev libpthreadpool-dev libdnnl-dev ocl-icd-opencl-dev libxsmm-dev
  libonnx-dev libprotobuf-dev curl"

step() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

package_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages NAME...: apt-get installs those that are not here yet.
install_packages() {
  command -v dpkg-query >/dev/null ||
    fail "this script sets up Debian 12; elsewhere install the equivalents of: $*"
  local missing=() as_root=()
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "not root and no sudo; as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  step "installing ${missing[*]}"
  "${as_root[@]}" apt-get -q update >/dev/null ||
    fail "apt-get update failed; check the network and /etc/apt/sources.list"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}

# build FOLDER TARGET [CMAKE OPTION...]: configures (again only when options are given) and builds.
build() {
  local folder=$1 target=$2
  shift 2
  if [ ! -f "$folder/build.ninja" ] || [ $# -gt 0 ]; then
    step "configuring $folder"
    cmake -S . -B "$folder" -G Ninja "$@" >/dev/null || fail "configuring $folder failed"
  fi
  step "building $folder"
  cmake --build "$folder" --target "$target" || fail "building $folder failed"
}
