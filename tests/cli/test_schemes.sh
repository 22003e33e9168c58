# ranks: 2 3
# The ways of taking a step lead to the same place: schemes and precisions, limits of memory, and the mode whose bits do
# not depend on the ranks. What cannot work is refused before the first step, with what would.
source tests/support/cli.sh

alone() { RANKS=0 qctx "$@"; }
# hint TEXT: the last output holds this, too.
hint() {
    mv output said
    expect 0 "$1" cat said
}

alone synth --out corpus --questions 400 --seed 3 >output 2>&1
check "vectors" alone embed corpus --out corpus.h5 --dim 64
cat >config.yaml <<'YAML'
run: {seed: 7}
data: {train: [{store: corpus.h5}]}
model: {hidden: 32, dropout: 0.1}
optim: {warmup: 1}
batch: {size: 101, epochs: 2}
eval: {every: 0, tune: 0}
YAML

# train NAME KEY=VALUE...: a run of this name.
train() {
    local name=$1
    shift
    expect 0 "Results: runs/$name" qctx train config.yaml "run.name=$name" "$@"
    cp output "$name.log"
}
losses() { sed -nE 's/.*"event": *"step".*"loss": *([^,}]*).*/\1/p' "runs/$1/metrics.jsonl"; }
# alike NAME OTHER BOUND: the losses of each step differ by at most BOUND.
alike() {
    paste <(losses "$1") <(losses "$2") |
        awk -v bound="$3" '{ print; d = $1 - $2; if (NF != 2 || d > bound || d < -bound) bad = 1 }
                           END { exit bad || NR < 6 }'
}
checksum() { alone info "$(printf '%s\n' "runs/$1"/checkpoints/step-*.h5 | tail -n 1)" | sed -nE 's/^checksum: *//p'; }
same_bits() { [[ -n $(checksum "$1") && $(checksum "$1") == $(checksum "$2") ]]; }

train full loss.similarity=full
for scheme in rows ring; do
    train $scheme loss.similarity=$scheme
    check "$scheme gives the losses of full" alike $scheme full 1e-5
done
check "the checkpoint names the scheme" bash -c "'$program' info runs/ring/checkpoints/best.h5 | grep '^similarity: *ring'"

# The same bits on any number of ranks and threads.
train reproducible run.reproducible=true
check "a reproducible run has the losses of full" alike reproducible full 1e-5
check "auto takes rows" grep -qF "similarity rows (auto), float32, reproducible: a step takes a rank" reproducible.log
check "the summary names the scheme" grep -qF '"similarity": "rows"' runs/reproducible/summary.json
check "the summary names the precision" grep -qF '"precision": "float32"' runs/reproducible/summary.json
if [[ $RANKS = 3 ]]; then
    check "3 ranks are warned" grep -qF "on 3 ranks the run is repeatable, but not the same" reproducible.log
    exit
fi
OMP_NUM_THREADS=2 RANKS=1 train on_1 run.reproducible=true
RANKS=4 train on_4 run.reproducible=true
check "1 rank of 2 threads, and 2 ranks" same_bits on_1 reproducible
check "4 ranks, and 2" same_bits on_4 reproducible

# bfloat16 is for CPUs that have it, all of them: rank 1 pretends to be an older one.
train half run.precision=auto
check "bfloat16, where it is taken, gives nearly the losses of full" alike half full 3e-2
one_older() {
    mpirun -np 2 bash -c '[[ $OMPI_COMM_WORLD_RANK = 0 ]] || export DNNL_MAX_CPU_ISA=AVX2; exec "$0" "$@"' "$program" "$@"
}
expect 3 "run.precision: bfloat16 has no instructions on the CPU of some rank" one_older train config.yaml run.name=x \
    run.precision=bfloat16
hint "run.precision: auto takes bfloat16 where it is faster, and float32 elsewhere"
expect 0 "float32 (auto: no fast bfloat16 here)" one_older train config.yaml run.name=older run.precision=auto
expect 0 "float32 (auto: the loss soft knows no other)" qctx train config.yaml run.name=soft_auto loss.kind=soft \
    run.precision=auto
check "ranks of two kinds hold one head" alike older full 1e-5

# The limit decides what is kept, and no bit: in the least that a step needs, no scores are, but computed again.
expect 3 "is below the least that a step of 101 questions needs on 2 ranks" qctx train config.yaml run.name=x \
    loss.similarity=rows run.memory=100kB
least=$(sed -nE 's/.*what would fit: run.memory: ([0-9]+kB).*/\1/p' output)
train tight loss.similarity=rows "run.memory=$least"
expect 3 "is below the least" qctx train config.yaml --resume run.name=tight loss.similarity=rows run.memory=100kB
check "a run that goes on is told nothing that it may not change" \
    bash -c "! grep -E 'what would fit.*(batch.size|loss.similarity)' output"
check "no scores are kept" grep -q " 0% of the scores kept" tight.log
check "what is not kept is computed again, bit by bit" same_bits tight rows

# A run goes on as it began, also where it left that open and could now take something else.
expect 3 "with similarity ring" qctx train config.yaml run.name=x run.memory=100kB
least=$(sed -nE 's/.*what would fit: run.memory: ([0-9]+kB).*/\1/p' output)
train small batch.epochs=1 "run.memory=$least"
check "only ring fits" grep -qF "similarity ring (auto)" small.log
expect 0 "similarity ring, float32" qctx train config.yaml run.name=small --resume run.memory=1GB
expect 7 "loss.similarity: was auto, now it is rows" alone train config.yaml run.name=small --resume loss.similarity=rows
train sigmoid loss.kind=sigmoid loss.logit_scale.init=10 batch.epochs=1
check "the checkpoint has the bias" bash -c "'$program' info runs/sigmoid/checkpoints/best.h5 | grep '^logit bias: *-'"
expect 0 "Results: runs/sigmoid" qctx train config.yaml run.name=sigmoid --resume loss.kind=sigmoid \
    loss.logit_scale.init=10 run.memory=1GB
expect 7 "loss.kind: was clip, now it is sigmoid" alone train config.yaml run.name=small --resume loss.kind=sigmoid

# Refused before the first step.
expect 3 "run.memory: expected 0 or a size with its unit, such as 500MB or 2GiB, found '500mb'; did you mean 500MB?" \
    alone train config.yaml run.name=x run.memory=500mb
expect 3 "loss.similarity: only full knows the loss soft" alone train config.yaml run.name=x loss.kind=soft \
    loss.similarity=ring
RANKS=3 expect 7 "loss.similarity: ring needs two questions a rank, batch.size 5 gives one to some of 3 ranks" \
    qctx train config.yaml run.name=x batch.size=5 loss.similarity=ring
hint "raise batch.size to 6, start at most 2 ranks, or set loss.similarity: rows"
check "nothing was begun" test ! -e runs/x

# More than any machine has: one message for all ranks, with size and purpose.
expect 9 "and the node has" alone train config.yaml run.name=x model.hidden=1048576 model.layers=8
expect 9 "cannot allocate" qctx train config.yaml run.name=x model.hidden=1048576 model.layers=8 run.memory=9000TB
check "it is said once" test "$(grep -c '^qctx-dist:' output)" = 1
