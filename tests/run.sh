#!/usr/bin/env bash
# Runs every test at the rank counts that its first lines name ("ranks: 1 2 3"),
# and closes with "N passed, N failed".
#
#   tests/run.sh                        all
#   tests/run.sh contrastive            those whose path contains "contrastive"
#   RANKS=3 tests/run.sh contrastive    only at 3 ranks
set -u
cd "$(dirname "$0")/.." || exit 1

export BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
# More ranks than cores, root, and containers are all normal for tests.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
QCTX_TEST_TMP=$(mktemp -d)
export QCTX_TEST_TMP
trap 'rm -rf "$QCTX_TEST_TMP"' EXIT
limit=${TIMEOUT:-120}

if [[ $BUILD == *sanitize* ]]; then
    # The tests look for leaks themselves, before MPI_Finalize; what MPI leaves behind after it is not ours.
    export ASAN_OPTIONS=leak_check_at_exit=0:fast_unwind_on_malloc=0
    export UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/leaks.supp:print_suppressions=0
    limit=${TIMEOUT:-600}
fi

passed=0 failed=0 skipped=0
started=$SECONDS

# Adds up a log's "tests: P passed, F failed, S skipped" lines; a log without one is a failure.
tally() {
    local name=$1 code=$2 log=$3 before=$failed seen=0 p f s
    while read -r p f s; do
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)) seen=1
    done < <(sed -nE 's/^tests: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log")
    if [[ $seen = 0 || ($code != 0 && $failed = "$before") ]]; then
        failed=$((failed + 1))
    fi
    if [[ $failed != "$before" ]]; then
        printf 'FAILED %s (exit code %s)\n' "$name" "$code"
        tail -n 60 "$log" | sed 's/^/    /'
    fi
}

run() {
    local name=$1 log=$QCTX_TEST_TMP/log
    shift
    "$@" >"$log" 2>&1 </dev/null
    tally "$name" $? "$log"
}

filter=${1:-}
for source in tests/*/test_*.c tests/*/test_*.sh; do
    [[ -e $source && $source == *"$filter"* ]] || continue
    ranks=$(sed -nE '1,4s/.*ranks: ([0-9 ]+).*/\1/p' "$source")
    for n in ${RANKS:-${ranks:-1}}; do
        if [[ $source == *.sh ]]; then
            RANKS=$n run "$source, $n ranks" timeout "$limit" bash "$source"
        else
            run "$source, $n ranks" mpirun --timeout "$limit" -np "$n" "$BUILD/${source%.c}"
        fi
        rm -rf "$QCTX_TEST_TMP"/qctx-test-*
    done
done

echo "tests took $((SECONDS - started)) s"
if [[ $skipped -gt 0 ]]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[[ $failed = 0 && $passed -gt 0 ]]
