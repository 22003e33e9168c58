#!/usr/bin/env bash
# Line coverage by file from a coverage build: coverage.sh BUILD
set -eu
cd "$(dirname "$0")/.."
build=$1

for object in $(find "$build/obj/src" -name '*.gcda'); do
    gcov --no-output --object-directory "$(dirname "$object")" "${object%.gcda}.o" 2>/dev/null
done | awk -F"[':%]" '
    /^File/ { file = $2 }
    /^Lines executed/ && file ~ /^src\// && !(file in seen) {
        seen[file] = 1
        split($0, parts, /[:% ]+/)
        share = parts[3]; lines = parts[5]
        printf "%6.1f%%  %5d lines  %s\n", share, lines, file | "sort -k4"
        covered += share * lines; total += lines
        file = ""
    }
    END { close("sort -k4"); if (total) printf "%6.1f%%  %5d lines  all of src\n", covered / total, total }'
