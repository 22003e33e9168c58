# ranks: 2
# A run that is moved: with its project, alone with its stores, without anything; its model, too. What is found and is
# not the same is never taken.
source tests/support/cli.sh
RANKS=2

mkdir home elsewhere
cd home || exit 1
expect 0 "questions" qctx synth --out corpora/mine --questions 300 --seed 1
expect 0 "questions" qctx synth --out corpora/other --questions 300 --seed 2
cp -r "$project/tests/fixtures/models/bert_mean" tiny
mkdir models && mv tiny models/
cat >run.yaml <<'END'
data: {train: [{corpus: corpora/mine}], eval: [{corpus: corpora/mine}]}
batch: {size: 32, epochs: 1}
model: {hidden: 8}
eval: {bootstrap: 10}
END
expect 0 "Results:" qctx train run.yaml
hashed=$(ls stores/mine-*.h5)
expect 0 "Results:" qctx train run.yaml run.name=tiny data.encoder=models/tiny
expect 0 "Results:" qctx train run.yaml run.name=stored \
    "data.train=[{store: $hashed}]" "data.eval=[{store: $hashed}]"
figures() { # RUN: what its evaluation says
    qctx eval "$1" --json 2>/dev/null
}
for run in run tiny stored; do figures runs/$run >"$folder/$run.json"; done
check "there are figures" grep -q top1 "$folder/tiny.json"
cd "$folder" || exit 1

# The whole project, looked at from its folder, from one above it, and from another folder, where it is not looked for
# above the run unless the variables name it: by a path, a link, and a checkpoint alone.
mv home moved
same_figures() { # NAME RUN
    figures "$2" >now.json
    cmp now.json "$folder/$1.json"
}
for run in run tiny stored; do
    check "figures of $run from above its project" same_figures $run moved/runs/$run
done
expect 0 "  1  0." qctx search moved/runs/tiny "who designed the tower?"
check "nothing was embedded above it" test ! -e stores
cd moved || exit 1
for run in run tiny stored; do
    check "figures of $run from its project" same_figures $run runs/$run
done
expect 0 "  1  0." qctx search runs/tiny "who designed the tower?"
cd ../elsewhere || exit 1
expect 4 "corpora/mine: the run was trained with this corpus" qctx eval ../moved/runs/run
expect 4 "stores/mine-" qctx eval ../moved/runs/stored
QCTX_STORES=../moved expect 4 "models/tiny: there is no such model folder" \
    qctx search ../moved/runs/tiny "who designed the tower?"
export QCTX_STORES=../moved QCTX_MODELS=../moved
for run in run tiny stored; do
    check "figures of $run in its project" same_figures $run ../moved/runs/$run
done
ln -s ../moved/runs/tiny linked
check "by a link" same_figures tiny linked
check "by its checkpoint" same_figures tiny ../moved/runs/tiny/checkpoints/best.h5
expect 0 "  1  0." qctx search ../moved/runs/run "who designed the tower?"
expect 0 "  1  0." qctx search ../moved/runs/tiny "who designed the tower?"
expect 0 "kind" qctx info --json ../moved/runs/tiny
check "nothing was embedded here" test ! -e stores

# In this folder stands another corpus of the same name, and a store that has the name of the run's.
mkdir corpora stores && cp -r ../moved/corpora/other corpora/mine
check "another corpus of that name is passed over" same_figures run ../moved/runs/run
cp ../moved/stores/mine-*.h5 stores/
first=$(basename "$(ls stores/mine-*.h5 | head -n 1)") second=$(basename "$(ls stores/mine-*.h5 | tail -n 1)")
mv "stores/$first" x && mv "stores/$second" "stores/$first" && mv x "stores/$second"
check "another store of that name is passed over" same_figures run ../moved/runs/run
rm -r corpora stores
unset QCTX_STORES QCTX_MODELS

# The run and the stores alone, under other names.
copies=0
mkdir kept vectors
cp -r ../moved/runs/run ../moved/runs/tiny ../moved/runs/stored kept/
for store in ../moved/stores/mine-*.h5; do cp "$store" "vectors/copy-$((copies += 1)).h5"; done
mv ../moved ../gone
expect 4 "corpora/mine: the run was trained with this corpus: neither it nor its store mine-" qctx eval kept/run
cp output said
check "where it was looked for" grep -q "looked for in this folder, in kept/run and the folders between it and this one, and in QCTX_STORES, which is not set" said
check "what to do" grep -q "hint: name the folder that holds mine-.*h5 in QCTX_STORES" said
check "nothing is to be put back" bash -c '! grep -qE "put it back|hf download" said'
expect 4 "stores/mine-" qctx search kept/stored "who?"
export QCTX_STORES=nowhere:vectors
for run in run tiny stored; do check "figures of $run by its store" same_figures $run kept/$run; done
expect 0 "  1  0." qctx search kept/run "who designed the tower?"

# The model: gone, then under another name, then another one under its name.
expect 4 "models/tiny: there is no such model folder" qctx search kept/tiny "who designed the tower?"
cp output said
check "where it was looked for, too" grep -q "nor in kept/tiny or the folders between it and this one, and QCTX_MODELS is not set" said
check "no command that cannot work" bash -c '! grep -qE "put it back|hf download" said'
mkdir shelf && cp -r ../gone/models/tiny shelf/small-bert
export QCTX_MODELS=shelf
expect 0 "models/tiny is found as shelf/small-bert, by its hash" qctx search kept/tiny "who designed the tower?"
cp -r shelf/small-bert shelf/tiny
echo '{"max_seq_length": 7}' >shelf/tiny/sentence_bert_config.json
expect 0 "models/tiny is found as shelf/small-bert, by its hash" qctx search kept/tiny "who designed the tower?"
rm -r shelf/small-bert
expect 0 "  1  0." qctx search kept/stored "who designed the tower?"
expect 7 "shelf/tiny: found a model with the hash" qctx search kept/tiny "who designed the tower?"
unset QCTX_MODELS
mkdir kept/tiny/models && cp -r ../gone/models/tiny kept/tiny/models/
expect 0 "  1  0." qctx search kept/tiny "who designed the tower?"

# The stores within the run, and one that was changed since.
unset QCTX_STORES
mkdir kept/run/stores && cp ../gone/stores/mine-*.h5 kept/run/stores/
check "figures by stores within the run" same_figures run kept/run
rm -r kept/run/stores
mkdir stores && cp ../gone/stores/other-*.h5 stores/ 2>/dev/null || qctx embed ../gone/corpora/other --out stores/other.h5 2>/dev/null
cp stores/other*.h5 "stores/$(basename "$hashed")"
expect 7 "is another store: its checksum is" qctx eval kept/stored

# A corpus that was changed since, and one that has its name where the program is started.
rm -r stores && cp -r ../gone again && cd again || exit 1
echo '{"_id": "new", "text": "a text that was added later"}' >>corpora/mine/corpus.jsonl
expect 7 "corpora/mine: is not the corpus that the head was trained on: its fingerprint is" qctx eval runs/tiny
expect 7 "again/corpora/mine, search --corpus /" qctx search runs/run "who?"
# Its store stands: other documents need no more of the run than the encoder.
expect 0 "corpora/mine: is passed over" qctx search runs/run "who?" --corpus corpora/other
expect 0 "  1  0." qctx search runs/run "who?" --corpus corpora/other
echo "The firm paid for the tower." >note.txt
expect 0 "  1  0." qctx search runs/run "who?" --text note.txt
expect 0 "301 contexts" qctx search runs/run "who?" --corpus corpora/mine
expect 0 "301 contexts embedded" qctx eval runs/tiny --source corpora/mine --split dev
mv runs .. && mv stores ../vectors
export QCTX_STORES=../vectors
expect 0 "corpora/mine: is passed over" qctx eval ../runs/tiny
check "the figures are the run's" same_figures tiny ../runs/tiny
unset QCTX_STORES
expect 7 "is not the corpus that the run was trained with: its fingerprint is" qctx eval ../runs/tiny
