#!/usr/bin/env bash
# From nothing to a measured table of pruned and quantized keyword spotters. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/setup.sh

usage() {
  cat <<'TEXT'
Usage: examples/quickstart.sh

Installs the Debian packages that are missing, builds build/coppice, makes a small synthetic
keyword corpus (spoken by espeak-ng and flite), trains, prunes, fine-tunes, quantizes and measures a
keyword spotter for three seeds, and writes runs/kws_quickstart/ with report.html. Stopped and
started again, it goes on where it was.
TEXT
}

case ${1:-} in
  "") ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

# shellcheck disable=SC2086  # The lists are words.
install_packages $build_packages $run_packages
build build coppice_tool
step "making the synthetic keyword corpus in data/synth_speech"
build/coppice data synth-speech --out data/synth_speech --seed 1
step "running configs/kws_quickstart.json"
build/coppice sweep configs/kws_quickstart.json
step "done: open runs/kws_quickstart/report.html"
