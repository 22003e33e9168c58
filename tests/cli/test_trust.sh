# ranks: 1
# A stranger's run: what its files name is neither read nor made where nobody has named it, by a path, by "..", by a link
# in the run's folder; what the user allows is.
source tests/support/cli.sh
RANKS=0

# What the stranger wants to be read and made lies in `outside`; the victim works in `work`.
mkdir -p outside/models work
outside=$folder/outside
cp -r "$project/tests/fixtures/models/bert_mean" outside/models/tiny
cd outside || exit 1
expect 0 "questions" qctx synth --out mine --questions 300 --seed 1
expect 0 "questions" qctx synth --out "$folder/work/own" --questions 300 --seed 2
cd ../work || exit 1
cat >run.yaml <<YAML
data: {cache: $outside/cache}
batch: {size: 32, epochs: 1}
model: {hidden: 8}
eval: {bootstrap: 10}
YAML
train_on() { # KIND PATH OVERRIDE...: trains and evaluates on that corpus or store
    "$program" train run.yaml "data.train=[{$1: $2}]" "data.eval=[{$1: $2}]" "${@:3}"
}
expect 0 "Results:" train_on corpus "$outside/mine" run.name=corpus
expect 0 "Results:" train_on corpus own run.name=model "data.encoder=$outside/models/tiny"
expect 0 "Results:" train_on corpus own run.name=up data.encoder=../outside/models/tiny
expect 0 "Results:" train_on corpus own run.name=cache
expect 0 "Results:" train_on corpus own run.name=named data.cache=made
store=$outside/mine.h5
cp "$outside"/cache/mine-*.h5 "$store"
expect 0 "Results:" train_on store "$store" run.name=store
mkdir ../shelf && cp -r ../outside/models/tiny ../shelf/ && cp -r ../outside/mine "$store" ../shelf/

# Whoever opens a pipe waits for ever, and what is made is seen in the listing.
rm -r "$outside/cache" made
for file in mine/corpus.jsonl mine/queries.jsonl mine/qrels/train.tsv mine.h5 models/tiny/config.json \
    models/tiny/tokenizer.json models/tiny/modules.json; do
    rm -f "$outside/$file"
    mkfifo "$outside/$file"
done
ls -lRA "$outside" "$folder" --ignore=work >"$folder/work/listing"
untouched() {
    ls -lRA "$outside" "$folder" --ignore=work | cmp - "$folder/work/listing"
}
refuses() { # CODE TEXT COMMAND...: within a time, and nothing outside is touched
    expect "$1" "$2" timeout 60 "$program" "${@:3}"
    cp output said
    check "nothing outside was touched by ${*:3}" untouched
    check "no folder was made by ${*:3}" test ! -e made
}

allowed="only a file names it, and it lies neither in the working folder nor in runs/"
refuses 4 "$outside/models/tiny: $allowed" search runs/model who
check "the hint names the variable" grep -q "hint: .*QCTX_MODELS" said
refuses 4 "$outside/models/tiny: $allowed" eval runs/model
refuses 4 "../outside/models/tiny: $allowed" search runs/up who
refuses 4 "$outside/models/tiny: $allowed" search runs/model who --corpus own
for command in eval search; do
    question=$([[ $command = eval ]] || echo who)
    for run in corpus store; do
        refuses 4 "what stands there is not read: only the run names it" $command runs/$run $question
        check "it is named" grep -qE "qctx-dist: $outside/mine(.h5)?: " said
        check "the hint names the variable" grep -q "hint: .*QCTX_STORES" said
    done
done
for run in corpus model up cache named store; do refuses 0 "finished" info runs/$run; done
refuses 0 "finished" info runs

# Stores are made where the user is at work, which is said.
refuses 0 "stores are made in stores: $outside/cache, the run's data.cache, is not used" eval runs/cache
check "a store was made here" test -e stores
refuses 0 "stores are made in stores: made, the run's data.cache, is not used" search runs/named who
echo "The firm paid for the tower." >note.txt
refuses 0 "  1  " search runs/named who --text note.txt
expect 0 "Results:" train_on corpus own run.name=warm data.cache=stores model.start=runs/cache
check "nothing outside was touched by a warm start" untouched

# What the user allows: a folder, a name, or a link of the user's own.
export QCTX_MODELS=$folder/shelf
expect 0 "  1  " timeout 60 "$program" search runs/model who
unset QCTX_MODELS
export QCTX_STORES=$folder/shelf
expect 0 "top-1" timeout 60 "$program" eval runs/store
expect 0 "top-1" timeout 60 "$program" eval runs/corpus
unset QCTX_STORES
expect 0 "top-1" timeout 60 "$program" eval runs/cache --source "$folder/shelf/mine"
ln -s "$folder/shelf" models
expect 0 "Results:" train_on corpus own run.name=linked data.cache=cached data.encoder=models/tiny
expect 0 "  1  " qctx search runs/linked who
rm models
expect 3 "unknown encoder 'models/tiny'" qctx search runs/linked who --text note.txt

# Links in the run's folder.
ln -s "$outside/models" runs/linked/models
refuses 3 "unknown encoder 'models/tiny'" search runs/linked who --text note.txt
rm runs/linked/models
cp -r "$folder/shelf" runs/linked/models
expect 0 "  1  " qctx search runs/linked who --text note.txt
mkfifo "$outside/pipe"
ls -lRA "$outside" "$folder" --ignore=work >listing
for file in config.yaml summary.json checkpoints/best.h5; do
    cp -r runs/cache runs/strange
    ln -sf "$outside/pipe" "runs/strange/$file"
    refuses 4 "runs/strange/$file: is a symbolic link" info runs/strange
    if [[ $file = checkpoints/best.h5 ]]; then
        refuses 4 "runs/strange/$file: is a symbolic link" eval runs/strange
    else
        refuses 0 "runs/strange/$file: is a symbolic link" info runs
    fi
    rm -r runs/strange
done

# A store that was made by a model elsewhere.
expect 0 "questions" qctx embed own --out own.h5 --encoder "$folder/shelf/tiny"
expect 0 "  1  " qctx search --encoder "$folder/shelf/tiny" --store own.h5 who
expect 4 "$folder/shelf/tiny: only a file names it" qctx embed own --out again.h5 --encoder own.h5

# What a run records by a relative path is not looked for in the folders that the run was put in: a stranger could read
# whatever is known to lie there. Where the user is at work, and what QCTX_STORES names, is the user's own word.
mkdir -p "$folder/home/secret" "$folder/home/aside" && cd "$folder/home" || exit 1
cp -r "$folder/shelf/mine" secret/corpus && cp -r "$folder/shelf/tiny" secret/tiny
cp "$folder/work/run.yaml" "$folder/work/note.txt" .
expect 0 "Results:" train_on corpus secret/corpus run.out=dl run.name=evil data.cache=stores
expect 0 "Results:" train_on corpus secret/corpus run.out=dl run.name=model data.cache=stores data.encoder=secret/tiny
rm -r stores
for place in aside dl dl/evil; do
    cd "$folder/home/$place" || exit 1
    ls >"$folder/before"
    expect 4 "secret/corpus: the run was trained with this corpus: neither it nor its store" \
        qctx search "$folder/home/dl/evil" who
    expect 4 "and the folders between it and this one, and in QCTX_STORES" \
        qctx eval "$folder/home/dl/evil"
    expect 3 "unknown encoder 'secret/tiny'" \
        qctx search "$folder/home/dl/model" who --text "$folder/home/note.txt"
    rm output
    check "nothing was made in $place" bash -c "ls | grep -v '^output$' | cmp - $folder/before"
    rm output
done
cd "$folder/home/aside" || exit 1
QCTX_STORES=.. expect 0 "top-1" qctx eval ../dl/evil
cd .. && expect 0 "  1  " qctx search dl/evil who
