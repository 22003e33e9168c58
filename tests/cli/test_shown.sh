# ranks: 1
# Text from outside is shown escaped, whichever command shows it: ids, titles, texts, keys, splits, paths and values that
# hold what a terminal would obey, what reorders or hides what stands beside it, line ends, and bytes that are no UTF-8.
source tests/support/cli.sh
RANKS=0

# A path may hold all of it but '/'; the second line would look as if the program had said it.
forged=$'\nqctx-dist: all is well'
evil=$'x\e[31m\u009b31m\u202e\u2066\u2028\u200b\a\U000e0041'
# What a configuration takes as a text: no control characters.
named=$'y\u202e\u2066\u200b\u061c'

raw=$'[\\x01-\\x08\\x0b-\\x1f\\x7f]|\\xc2[\\x80-\\x9f]|\\xe2\\x80[\\x8b\\x8e\\x8f\\xa8-\\xae]|\\xe2\\x81[\\xa0-\\xaf]|\\xd8\\x9c|\\xef\\xbb\\xbf|\\xf3\\xa0'
is_clean() { # FILE
    if LC_ALL=C grep -aP "$raw" "$1" || grep -a "^qctx-dist: all is well" "$1" || ! iconv -f UTF-8 -t UTF-8 "$1"; then
        return 1
    fi | cat -v
    return "${PIPESTATUS[0]}"
}
# As expect, and nothing of what it says, on standard output or error, would be obeyed.
walk() {
    expect "$@"
    cp output said
    check "clean: $(printf '%q ' "${@:3}" | cut -c 1-300)" is_clean said
}
printf '%s' "$evil" >planted
check "what is planted is found" eval '! is_clean planted'
printf 'caf\xc3\n' >planted
check "what is no UTF-8 is found" eval '! is_clean planted'

# Every field of a record.
for ((i = 0; i < 200; i++)); do
    printf '{"id": "q%d\\u001b[31m\\u009b31m\\u202e\\u2028\\nqctx-dist: all is well", ' $i
    printf '"question": "who\\u001b]0;t\\u0007 built\\u202e tower %d\\u200b?", ' $i
    printf '"context": "the firm %d\\u009b2J built\\u2066 it\\u0085 for\\u001b[2J money\\udb40\\udc41", ' $((i / 2))
    printf '"title": "tower\\u202e %d\\u001b[1m\\nqctx-dist: all is well", "key\\u001b[2J\\u202e": 1}\n' $((i / 4))
done >"records$evil.jsonl"
corpus=corpora/$evil
walk 0 'not used: key\x1b[2J\u202e' qctx import --out "$corpus" --holdout 0.2,0.2 "records$evil.jsonl"
walk 0 'corpora/x\x1b[31m\u009b31m\u202e\u2066\u2028\u200b\x07\U000e0041: ' qctx import --out "$corpus" --force --split test "records$evil.jsonl" --split train "records$evil.jsonl"
walk 0 "" qctx import --out corpora/mine --holdout 0.2,0.2 "records$evil.jsonl"
walk 8 'x\x1b' qctx import --out "$corpus" --split test "records$evil.jsonl"
walk 2 'cannot be a split' qctx import --out c2 --split "$evil$forged" "records$evil.jsonl"
walk 2 'x\x1b[31m' qctx import --out c2 --holdout "$evil" "records$evil.jsonl"
walk 4 'nowhere\nqctx-dist: all is well' qctx import --out c2 --split test "nowhere$forged"
printf '{"question": "a", "context": "b"}\n{"question": \x1b[31m"\xc2\x9b"\n' >"broken$evil"
walk 0 "left out as malformed: 1" qctx import --out c2 --split test "broken$evil"
walk 5 'x\x1b' qctx import --strict --force --out c2 --split test "broken$evil"
printf 'plain \x9b\xe2\x80 \n' >"bytes$evil"
walk 5 'x\x1b' qctx import --out c3 --split test "bytes$evil"
walk 2 'is not a command of qctx-dist' qctx "$evil$forged"
walk 2 'x\x1b' qctx import "--$evil"
walk 4 'caf\xc3' qctx info $'caf\xc3'
walk 0 'x\x1b' qctx synth --out "synth$evil" --questions 100
walk 8 'x\x1b' qctx synth --out "synth$evil" --questions 100

# Stores.
walk 0 "" qctx embed "$corpus" --out "$evil.h5"
walk 8 'x\x1b' qctx embed "$corpus" --out "$evil.h5"
walk 3 'unknown encoder' qctx embed "$corpus" --out no.h5 --encoder "$evil$forged"
walk 0 'x\x1b' qctx info "$corpus" "$evil.h5"
walk 0 '\u001B' qctx info --json "$corpus" "$evil.h5"
walk 4 'x\x1b' qctx eval "no$evil.h5"
walk 0 "mrr" qctx eval "$evil.h5" --split test --json --candidates corpus --predictions predictions.jsonl
walk 6 'x\x1b' qctx eval "$evil.h5" --split "$evil"

# Runs.
cat >"$named.yaml" <<YAML
data:
  train: [{corpus: corpora/mine, split: train}]
  eval: [{corpus: corpora/mine, split: test, name: "$named"}]
batch: {size: 32, epochs: 1}
model: {hidden: 8}
eval: {bootstrap: 10, predictions: 3}
YAML
walk 0 'Results: runs/y\u202e' qctx train "$named.yaml" "run.name=$named"
run=runs/$named
check "log.txt is clean" is_clean "$run/log.txt"
check "log.txt says the name" grep -qF 'y\u202e' "$run/log.txt"
check "config.yaml is clean" is_clean "$run/config.yaml"
check "summary.json is clean" is_clean "$run/summary.json"
check "metrics.jsonl is clean" is_clean "$run/metrics.jsonl"
check "predictions are clean" is_clean predictions.jsonl
walk 0 'y\u202e' qctx info runs "$run" "$named.yaml" "$run/checkpoints/best.h5"
walk 0 '\u202E' qctx info --json runs "$run" "$named.yaml"
walk 0 'y\u202e' qctx eval "$run"
walk 0 '\u202E' qctx eval "$run" --json
walk 0 'tower\u202e' qctx search "$run" "who$evil built the tower"
walk 0 '\u001B' qctx search --json "$run" "who$evil built the tower"
printf 'a note\e[31m of \xc2\x9b the firm\n\nand \xe2\x80\xae more' >"note$evil.txt"
walk 0 'note' qctx search "$run" "firm" --text "note$evil.txt"
walk 3 'x\x1b' qctx train "$named.yaml" "run.nam$evil=1"
walk 3 'batch.size' qctx train "$named.yaml" "batch.size=$evil$forged"
printf 'data: {tra\xe2\x80\xaein\x1b: 1}\n' >broken.yaml
walk 3 'broken.yaml:1' qctx train broken.yaml
printf 'data: {"tra\\e[31m\\u202ein\\n": 1, ? "\\x9b" : 2}\n' >broken.yaml
walk 3 'u202e' qctx train broken.yaml
export QCTX_MODELS="/no$evil$forged"
walk 3 'QCTX_MODELS=/nox\x1b' qctx train "$named.yaml" run.name=r data.encoder=none
unset QCTX_MODELS
printf 'torn' >"$run/checkpoints/best.h5"
walk 5 'y\u202e' qctx eval "$run"

# Sweeps.
cat >sweep.yaml <<YAML
config: "$named.yaml"
out: sweeps
name: "s|$named"
method: grid
parameters:
  data.eval:
    values:
      - [{corpus: corpora/mine, split: test, name: "p|$named"}]
      - [{corpus: corpora/mine, split: dev, name: "q|$named"}]
YAML
walk 0 'y\u202e' qctx sweep sweep.yaml
walk 0 's\|y\u202e' qctx sweep table sweep.yaml
walk 0 'y\u202e' qctx sweep table --format csv sweep.yaml
walk 0 'y\u202e' qctx sweep status sweep.yaml
walk 0 'u202E' qctx sweep best sweep.yaml

walk 2 'x\x1b' qctx bench "$evil"
RANKS=2
walk 4 'nowhere\nqctx-dist: all is well' qctx info "nowhere$forged"
walk 0 'y\u202e' qctx train "$named.yaml" "run.name=two$named"
check "log.txt of two ranks is clean" is_clean "runs/two$named/log.txt"
