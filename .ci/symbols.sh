#!/usr/bin/env bash
# The symbols of all files of src/, from their objects (BUILD, or build/): a line
# "has FILE SYMBOL" for each that others may use, "needs FILE SYMBOL" for each that a
# file takes from another. Fails where an object is missing or older than its source.
set -u
cd "$(dirname "$0")/.." || exit 1
objects=${BUILD:-build}/obj

for file in src/*/*.c; do
    object=$objects/${file%.c}.o
    if [[ ! -e $object || $file -nt $object ]]; then
        echo "$file: build first: $object is missing or older" >&2
        exit 1
    fi
done
# One call for all; a line is "object: address type symbol", without the address where it is needed only.
nm -A -g $(printf "$objects/%s.o " $(printf '%s\n' src/*/*.c | sed 's/\.c$//')) | awk -v objects="$objects/" '
    {
        colon = index($0, ".o:")
        file = substr($1, length(objects) + 1, colon - length(objects) - 1) ".c"
        print $(NF - 1) ~ /^[Uwv]$/ ? "needs" : "has", file, $NF
    }'
