#!/usr/bin/env bash
# Ranks that stop answering are named, and the job ends. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

# faulty RANKS FAULT WHICH: a job whose ranks WHICH fail so; its processes are in the file `ranks`.
faulty() {
    local ranks=$1
    shift
    rm -f ranks
    # shellcheck disable=SC2016
    timeout -s KILL 60 mpirun -np "$ranks" bash -c 'echo $$ >>ranks; exec "$0" "$@"' "$BUILD/tests/platform/test_watch" "$@"
}

host=$(hostname)
expect 11 "a training step: no sign of rank 1 on $host (1 s)" faulty 2 stop 1
check "one message" test "$(grep -c 'no sign of' output)" = 1
check "the stopped rank is gone, too" all_gone
expect 11 "no sign of rank 0 on $host (" faulty 3 sleep 0
check "the sleeping rank is gone, too" all_gone
expect 11 "no sign of rank 1 on $host (1 s), rank 3 on $host (1 s)" faulty 4 stop 13
expect 11 "no sign of rank 3 on $host (" faulty 4 group 3
expect 11 "no sign of rank 2 on $host (" faulty 4 inside 2
check "the rank that stopped inside a reduction is gone, too" all_gone
expect 11 "all ranks have been waiting for each other" faulty 2 apart 1
expect 11 "rank 0 on $host" faulty 5 stop 0123
check "no stopped rank is left" all_gone
check "a rank alone waits for nobody" env HANG_TIMEOUT=0.1 "$BUILD/tests/platform/test_watch" none 0

# A job that was suspended as a whole must not blame anybody for the time that it has lost.
faulty 2 late 1 >suspended.log 2>&1 &
job=$!
until [[ $(wc -l <ranks) = 2 ]]; do sleep 0.05; done 2>/dev/null
sleep 1
# shellcheck disable=SC2046
kill -STOP $(cat ranks)
sleep 2
# shellcheck disable=SC2046
kill -CONT $(cat ranks)
check "it goes on" wait "$job"

# A rank that dies is mpirun's to tell, at once and with its own words.
expect 137 "signal 9" faulty 2 kill 1
check "the others are gone, too" all_gone

expect 1 "expected at least MPI_THREAD_FUNNELED" faulty 2 threadless 0
check "nobody is left of it" all_gone
