#!/usr/bin/env bash
# Pipes, FIFOs and "-" wherever a file is read once; what is read in any order refuses them at once. ranks: 2
. tests/support/cli.sh

seq 3000 | awk '{ printf "question number %d?\tcontext number %d answers it.\n", $1, $1 }' |
    sed '1i question\tcontext' >pairs.tsv
printf 'data: {train: [{corpus: corpus}], eval: [{corpus: corpus, split: train}]}\nrun: {name: one}\nmodel: {hidden: 8}\n' >one.yaml
printf 'batch: {size: 100, steps: 4}\neval: {bootstrap: 20}\n' >>one.yaml
printf 'config: one.yaml\nmethod: grid\nparameters: {optim.lr: {values: [1e-3]}}\n' >sweep.yaml
printf 'One sentence stands here. Another sentence there.\n' >text.txt
mkfifo fifo

# Files of several buffers' length: all of them arrive.
fed() { qctx "$@" <"$feed"; }
feed=pairs.tsv
check "a file by its name" qctx import --out corpus --split train pairs.tsv
for how in - /dev/stdin; do
    check "import $how" fed import --out piped --force --split train "$how"
    check "import $how has all of it" diff -r corpus piped
done
check "import from a shell's pipe" env RANKS=0 bash -c "\"$program\" import --out piped --force --split train <(cat pairs.tsv)"
check "which has all of it" diff -r corpus piped
cat pairs.tsv >fifo &
check "import from a FIFO" qctx import --out piped --force --split train fifo
check "which has all of it, too" diff -r corpus piped

# Configurations, sweeps and texts.
check "train by a file" qctx train one.yaml
feed=one.yaml
check "train -" fed train - run.name=two
cat one.yaml >fifo &
check "train from a FIFO" qctx train fifo run.name=three
for run in two three; do
    check "$run is the same run" diff <(grep -v '^  name' runs/one/config.yaml) <(grep -v '^  name' runs/$run/config.yaml)
done
check "embed --config -" fed embed corpus --out one.h5 --config -
feed=sweep.yaml
check "sweep - with a name" fed sweep - name=named
check "is kept under it" test -e sweeps/named/sweep.yaml
feed=text.txt
expect 0 "Another sentence there." fed search runs/one --text - "Where does another sentence stand?"
RANKS=0
feed=sweep.yaml
check "a sweep without a name is refused" test "$(fed sweep - 2>&1 | grep -c 'name: is missing')" = 1
expect 2 "standard input is for the questions" qctx search runs/one --text -

# What is read in any order, and more than once: refused without waiting for somebody to write.
for command in "eval fifo" "search fifo x" "info fifo" "eval runs/one --source fifo" "eval --encoder fifo corpus" \
    "search runs/one --store fifo x" "bench load --store fifo" "train one.yaml run.name=four model.start=fifo"; do
    # shellcheck disable=SC2086
    expect 4 "fifo: cannot open: it is a device, a pipe or a socket" timeout 20 "$program" $command
done
expect 4 "fifo: cannot open the corpus: not a folder" timeout 20 "$program" embed fifo --out two.h5
