#!/usr/bin/env bash
# The room check: a room includes only itself and the rooms to its left, no
# include cycles, and library headers stay where docs/architecture.md says.
set -u
cd "$(dirname "$0")/.." || exit 1
rooms=(base platform data tokenizer transformer encoder model engine sweep cli)
bad=0

place() {
    local i
    for i in "${!rooms[@]}"; do
        [[ ${rooms[i]} == "$1" ]] && echo "$i" && return
    done
    echo -1
}

complain() {
    echo "rooms: $*"
    bad=1
}

while IFS=: read -r file line text; do
    room=$(sed -E 's#^(src|include/qctx)/([a-z]+)/.*#\2#' <<<"$file")
    included=$(sed -E 's#.*"qctx/([a-z]+)/.*#\1#' <<<"$text")
    [[ $(place "$included") -ge 0 ]] || complain "$file:$line: no such room: $included"
    [[ $(place "$included") -le $(place "$room") ]] ||
        complain "$file:$line: $room must not include $included (rooms: ${rooms[*]})"
done < <(grep -rnE '#include "qctx/' src include)

# library header → the only files that may include it (an extended regular expression)
library() {
    local header=$1 allowed=$2 hits
    hits=$(grep -rlE "#[[:space:]]*include[[:space:]]*<$header" src include | grep -vE "^($allowed)$")
    [[ -z $hits ]] || complain "<$header> is included outside $allowed:" $hits
}
library 'mpi\.h>' 'src/platform/(comm|h5)[a-z_]*\.[ch]'
library 'cblas\.h>' 'src/platform/blas\.c'
library '(oneapi/dnnl/)?dnnl[a-z_]*\.h>' 'src/platform/onednn[a-z_]*\.[ch]'
library 'hdf5\.h>' 'src/platform/h5[a-z_]*\.[ch]'
library 'yaml\.h>' 'src/platform/yaml[a-z_]*\.c'
library 'jansson\.h>' 'include/qctx/platform/json\.h'
library 'unicode/' 'src/platform/(text|unicode)[a-z_]*\.[ch]'
library 'hwloc\.h>' 'src/platform/topology\.c'
library 'xxhash\.h>' 'src/base/hash\.c'

# Headers include each other without cycles: tsort names one if there is.
cycles=$(grep -rE '#include "qctx/' include | sed -E 's#^include/([^:]+):.*"(qctx/[^"]+)".*#\1 \2#' | tsort 2>&1 >/dev/null)
[[ -z $cycles ]] || complain "headers include each other in a cycle: $cycles"

# The process ends in main and comm alone.
ends=$(grep -rnE '\b(exit|_exit|abort|MPI_Abort)[[:space:]]*\(' src | grep -vE '^src/(cli/main|platform/comm)\.c:')
[[ -z $ends ]] || complain "exit or abort outside main and comm: $ends"
exit $bad
