# ranks: 1
# What a clumsy or hostile user may do: each gets one message with file, place and hint, the documented exit code from
# every rank, and nothing half-written. Where the number of ranks matters, more of them are started.
source tests/support/cli.sh

alone() { RANKS=0 qctx "$@"; }
ranks() { # N ARGUMENT...
    RANKS=$1 qctx "${@:2}"
}
# hint TEXT: the last output holds this, too.
hint() {
    mv output said
    expect 0 "$1" cat said
}

# A corpus of four questions, of which each test below spoils one file.
corpus() {
    rm -rf "$1" && mkdir -p "$1/qrels"
    for i in 0 1 2 3; do
        echo "{\"_id\": \"c$i\", \"text\": \"context number $i tells of rivers\"}" >>"$1/corpus.jsonl"
        echo "{\"_id\": \"q$i\", \"text\": \"what does number $i tell?\"}" >>"$1/queries.jsonl"
        printf 'q%s\tc%s\t1\n' $i $i >>"$1/qrels/train.tsv"
    done
}
# spoilt CODE TEXT: embedding the corpus "bad" is refused.
spoilt() {
    expect "$1" "$2" alone embed bad --out bad.h5
    corpus bad
}
layout="a corpus is a folder with corpus.jsonl"

corpus good
corpus bad
: >bad/corpus.jsonl && spoilt 6 "bad: corpus.jsonl holds no context"
hint "$layout"
: >bad/queries.jsonl && spoilt 6 "bad: queries.jsonl holds no question"
: >bad/qrels/train.tsv && spoilt 6 "bad/qrels/train.tsv: the split 'train' has no question with an answer"
rm -r bad/qrels && spoilt 4 "bad/qrels: cannot open the folder of splits"
hint "$layout"
rm bad/queries.jsonl && spoilt 4 "bad/queries.jsonl: cannot open for reading"
hint "$layout"
printf '{"_id": "q9", "text": "caf\xe9"}\n' >>bad/queries.jsonl && spoilt 5 "bad/queries.jsonl:5:27: the byte 0xe9"
hint "iconv"
echo '{"_id": "q9"}' >>bad/queries.jsonl && spoilt 5 "bad/queries.jsonl:5: the key 'text' is missing"
hint "$layout"
echo '{"_id": "q9", "te' >>bad/queries.jsonl && spoilt 5 "bad/queries.jsonl:5:"
check "a spoilt line says nothing of the layout" test "$(grep -c "$layout" output)" = 0
echo '{"_id": "q1", "text": "x"}' >>bad/queries.jsonl && spoilt 5 "the id 'q1' stands on an earlier line too"
printf 'q1\n' >>bad/qrels/train.tsv && spoilt 5 "bad/qrels/train.tsv:5: expected question id, context id and score"
rm bad/corpus.jsonl
for n in 2 6; do
    expect 4 "bad/corpus.jsonl: cannot open" ranks $n embed bad --out bad.h5
    check "$n ranks say it once" test "$(grep -c '^qctx-dist:' output)" = 1
done
corpus bad

echo '{"question": "Who?", "contxt": "A cat."}' >typo.jsonl
expect 5 "typo.jsonl:1: the key 'context' is missing" ranks 3 import --out x --split train typo.jsonl
hint "other names: --columns question=NAME,context=NAME"

# Outputs: no name, a folder, a device, a file in the way, a folder that refuses.
expect 2 "is not the name of a file" alone embed good --out ''
expect 2 "is not the name of a file" alone embed good --out stores/
expect 4 "good: it is a folder" alone embed good --out good --force
mkfifo pipe
for special in /dev/null pipe; do
    expect 4 "$special: it is a device, a pipe or a socket" alone embed good --out $special --force
done
check "the device is still there" test -c /dev/null
check "the pipe is still there" test -p pipe
touch file
expect 4 "file: cannot make the folder: a file of this name is in the way" alone embed good --out file/x.h5
expect 4 "/proc/x.h5" alone embed good --out /proc/x.h5
expect 8 "only a corpus is replaced" alone synth --out file --force

# Inputs that are no files: a pipe must not be waited for.
briefly() { timeout 20 "$program" "$@"; }
expect 4 "pipe: cannot open: it is a device, a pipe or a socket" briefly info pipe
expect 4 "pipe: cannot open: it is a device, a pipe or a socket" briefly eval pipe
expect 4 "pipe: cannot open" briefly embed good --out x.h5 --encoder pipe
expect 5 "file: is not a checkpoint" alone eval file
hint "checkpoints stand in <run>"

# Numbers out of range are told with plain numbers.
expect 2 "10 is out of range, expected 30 to 20000000" alone synth --out x --questions 10
expect 2 "99999999999999999999 is out of range" alone synth --out x --questions 99999999999999999999
expect 2 "1 is out of range, expected 2 to" alone eval x --pool 1

# Training: what the data cannot give, and what stands in the way.
cat >config.yaml <<'YAML'
run: {name: small, seed: 7}
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}]}
model: {hidden: 16}
optim: {warmup: 1}
batch: {size: 100, epochs: 2}
eval: {pool: 20, bootstrap: 50}
YAML
check "a corpus" alone synth --out corpus --questions 400 --seed 3
check "a run" alone train config.yaml
printf 'run: {name: caf\xe9}\n' >latin.yaml
expect 3 "latin.yaml:1:17: not UTF-8" alone train latin.yaml
expect 6 "larger than the training data (1 question)" alone train config.yaml run.name=x batch.size=2 \
    'data.train=[{corpus: corpus, limit: 1}]'
hint "train on two at least"
expect 4 "a file of this name is in the way" alone train config.yaml run.out=file
expect 7 "batch.size: 4 questions a step are too few for 5 ranks" ranks 5 train config.yaml run.name=few batch.size=4
hint "start at most 4 ranks, or raise batch.size to 5"
expect 0 "difference" ranks 5 train config.yaml run.name=few batch.size=5 batch.steps=3 eval.tune=0 eval.pool=100000
expect 0 "runs/none (summary.json" alone train config.yaml run.name=none eval.tune=0 'data.eval=[]'
expect 6 "has no data.eval" alone eval runs/none

# A killed run: nothing torn is used or kept, and it goes on.
echo torn >runs/small/checkpoints/step-000000009.h5.partial
expect 0 "resuming from runs/small/checkpoints/step-000000004.h5" alone train config.yaml --resume batch.epochs=3
check "no half-written checkpoint stays" test ! -e runs/small/checkpoints/step-000000009.h5.partial
check "another corpus" alone synth --out large --questions 8000
"$program" embed large --out large.h5 >output 2>&1 &
until [[ -e large.h5.partial || ! -d /proc/$! ]]; do sleep 0.01; done
kill -TERM $! && wait $!
check "what is left is whole or not there" bash -c "test ! -e large.h5 || $program info large.h5"
expect 0 "8000 questions" ranks 2 embed large --out large.h5 --force
check "nothing half-written stays" test ! -e large.h5.partial

# Checkpoints that are torn, changed, or of the version before there was a header.
head -c 3000 runs/small/checkpoints/best.h5 >torn.h5
expect 6 "torn.h5: the checkpoint is torn: it has 3000 bytes, its header says" alone info torn.h5
hint "use an earlier checkpoint of the run"
cp runs/small/checkpoints/best.h5 changed.h5
printf x | dd of=changed.h5 bs=1 seek=2500 conv=notrunc 2>log
expect 6 "changed.h5: the checkpoint is damaged: the checksum of its bytes" ranks 2 info changed.h5
tail -c +513 runs/small/checkpoints/best.h5 >old.h5
expect 5 "old.h5: is a plain HDF5 file" alone eval old.h5
hint "train the run again with --force"

# A run that is begun anew has not the outcome of the one before; one that never got far says how to begin anew.
diverge="model.form=plain optim.kind=sgd optim.lr=1e30 optim.clip_norm=0 loss.normalize=false"
expect 10 "not finite" alone train config.yaml run.name=few --force $diverge
check "the old summary is gone" test ! -e runs/few/summary.json
mkdir -p runs/begun/checkpoints
expect 4 "no checkpoint to resume from" alone train config.yaml run.name=begun --resume
hint "begin it anew with --force"

# A run whose corpus and stores have gone; the store alone would do.
mkdir gone
mv corpus stores gone
expect 4 "corpus: " ranks 2 eval runs/small
hint "QCTX_STORES"
expect 4 "corpus: " alone search runs/small "who founded it?"
hint "QCTX_STORES"
mv gone/* .

# A full disk, on one that is small.
mkdir disk
if mount -t tmpfs -o size=1m tmpfs disk 2>log; then
    expect 13 "disk/c: cannot write: No space left on device" alone synth --out disk/c --questions 20000
    hint "free some space"
    expect 13 "No space left on device" ranks 3 embed corpus --out disk/s.h5
    hint "free some space"
    check "nothing is left on the disk" test -z "$(ls disk)"
    expect 13 "No space left on device" ranks 2 train config.yaml run.out=disk/runs
    hint "--resume goes on where there is a checkpoint"
    check "no checkpoint is half there" bash -c '! find disk -name "*.partial" | grep .'
    check "the one that is there is whole" alone info disk/runs/small
    umount disk
else
    skip "a full disk: this user cannot mount one"
fi
expect 13 "standard output: cannot write the results: No space left on device" bash -c "$program info corpus >/dev/full"
check "nothing half-written anywhere" bash -c '! find . -name "*.partial" | grep .'
