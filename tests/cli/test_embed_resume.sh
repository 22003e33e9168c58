#!/usr/bin/env bash
# Embedding that is killed, refused and out of space goes on to the very bytes of an unbroken run. ranks: 3
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

RANKS=0 qctx synth --out corpus --questions 16000 --seed 3 >/dev/null 2>&1
expect 0 "embedded by hashing" qctx embed corpus --dim 256 --out unbroken.h5

# Some moments fall into the making of the file, some behind the last batch: a job faster than its killer begins again.
RANDOM=${QCTX_TEST_SEED:-$$}
kills=0 resumed=0
for attempt in {1..10}; do
    [[ $kills -lt 6 ]] || break
    rm -f killed.h5
    start $((1 + RANDOM % 4)) embed corpus --dim 256 --out killed.h5 --force
    [[ $attempt = 1 ]] || wait_for grep -q "encoder hashing learnt" job.log
    sleep "0.$(printf %03d $((RANDOM % 700)))"
    kill -0 "$job" 2>/dev/null && kills=$((kills + 1))
    kill_job
    grep -q "resuming killed.h5.partial" job.log && resumed=$((resumed + 1))
done
check "most of them were killed" test "$kills" -ge 5
check "some went on where another was killed" test "$resumed" -ge 1
expect 0 "embedded by hashing" qctx embed corpus --dim 256 --out killed.h5 --force
check "killed.h5 has the bytes of an unbroken run" cmp unbroken.h5 killed.h5
check "nothing is left beside it" test ! -e killed.h5.partial -a ! -e killed.h5.journal

# A job that is at work keeps others away, with or without --force; what it leaves is gone on with.
start 1 embed corpus --dim 256 --out shared.h5
wait_for test -e shared.h5.partial
# shellcheck disable=SC2046
kill -STOP $(cat ranks)
expect 8 "another process is writing this store" qctx embed corpus --dim 256 --out shared.h5 --force
kill_job
rm -f shared.h5
expect 0 "embedded by hashing" qctx embed corpus --dim 256 --out shared.h5
check "shared.h5 has the bytes of an unbroken run" cmp unbroken.h5 shared.h5

# A file system that is too small says so before anything is computed, and keeps nothing.
mkdir small
if mount -t tmpfs -o size=4m tmpfs small 2>/dev/null; then
    trap 'umount -l "$folder/small"; finish' EXIT
    expect 13 "No space left on device" qctx embed corpus --dim 256 --out small/full.h5
    check "nothing is left on the full disk" test -z "$(ls -A small)"
    mount -o remount,size=400m small
    expect 0 "embedded by hashing" qctx embed corpus --dim 256 --out small/full.h5
    check "small/full.h5 has the bytes of an unbroken run" cmp unbroken.h5 small/full.h5
else
    skip "no file system may be mounted here: the full disk"
fi
