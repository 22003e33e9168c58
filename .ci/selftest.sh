#!/usr/bin/env bash
# Do the checks see what they are for? Plants one violation after another in a copy of
# the sources and of their objects (BUILD, or build/), and asks a check to name it.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/build/obj" "$copy/tests"
cp -r .ci src include "$copy"
cp -r "${BUILD:-build}/obj/src" "$copy/build/obj"
unset BUILD
cd "$copy" || exit 1

# plant FILE: its text comes in. A .c file is compiled as the build would do it.
plant() {
    cat >"$1"
    [[ $1 != *.c ]] || "${CC:-cc}" -Iinclude -c -o "build/obj/${1%.c}.o" "$1" || bad=1
}

uproot() { find . -name 'planted*' -delete; }

# expect CHECK WORDS...: the check fails, with a line that has all of these words.
expect() {
    local check=$1 word lines
    shift
    lines=$(".ci/$check.sh" 2>&1) && lines=
    for word; do
        lines=$(grep -F -- "$word" <<<"$lines")
    done
    if [[ -z $lines ]]; then
        echo "selftest: .ci/$check.sh does not see what was planted: $*"
        bad=1
    fi
}

# An include that crosses the rooms, in a .c file.
plant src/base/planted.c <<<'#include "qctx/cli/options.h"'
expect rooms src/base/planted.c:1: 'base must not include'
uproot

# Two modules that include each other, by a .c file and by a part; their headers do not.
plant include/qctx/base/planted_a.h </dev/null
plant include/qctx/base/planted_b.h </dev/null
plant src/base/planted_a.c <<<'#include "qctx/base/planted_b.h"'
plant src/base/planted_b_part.c <<<'#include "qctx/base/planted_a.h"'
expect modules 'circle of 2:' base/planted_a base/planted_b
uproot

# Two parts of a module that call each other.
plant src/base/planted.c <<<'int planted_part(void); int planted(void); int planted(void) { return planted_part(); }'
plant src/base/planted_part.c <<<'int planted(void); int planted_part(void); int planted_part(void) { return planted(); }'
expect cycles 'circle of 2:' src/base/planted.c src/base/planted_part.c
uproot

# Public functions without a caller: one of a .c file, one of the header itself, one that is nowhere.
plant include/qctx/base/planted.h <<'END'
int qctx_planted(void); /* qctx_planted() in a comment is no call */
static inline int qctx_planted_inline(void) { return 1; }
int qctx_planted_nowhere(void);
END
plant src/base/planted.c <<'END'
#include "qctx/base/planted.h"
int qctx_planted(void) { return 1; }
END
expect uncalled src/base/planted.c 'no caller in src/: qctx_planted'
expect uncalled planted.h 'no caller in src/: qctx_planted_inline'
expect uncalled planted.h 'defined nowhere: qctx_planted_nowhere'
uproot

# A file of 601 lines, and a room that they fill.
for i in {1..10}; do yes '' | head -601 >"src/base/planted_$i.h"; done
expect lengths src/base/planted_1.h: 601
expect lengths 'room base'
exit $bad
