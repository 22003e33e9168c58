#!/usr/bin/env bash
# Every function that a header declares is defined, and has a caller in src/: what only
# tests call belongs to the tests, what nobody calls goes. Read from the symbols of the
# objects (symbols.sh); callers in a function's own file, and of functions that headers
# define inline, are found in the text.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

complain() {
    echo "uncalled: $*"
    bad=1
}

# The text of files without their comments.
uncommented() {
    awk '{
        text = $0
        kept = ""
        while (at = index(text, inside ? "*/" : "/*")) {
            kept = kept (inside ? " " : substr(text, 1, at - 1))
            text = substr(text, at + 2)
            inside = !inside
        }
        print kept (inside ? "" : text)
    }' "$@"
}

# Whether a name stands more than once in files, so elsewhere than where it is defined.
stands_again() {
    local name=$1
    shift
    [[ $(uncommented "$@" | grep -ow "$name" | wc -l) -gt 1 ]]
}

symbols=$(.ci/symbols.sh) || exit 1
headers=(include/qctx/*/*.h $(find src -name '*.h' | sort))

# One line for each name that a file gives to others, but none takes: the name and the file.
while read -r name file; do
    stands_again "$name" "$file" || complain "$file: no caller in src/: $name"
done < <(awk '
    $1 == "has" && $3 !~ /\./ && $3 != "main" { home[$3] = $2 }
    $1 == "needs" { taken[$3] }
    END {
        for (name in home)
            if (!(name in taken))
                print name, home[name]
    }' <<<"$symbols" | LC_ALL=C sort -k 2)

# One line for each name that headers declare, but no object has.
while read -r name; do
    header=$(grep -lw "$name" "${headers[@]}" | head -1)
    if ! grep -qE "^static inline .*\b$name\(" "${headers[@]}"; then
        complain "$header: defined nowhere: $name"
    else
        stands_again "$name" src/*/*.c "${headers[@]}" || complain "$header: no caller in src/: $name"
    fi
done < <(LC_ALL=C comm -23 <(uncommented "${headers[@]}" | grep -oE '\bqctx_[A-Za-z0-9_]+\(' | tr -d '(' | LC_ALL=C sort -u) \
                           <(awk '{ print $3 }' <<<"$symbols" | LC_ALL=C sort -u))
exit $bad
