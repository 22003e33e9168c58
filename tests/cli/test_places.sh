# ranks: 1
# Folders that cannot be made: what is in the way, and which key or option chooses another place; before any work.
source tests/support/cli.sh
RANKS=0

expect 0 "questions" qctx synth --out corpus --questions 60 --seed 1
cat >run.yaml <<'END'
data: {train: [{corpus: corpus}]}
batch: {size: 16, epochs: 1}
model: {hidden: 8}
END
printf 'question\tcontext\nwho?\tshe.\n' >pairs.tsv
echo "a file" >file

expect 4 "file: cannot make the folder: a file of this name is in the way" qctx train run.yaml run.out=file
expect 4 "hint: choose another place, which may be written to: run.out=FOLDER" qctx train run.yaml run.out=file/deeper/still
check "nothing was embedded before" test ! -e stores
expect 4 "which may be written to: data.cache=FOLDER" qctx train run.yaml data.cache=file/stores
expect 4 "which may be written to: --out FOLDER" qctx synth --out file/corpus
expect 4 "which may be written to: --out FOLDER" qctx import --out file/corpus --split train pairs.tsv
expect 4 "which may be written to: --out FILE" qctx embed corpus --out file/store.h5
cat >sweep.yaml <<'END'
config: run.yaml
out: file/sweeps
method: grid
metric: {name: top1}
parameters: {optim.lr: {values: [1e-3]}}
END
expect 4 "which may be written to: out, in the sweep's file" qctx sweep sweep.yaml

# A file system to read alone, also for root; made of a namespace where that may be done.
mkdir sealed
sealed() { unshare -rm bash -c 'mount --bind sealed sealed && mount -o remount,ro,bind sealed && "$@"' - "$@"; }
if sealed true 2>/dev/null; then
    expect 4 "sealed/runs/run: cannot make the folder: Read-only file system" sealed "$program" train run.yaml run.out=sealed/runs
    expect 4 "run.out=FOLDER" sealed "$program" train run.yaml run.out=sealed/runs
    expect 4 "Read-only file system" sealed "$program" synth --out sealed/corpus
    expect 0 "Results" qctx train run.yaml run.out=sealed/done
    expect 4 "sealed/done/run/lock: cannot open for writing: Read-only file system" sealed "$program" train run.yaml \
        run.out=sealed/done --resume
    expect 4 "run.out=FOLDER" sealed "$program" train run.yaml run.out=sealed/done --resume
else
    skip "no file system can be sealed here"
fi
# No right to write, where the tests are not root's.
if [[ $(id -u) != 0 ]]; then
    mkdir -m 555 closed
    expect 4 "closed/runs/run: cannot make the folder: Permission denied" qctx train run.yaml run.out=closed/runs
fi
