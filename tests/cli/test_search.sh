#!/usr/bin/env bash
# search line by line: pipes, JSON, a terminal, ranks that fall silent. ranks: 1 2 3
. "$(dirname "${BASH_SOURCE[0]}")/../support/cli.sh"
. "$project/tests/support/jobs.sh"

alone() { "$program" "$@"; }

cat >config.yaml <<'YAML'
data: {train: [{corpus: places, split: train}]}
run: {name: small, hang_timeout: 2}
batch: {size: 32, epochs: 1}
model: {hidden: 16}
YAML
alone synth --out places --questions 200 --seed 1 >/dev/null 2>&1
alone train config.yaml >/dev/null 2>&1

# Every line has its line of JSON, in order, whatever stands in it.
lines() { printf 'tower\n\n \ncaf\xe9\na\0b\nquit\nexit\n'; head -c 70000 /dev/zero | tr '\0' x; printf '\r\n?!\nfirm'; }
lines | qctx search runs/small --json --top 2 >answers 2>log
check "the exit code" test "${PIPESTATUS[1]}" = 0
cat >kinds <<'END'
hits
the question has no words
the question has no words
the question is not UTF-8 at byte 4
the question holds a NUL character at byte 2
hits
hits
the question has 70001 bytes, expected at most 65536
the question has no words
hits
END
sed -E 's/.*"hits":.*/hits/; s/.*"error":"([^"]*)".*/\1/' answers >found
check "an answer to every line" cmp kinds found
check "what was asked" grep -q $'^{"question":"caf\xef\xbf\xbd","error"' answers
check "long lines are cut" awk 'length > 2500 { exit 1 }' answers

# Results that cannot be written end it, at the first of them.
expect 13 "standard output: cannot write the results: No space left on device" \
    bash -c "'$program' search runs/small tower >/dev/full"
expect 13 "No space left on device" bash -c "printf 'a\n\n' | '$program' search runs/small --json >/dev/full"

# Without JSON what cannot be asked is warned of, by its line, and 'exit' leaves.
printf 'tower\n\ncaf\xe9\nfirm\nexit\nnever\n' | qctx search runs/small --top 1 >answers 2>log
check "the exit code" test "${PIPESTATUS[1]}" = 0
check "two answers" test "$(grep -c '^  1 ' answers)" = 2
check "no prompt in a pipe" test "$(grep -c 'question>' answers)" = 0
check "a warning with the line" grep -q "warning: line 2: the question has no words" log
check "a warning with the line" grep -q "warning: line 3: the question is not UTF-8 at byte 4" log

# Other documents with the same head: a corpus without questions, a store, text files; each result says where it is from.
alone synth --out others --questions 40 --seed 2 >/dev/null 2>&1
mkdir contexts && cp others/corpus.jsonl contexts
printf 'Dr. Smith designed the old tower. He lives in the U.S. now.\n\nThe firm paid\nfor the museum.\n' >notes.txt
expect 0 "  1 " qctx search runs/small "who designed the tower?" --corpus contexts --top 2
mv output answers
check "no source where there is one" test "$(grep -c '\[contexts\]' answers)" = 0
expect 0 "notes.txt-" qctx search runs/small "who designed the old tower?" --corpus contexts --text notes.txt --json --top 40
mv output answers
check "two sources" test "$(grep -o '"source":"[a-z.]*"' answers | sort -u | tr '\n' ' ')" = '"source":"contexts" "source":"notes.txt" '
check "the abbreviation" grep -q '"text":"Dr. Smith designed the old tower."' answers
expect 0 "[config.yaml]" qctx search runs/small "the museum" --text notes.txt --text config.yaml --passages
expect 0 "The firm paid for the museum." qctx search runs/small "the museum" --text notes.txt --passages
expect 0 "reusing stores/contexts-" alone search runs/small tower --store stores/contexts-*.h5 --corpus contexts
expect 0 "[stores/contexts-" alone search runs/small tower --store stores/contexts-*.h5 --text notes.txt
gzip -k notes.txt
expect 0 "The firm paid" alone search runs/small "the firm paid" --text notes.txt.gz

expect 0 "warning: contexts/corpus.jsonl: its first line is a JSON object" \
    alone search runs/small tower --text contexts/corpus.jsonl
expect 2 "standard input is for the questions" alone search runs/small --text -

# Stores of another encoder are refused before anything is embedded.
alone embed others --out others.h5 >/dev/null 2>&1
printf 'Never embedded.\n' >never.txt
expect 7 "others.h5: was made by encoder 'hashing-" qctx search runs/small tower --store others.h5 --text never.txt
check "nothing was embedded" test -z "$(ls stores | grep never)"

# An encoder without a run; hashing learns from what is searched, or a store brings it as it has learnt.
expect 0 "Dr. Smith" qctx search --encoder hashing --text notes.txt "who designed the tower?"
expect 0 "  1 " alone search --encoder others.h5 --store others.h5 --text notes.txt "who designed the tower?"
expect 2 "stores bring none" alone search --encoder hashing --store others.h5 tower
expect 2 "nothing to search" alone search --encoder hashing tower
expect 2 "takes the place of a run" alone search --encoder hashing runs/small tower --text notes.txt
expect 2 "--passages is for text files" alone search runs/small tower --passages
expect 2 "too few arguments" alone search
# What a run was measured on is not wanted for a search, neither of its own contexts nor of others.
alone synth --out asked --questions 40 --seed 5 >/dev/null 2>&1
alone train config.yaml run.name=measured 'data.eval=[{corpus: asked, split: dev}]' >/dev/null 2>&1
rm -r asked stores/asked-*.h5
expect 0 "  1 " qctx search runs/measured tower
expect 0 "Dr. Smith" qctx search runs/measured "who designed the tower?" --text notes.txt
expect 4 "asked" alone eval runs/measured
# A run whose encoder is a model searches where its training data are gone.
cp -r "$project/tests/fixtures/models/bert_mean" model
alone train config.yaml run.name=model data.encoder=model >/dev/null 2>&1
mv places elsewhere
mv stores stores.away
expect 0 "Dr. Smith" qctx search runs/model "who designed the tower?" --text notes.txt
mv elsewhere places
rm -r stores
mv stores.away stores

# A rank that is stopped is named, also while rank 0 waits for a line; rank 0 waits as long as it likes.
if [[ ${RANKS:-1} -gt 1 ]]; then
    mkfifo questions
    # shellcheck disable=SC2016
    mpirun -np "$RANKS" bash -c 'echo $$ $OMPI_COMM_WORLD_RANK >>ranks; exec "$0" "$@"' "$program" search runs/small --top 1 \
        <questions >job.log 2>&1 &
    job=$!
    exec 9>questions
    echo tower >&9
    wait_for grep -q '^  1 ' job.log
    sleep 5
    echo firm >&9
    for _ in {1..50}; do [[ $(grep -c '^  1 ' job.log) = 2 ]] || sleep 0.1; done
    check "rank 0 may think for longer than the time-out" test "$(grep -c '^  1 ' job.log)" = 2
    kill -STOP "$(awk -v last=$((RANKS - 1)) '$2 == last { print $1 }' ranks)"
    for _ in {1..150}; do kill -0 "$job" 2>/dev/null && sleep 0.1; done
    if [[ $RANKS -gt 2 ]]; then
        check "the silent rank is named" grep -q "search: no sign of rank $((RANKS - 1)) on" job.log
    else
        echo tower >&9
        for _ in {1..150}; do kill -0 "$job" 2>/dev/null && sleep 0.1; done
        check "the silent rank is named" grep -q "search: no sign of rank 1 on" job.log
    fi
    exec 9>&-
    awk '{ print $1 }' ranks | xargs -r kill -KILL 2>/dev/null
    wait "$job"
    check "the code" test $? = 11
fi

# On a terminal, which only a start without mpirun has.
if [[ ${RANKS:-1} != 1 ]]; then
    :
elif ! command -v script >/dev/null; then
    skip "no script (util-linux) to make a terminal"
else
    # prompted N: waits until there were so many prompts.
    prompted() {
        for _ in {1..600}; do
            [[ $(grep -ao 'question> ' screen | wc -l) -lt $1 ]] || return 0
            sleep 0.1
        done
    }
    # typed KEYS...: a conversation, each of the KEYS at a prompt; what was on the screen is in `screen`, $code its end.
    # The keys stay open until then: their end would be taken for Ctrl-D.
    typed() {
        local turn=0
        : >screen
        rm -f ended
        {
            for keys; do prompted $((turn += 1)); sleep 0.2; printf "$keys"; done
            for _ in {1..600}; do [[ ! -e ended ]] || break; sleep 0.1; done
        } | {
            timeout 120 script -qefc "stty cols 70; TERM=vt100 exec $program search runs/small --top 1 $arguments" /dev/null \
                >screen 2>&1
            echo $? >ended
        }
        code=$(<ended)
    }
    printf '%s\n' "A tower that is described by far more words than there is room for on two lines of this narrow page, $(
        )which go on and on until nobody reads them any more." >long.txt
    arguments="--text long.txt"
    typed 'tower\r' '\004'
    check "two lines, and a mark that there is more" test "$(grep -a -A2 '^  1 ' screen | tail -n 2 | grep -ac '…')" = 1
    check "no third line" test "$(grep -ac 'nobody' screen)" = 0
    check "within the terminal" awk '{ sub("\r", "") } / [0-9] +-?[0-9.]+ |^ {12}/ && length > 70 { exit 1 }' screen
    arguments="--text long.txt --full"
    typed 'tower\r' '\004'
    check "--full shows it all" grep -aq nobody screen
    arguments=
    typed '\r' 'tower\r' 'exit\r'
    check "exit leaves" test "$code" = 0
    check "one answer" test "$(grep -ac '^  1 ' screen)" = 1
    check "three prompts" test "$(grep -ao 'question> ' screen | wc -l)" -ge 3
    check "no word on an empty line" test "$(grep -ac 'no words' screen)" = 0
    typed '!!\r' '\004'
    check "Ctrl-D leaves" test "$code" = 0
    check "a word on what cannot be asked" grep -aq "the question has no words; ask again, or 'exit'" screen
    typed 'tow\003'
    check "Ctrl-C leaves with 75" test "$code" = 75
    if alone --version | grep -aq libedit; then
        arguments=--json
        typed 'tower\r' '\033[A!\r' 'r\303\251x\b\177d\r' '\004'
        check "the arrow key brings the last question back" grep -aq '"question":"tower!"' screen
        check "letters are taken back as a whole" grep -aq '"question":"rd"' screen
    else
        skip "this build edits no lines (libedit)"
    fi
fi
