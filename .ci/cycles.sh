#!/usr/bin/env bash
# No file of src/ needs, by functions or tables, one that needs it again: what two files
# call in each other moves down into a third. Read from the symbols of the objects, which
# must be built (BUILD, or build/): a call through a pointer is no edge, a table that
# names a function is one.
set -u
cd "$(dirname "$0")/.." || exit 1
# Plain recursion stays: a joined encoder holds encoders.
recursion="src/encoder/encoder.c>src/encoder/joined.c"

.ci/symbols.sh | awk '
    $1 == "has" { home[$3] = $2 }
    $1 == "needs" { needs[NR] = $2 " " $3 }
    END {
        for (i in needs) {
            split(needs[i], need, " ")
            if (need[2] in home)
                print need[1], home[need[2]], need[2]
        }
    }' | LC_ALL=C sort -u | awk -v recursion="$recursion" -f .ci/circles.awk | sed 's/^/cycles: /'
statuses=("${PIPESTATUS[@]}")
exit $((statuses[0] | statuses[3]))
