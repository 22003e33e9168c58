#!/usr/bin/env bash
# No module includes, by any of its files, one that includes it again by any of its own.
# A module is a header (include/qctx/ROOM/x.h, or a private src/ROOM/x.h; x_internal.h
# belongs to x) with x.c and its parts x_*.c: a file belongs to the module with the
# longest name that its own begins with.
set -u
cd "$(dirname "$0")/.." || exit 1
# Plain recursion stays: a joined encoder holds encoders.
recursion="encoder/encoder>encoder/joined"

{
    find include src -name '*.[ch]' | sort | sed 's/^/file /'
    grep -rE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src include | sed -E 's/^([^:]+):[^"]*"([^"]+)".*/include \1 \2/'
} | awk '
    function room(path,    parts, n) {
        n = split(path, parts, "/")
        return parts[n - 1]
    }
    function stem(path) {
        sub(/.*\//, "", path)
        sub(/\.[ch]$/, "", path)
        sub(/_internal$/, "", path)
        return path
    }
    # The module of a file: its own stem, or what is left of it without its last words.
    function module(path,    name, place) {
        place = room(path)
        name = stem(path)
        while (!((place "/" name) in modules) && name ~ /_/)
            sub(/_[^_]*$/, "", name)
        if (!((place "/" name) in modules))
            name = stem(path)
        return place "/" name
    }
    $1 == "file" && $2 ~ /\.h$/ { modules[room($2) "/" stem($2)] }
    $1 == "include" {
        header = $3 ~ /^qctx\// ? "include/" $3 : "src/" room($2) "/" $3
        print module($2), module(header), $2
    }' | LC_ALL=C sort -u | awk -v recursion="$recursion" -f .ci/circles.awk | sed 's/^/modules: /'
exit "${PIPESTATUS[3]}"
