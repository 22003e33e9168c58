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

# Without JSON what cannot be asked is warned of, by its line, and 'exit' leaves.
printf 'tower\n\ncaf\xe9\nfirm\nexit\nnever\n' | qctx search runs/small --top 1 >answers 2>log
check "the exit code" test "${PIPESTATUS[1]}" = 0
check "two answers" test "$(grep -c '^  1 ' answers)" = 2
check "no prompt in a pipe" test "$(grep -c 'question>' answers)" = 0
check "a warning with the line" grep -q "warning: line 2: the question has no words" log
check "a warning with the line" grep -q "warning: line 3: the question is not UTF-8 at byte 4" log

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
    # typed KEYS...: a conversation with pauses between the keys; what was on the screen is in `screen`, $code its end.
    typed() {
        { for keys; do sleep 0.5; printf "$keys"; done; sleep 0.5; } |
            COLUMNS=70 script -qec "stty cols 70; TERM=vt100 $program search runs/small --top 1 $arguments" /dev/null >screen 2>&1
        code=${PIPESTATUS[1]}
    }
    printf '%s\n' "A tower that is described by far more words than there is room for on two lines of this narrow page, $(
        )which go on and on until nobody reads them any more." >long.txt
    arguments="--text long.txt"
    typed 'tower\r' '\004'
    check "two lines, and a mark that there is more" test "$(grep -A2 '^  1 ' screen | tail -n 2 | grep -c '…')" = 1
    check "no third line" test "$(grep -c 'nobody' screen)" = 0
    check "within the terminal" awk '{ sub("\r", "") } / [0-9] +-?[0-9.]+ |^ {12}/ && length > 70 { exit 1 }' screen
    arguments="--text long.txt --full"
    typed 'tower\r' '\004'
    check "--full shows it all" grep -q nobody screen
    arguments=
    typed '\r' 'tower\r' 'exit\r'
    check "exit leaves" test "$code" = 0
    check "one answer" test "$(grep -c '^  1 ' screen)" = 1
    check "three prompts" test "$(grep -o 'question> ' screen | wc -l)" -ge 3
    check "no word on an empty line" test "$(grep -c 'no words' screen)" = 0
    typed '!!\r' '\004'
    check "Ctrl-D leaves" test "$code" = 0
    check "a word on what cannot be asked" grep -q "the question has no words; ask again, or 'exit'" screen
    typed 'tow\003'
    check "Ctrl-C leaves with 75" test "$code" = 75
    if alone --version | grep -q libedit; then
        arguments=--json
        typed 'tower\r' '\033[A!\r' 'r\303\251x\b\177d\r' '\004'
        check "the arrow key brings the last question back" grep -q '"question":"tower!"' screen
        check "letters are taken back as a whole" grep -q '"question":"rd"' screen
    else
        skip "this build edits no lines (libedit)"
    fi
fi
