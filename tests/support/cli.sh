# Sourced by end-to-end tests: runs the program at $RANKS ranks in a fresh
# folder and counts what it says. Ends with the line that tests/run.sh reads.

set -u
# By the locale the shell reads \u in what it is to type; that of where the tests are started may be any.
export LC_ALL=C.UTF-8
program=$BUILD/qctx-dist
project=$PWD
folder=$(mktemp -d "${QCTX_TEST_TMP:-/tmp}/qctx-test-XXXXXX")
cd "$folder" || exit 1
passed=0 failed=0 skipped=0

finish() {
    cd / && rm -rf "$folder"
    echo "tests: $passed passed, $failed failed, $skipped skipped"
    [[ $failed = 0 ]]
}
trap finish EXIT

# The program at $RANKS ranks; without mpirun when RANKS is 0.
qctx() {
    if [[ ${RANKS:-1} = 0 ]]; then
        "$program" "$@"
    else
        mpirun -np "${RANKS:-1}" "$program" "$@"
    fi
}

# expect CODE TEXT COMMAND...: the command exits with CODE and prints TEXT (a part, taken literally; "" for any).
expect() {
    local code=$1 text=$2 got
    shift 2
    "$@" >output 2>&1 </dev/null
    got=$?
    if [[ $got = "$code" ]] && grep -qF -- "$text" output; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  exit code %s, expected %s; expected text: %s\n' "$*" "$got" "$code" "$text"
        sed 's/^/  | /' output | head -n 40
    fi
}

# check NAME COMMAND...: the command succeeds.
check() {
    local name=$1
    shift
    if "$@" >output 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$name"
        sed 's/^/  | /' output | head -n 40
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "skipped: $*"
}
