#!/usr/bin/env bash
# No file over 600 lines, no room (its share of src/ and include/) over 6,000.
set -u
cd "$(dirname "$0")/.." || exit 1

find src include tests -name '*.[ch]' -exec wc -l {} + | awk '
    $2 == "total" { next }
    $1 > 600 {
        print "lengths: " $2 ": " $1 " lines, more than 600"
        bad = 1
    }
    $2 !~ /^tests/ {
        n = split($2, path, "/")
        lines[path[n - 1]] += $1
    }
    END {
        for (room in lines)
            if (lines[room] > 6000) {
                print "lengths: room " room ": " lines[room] " lines, more than 6000"
                bad = 1
            }
        exit bad
    }'
