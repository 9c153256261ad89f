#!/usr/bin/env bash
# Checks the rules of the house and prints each violation as file:line: message:
#  - a folder under include/coppice and src includes only folders above it in the list below;
#  - freestanding headers include no heap, stream, thread or exception header of the library;
#  - headers start with #pragma once; no source file has more than 500 lines;
#  - the root holds what it should and nothing else.
# Usage: check_layout.sh [ROOT]
set -euo pipefail
export LC_ALL=C
cd "${1:-"$(dirname "$0")/.."}"

# One level a word; folders of one level, joined by a comma, do not see each other.
layers="core kernels sparse audio graph exec io data train prune,quant,skip deploy sweep report cli"
freestanding="kernels sparse audio"
hosted_headers="any deque exception filesystem format forward_list fstream functional
  future iomanip iostream istream list locale map memory mutex ostream queue regex set sstream stack
  stdexcept streambuf string syncstream thread unordered_map unordered_set vector
  stdio.h cstdio stdlib.h nlohmann/json.hpp Eigen/Core Eigen/Dense"
root_entries="CMakeLists.txt README.md LICENSE CMakePresets.json include src tests bench examples
  configs docs"
ignored_root="build|build-.*|runs|data"  # As .gitignore has them.
most_lines=500

violations=$(mktemp)
trap 'rm -f "$violations"' EXIT

folders=()
for folder in include src tests bench examples; do
  [ -d "$folder" ] && folders+=("$folder")
done
find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) | sort |
  xargs -r awk -v layers="$layers" -v freestanding="$freestanding" -v hosted="$hosted_headers" \
    -v most="$most_lines" '
  BEGIN {
    levels = split(layers, row, " ")
    for (i = 1; i <= levels; ++i) {
      names = split(row[i], name, ",")
      for (j = 1; j <= names; ++j) level[name[j]] = i
    }
    split(freestanding, list, " "); for (i in list) is_freestanding[list[i]] = 1
    split(hosted, list, " "); for (i in list) is_hosted[list[i]] = 1
  }
  function finish() {
    if (file == "") return
    if (lines > most) print file ":" lines ": " lines " lines; at most " most " are allowed"
    if (file ~ /\.h$/ && !once) print file ":1: a header must start with #pragma once"
  }
  FNR == 1 {
    finish(); file = FILENAME; once = 0; folder = ""
    if (split(file, part, "/") > 2) {
      if (part[1] == "include") folder = part[3]
      if (part[1] == "src") folder = part[2]
    }
    # Programs that are compiled for the chip, beside their generator.
    if (file ~ /^src\/deploy\/firmware\//) folder = ""
    if (folder != "" && !(folder in level)) {
      print file ":1: folder \"" folder "\" has no place in the layers"; folder = ""
    }
  }
  { lines = FNR }
  FNR < 30 && /^#pragma once/ { once = 1 }
  /^[ \t]*#[ \t]*include/ && folder != "" {
    target = $0; sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", target); sub(/[>"].*/, "", target)
    if (file ~ /^include/ && (folder in is_freestanding) && (target in is_hosted))
      print file ":" FNR ": " folder " is freestanding and must not include <" target ">"
    path = target; sub(/^coppice\//, "", path)
    parts = split(path, part, "/")
    if (parts < 2 || !(part[1] in level) || part[1] == folder) next
    if (file ~ /^include/ && target !~ /^coppice\//)
      print file ":" FNR ": a public header includes the private " target
    if (level[part[1]] >= level[folder])
      print file ":" FNR ": " folder " must not include " part[1] ": it is not above it in the layers"
  }
  END { finish() }' >"$violations"

for entry in *; do
  [[ " $(echo $root_entries) " == *" $entry "* || $entry =~ ^($ignored_root)$ ]] ||
    echo "$entry:1: nothing but $(echo $root_entries) and dotfiles belongs in the root" >>"$violations"
done

cat "$violations"
[ ! -s "$violations" ] || exit 1
