#!/usr/bin/env bash
# Runs every test at the rank counts that its first lines name ("ranks: 1 2 3"),
# and closes with "N passed, N failed".
#
#   tests/run.sh                        all
#   tests/run.sh contrastive /data/     those whose path contains "contrastive" or "/data/"
#   RANKS=3 tests/run.sh contrastive    only at 3 ranks
#   JOBS=1 tests/run.sh                 one at a time (default: two per core)
set -u
cd "$(dirname "$0")/.." || exit 1

export BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
# Most of a small test is mpirun's start, which only waits: two for each core keep it busy. nproc would answer with
# OMP_NUM_THREADS, which is set below.
jobs=${JOBS:-$((2 * $(nproc)))}
# More ranks than cores, root, and containers are all normal for tests.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
QCTX_TEST_TMP=$(mktemp -d)
export QCTX_TEST_TMP
trap 'rm -rf "$QCTX_TEST_TMP"' EXIT
limit=${TIMEOUT:-300}

if [[ $BUILD == *sanitize* ]]; then
    # The tests look for leaks themselves, before MPI_Finalize; what MPI leaves behind after it is not ours.
    # What is too large for malloc must be refused as without the sanitizer, which would end the process instead.
    export ASAN_OPTIONS=leak_check_at_exit=0:fast_unwind_on_malloc=0:allocator_may_return_null=1
    export UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/leaks.supp:print_suppressions=0
    limit=${TIMEOUT:-900}
fi

started=$SECONDS

# Runs one test at one number of ranks, in a folder of its own; leaves log and code.
run() {
    local source=$1 n=$2 place=$3
    export QCTX_TEST_TMP=$place RANKS=$n
    if [[ $source == *.sh ]]; then
        timeout "$limit" bash "$source" >"$place/log" 2>&1 </dev/null
    else
        mpirun --timeout "$limit" -np "$n" "$BUILD/${source%.c}" >"$place/log" 2>&1 </dev/null
    fi
    echo $? >"$place/code"
    rm -rf "$place"/qctx-test-*
}

# Whether a test is asked for: no words ask for all.
asked() {
    local source=$1 word
    shift
    for word; do
        [[ $source != *"$word"* ]] || return 0
    done
    [[ $# = 0 ]]
}

# The long ones first, which run the program from end to end: begun last, they would leave the cores idle at the end.
names=() places=() running=0
for source in tests/*/test_*.sh tests/*/test_*.c; do
    [[ -e $source ]] && asked "$source" "$@" || continue
    ranks=$(sed -nE '1,4s/.*ranks: ([0-9 ]+).*/\1/p' "$source")
    for n in ${RANKS:-${ranks:-1}}; do
        place=$QCTX_TEST_TMP/${#names[@]}
        mkdir "$place"
        names+=("$source, $n ranks") places+=("$place")
        if [[ $running -ge $jobs ]]; then
            wait -n
            running=$((running - 1))
        fi
        run "$source" "$n" "$place" &
        running=$((running + 1))
    done
done
wait

# Adds up the logs' "tests: P passed, F failed, S skipped" lines; a log without one is a failure.
passed=0 failed=0 skipped=0
for i in "${!names[@]}"; do
    log=${places[i]}/log code=$(cat "${places[i]}/code") before=$failed seen=0
    while read -r p f s; do
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)) seen=1
    done < <(sed -nE 's/^tests: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log")
    if [[ $seen = 0 || ($code != 0 && $failed = "$before") ]]; then
        failed=$((failed + 1))
    fi
    if [[ $failed != "$before" ]]; then
        printf 'FAILED %s (exit code %s)\n' "${names[i]}" "$code"
        tail -n 60 "$log" | sed 's/^/    /'
    fi
done

echo "tests took $((SECONDS - started)) s"
if [[ $skipped -gt 0 ]]; then
    grep -h '^skipped: ' "$QCTX_TEST_TMP"/*/log | sort | uniq -c
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[[ $failed = 0 && $passed -gt 0 ]]
