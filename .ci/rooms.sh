#!/usr/bin/env bash
# The room check: a room includes only itself and the rooms on earlier lines of
# .ci/rooms.txt, headers and .c files alike; two rooms on one line do not know each
# other. Library headers stay where docs/architecture.md says, and the process ends
# in main and comm alone.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

complain() {
    echo "rooms: $*"
    bad=1
}

# Fields of a line of grep: the file, the number, the directive up to the quote, the included file.
crossing=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src include | awk -F'[:"]' '
    BEGIN {
        while ((getline line < ".ci/rooms.txt") > 0) {
            order++
            n = split(line, names, " ")
            for (i = 1; i <= n; i++)
                place[names[i]] = order
        }
    }
    {
        n = split($1, path, "/")
        room = path[n - 1]
        if (!(room in place))
            print $1 ":" $2 ": no such room in .ci/rooms.txt: " room
        if ($4 ~ /\.\.\//)
            print $1 ":" $2 ": private headers stay in their room: " $4
        if (split($4, path, "/") != 3 || path[1] != "qctx" || path[2] == room)
            next
        if (!(path[2] in place))
            print $1 ":" $2 ": no such room in .ci/rooms.txt: " path[2]
        else if (place[path[2]] >= place[room])
            print $1 ":" $2 ": " room " must not include " $4 ": .ci/rooms.txt does not have " path[2] " before " room
    }')
[[ -z $crossing ]] || complain "$crossing"

# library header → the only files that may include it (an extended regular expression)
library() {
    local header=$1 allowed=$2 hits
    hits=$(grep -rlE "#[[:space:]]*include[[:space:]]*<$header" src include | grep -vE "^($allowed)$")
    [[ -z $hits ]] || complain "<$header> is included outside $allowed:" $hits
}
library 'mpi\.h>' 'src/platform/(comm|h5)[a-z_]*\.[ch]'
library 'cblas\.h>' 'src/linalg/blas\.c'
library '(oneapi/dnnl/)?dnnl[a-z_]*\.h>' 'src/linalg/onednn[a-z_]*\.[ch]'
library 'hdf5\.h>' 'src/platform/h5[a-z_]*\.[ch]'
library 'yaml\.h>' 'src/text/yaml[a-z_]*\.c'
library 'jansson\.h>' 'include/qctx/text/json\.h'
library 'unicode/' 'src/text/(text|unicode)[a-z_]*\.[ch]'
library '(zlib|zstd)\.h>' 'src/data/input\.c'
library 'hwloc\.h>' 'src/platform/topology\.c'
library 'histedit\.h>' 'src/platform/terminal_edit\.c'
library 'xxhash\.h>' 'src/base/hash\.c'

ends=$(grep -rnE '\b(exit|_exit|abort|MPI_Abort)[[:space:]]*\(' src | grep -vE '^src/(cli/main|platform/comm_process|platform/cage)\.c:')
[[ -z $ends ]] || complain "exit or abort outside main, comm and cage: $ends"
exit $bad
