#!/usr/bin/env bash
# Signals to mpirun or to one rank stop all in good order, and the same command goes on. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

# Starts the program alone in the background, as `start` does at some ranks.
start_alone() {
    # A shell lets its background jobs ignore Ctrl-C.
    env --default-signal=INT "$program" "$@" >job.log 2>&1 </dev/null &
    job=$!
    echo $job >ranks
}

# signal NAME TARGET: to mpirun, or to the rank that started last.
signal() {
    if [[ $2 = mpirun ]]; then
        kill "-$1" "$job"
    else
        kill "-$1" "$(tail -n 1 ranks)"
    fi
} 2>/dev/null

# interrupt NAME TARGET LINE RANKS COMMAND...: signals when the log has the line, and leaves the code in `code`; again
# where the job was faster.
interrupt() {
    local name=$1 target=$2 line=$3
    shift 3
    for _ in {1..5}; do
        rm -f ./*.h5 ./*.partial ./*.journal
        if [[ $1 = 0 ]]; then start_alone "${@:2}"; else start "$@"; fi
        until grep -q "$line" job.log || ! kill -0 "$job" 2>/dev/null; do sleep 0.01; done
        signal "$name" "$target"
        wait "$job"
        code=$?
        [[ $code = 0 ]] || break
    done
}

# stopped CODE REASON: what the interrupted job left with and said, once.
stopped() {
    check "$1 after $2: $code" test "$code" = "$1"
    check "$2 is told: $(cat job.log)" test "$(grep -c "stopped by $2" job.log)" = 1
    check "no rank is left" all_gone
}

RANKS=0
qctx synth --out corpus --questions 12000 --seed 3 >/dev/null 2>&1
embed=(embed corpus --dim 256 --out made.h5)
expect 0 "embedded by hashing" qctx "${embed[@]}"
mkdir kept && mv made.h5 kept/unbroken

# Within the embedding: what is done is kept, and gone on with on any number of ranks.
learnt="encoder hashing learnt"
while read -r ranks name target code_expected reason; do
    interrupt "$name" "$target" "$learnt" "$ranks" "${embed[@]}"
    stopped "$code_expected" "$reason"
    share=$(sed -n "s/.*made.h5: stopped by $reason at \([0-9]*% of the texts\).*/\1/p" job.log | head -n 1)
    check "how far it was is told" test -n "$share"
    expect 0 "made.h5.partial: $share are there" qctx "${embed[@]}"
    check "made.h5 has the bytes of an unbroken run" cmp made.h5 kept/unbroken
done <<'END'
0 INT rank 75 Ctrl-C
2 USR1 mpirun 75 SIGUSR1
2 INT rank 75 Ctrl-C
3 TERM rank 75 SIGTERM
END

# mpirun passes a TERM on after a second, kills after another, and leaves with a code of its own.
expect 0 "" qctx synth --out large --questions 60000 --seed 3
interrupt TERM mpirun "$learnt" 2 embed large --dim 1024 --out made.h5
stopped 1 SIGTERM
expect 0 "resuming made.h5.partial" mpirun -np 2 "$program" embed large --dim 1024 --out made.h5
rm made.h5

# While the encoder learns, nothing is there to be kept.
interrupt USR1 rank "thread" 2 "${embed[@]}"
stopped 75 SIGUSR1
rm -f made.h5 made.h5.partial made.h5.journal

# A corpus that is not whole leaves nothing: while its files are read, and while it is written.
seq 400000 | sed 's/.*/["Where is house &?", "House & is here."]/' >many.jsonl
(echo '[' && sed '$!s/$/,/' many.jsonl && echo ']') >many.json
# has FILE SIZE: whether what is made of the corpus has such a file.
has() { test -n "$(find . -path "./half.*.partial/$1" -size "$2")"; }
while read -r name reason file size command; do
    read -r -a command <<<"$command"
    start_alone "${command[@]}" --out half
    wait_for has "$file" "$size"
    signal "$name" rank
    wait "$job"
    code=$?
    stopped 75 "$reason"
    check "$command: nothing is left" test -z "$(find . -name '*half*')"
done <<'END'
TERM SIGTERM corpus.jsonl 0 import --split train many.jsonl
INT Ctrl-C corpus.jsonl 0 import --holdout 0.1,0.1 many.json
USR1 SIGUSR1 queries.jsonl +9k import --split train many.jsonl
TERM SIGTERM qrels/train.tsv +9k synth --questions 500000
END
rm many.json many.jsonl

# Within an evaluation: nothing is printed, and the same command prints what an undisturbed one does.
cat >config.yaml <<'YAML'
run: {name: small, seed: 7}
data:
  train: [{store: kept/unbroken, split: train}]
  eval: [{store: kept/unbroken, split: dev}]
model: {hidden: 16, form: residual}
optim: {warmup: 1}
batch: {size: 500, epochs: 1, steps: 2}
eval: {candidates: pools, pool: 500, bootstrap: 50}
YAML
expect 0 "" qctx train config.yaml
for candidates in "corpus" "pools --source kept/unbroken --split train --strengths"; do
    read -r -a eval <<<"eval runs/small --candidates $candidates"
    "$program" "${eval[@]}" >unbroken.txt 2>/dev/null
    interrupt USR1 rank "thread" 3 "${eval[@]}"
    stopped 75 SIGUSR1
    check "the stopped evaluation printed no table" test "$(grep -c "top-1" job.log)" = 0
    mpirun -np 2 "$program" "${eval[@]}" >again.txt 2>/dev/null
    check "$candidates: the table of an undisturbed evaluation" cmp unbroken.txt again.txt
done
