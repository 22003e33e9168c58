#!/usr/bin/env bash
# ranks: 0 2
# The import command end to end: what it prints, where it refuses, and with which exit code.
. tests/support/cli.sh

printf 'question\tcontext\ttitle\nWho sat?\tA cat sat.\tPets\nWho ran?\tThe dog ran.\tPets\nWho flew?\tA bird flew.\tBirds\n' >pairs.tsv
printf '{"query": "Who sat?", "passage": "A cat sat."}\n' >dev.jsonl
cat >squad.json <<'END'
{"version": "v2.0", "data": [{"title": "Pets", "paragraphs": [{"context": "A cat sat. The dog ran.", "qas": [
    {"id": "a", "question": "Who sat?", "answers": [{"text": "cat", "answer_start": 2}]},
    {"id": "b", "question": "Who ran?", "answers": [{"text": "dog", "answer_start": 3}]},
    {"id": "c", "question": "Who flew?", "is_impossible": true, "answers": []}]}]}]}
END
echo '{"data": []}' >none.json

expect 0 "made: 5 questions, 3 contexts" qctx import --out made --split train pairs.tsv --split dev dev.jsonl \
    --split dev squad.json
mv output report
expect 0 "contexts shared by train and dev: 2" cat report
expect 0 "squad.json  squad        3       1       1             1          0      0         1        0" cat report
expect 0 "1" grep -c "made: 5 questions" report
expect 0 '"text": "The dog ran."' cat made/corpus.jsonl
expect 0 "Who sat?" cat made/queries.jsonl
expect 0 "query-id" cat made/qrels/dev.tsv
expect 8 "made: exists already" qctx import --out made --split train pairs.tsv
expect 6 "no question is left for the split 'train'" qctx import --out x --split train none.json

# What follows depends on no number of ranks.
[[ $RANKS = 0 ]] || exit 0
expect 0 "made: 3 questions" qctx import --force --out made --split train pairs.tsv
expect 2 "No such file" ls made/qrels/dev.tsv
check "nothing stays beside it" bash -c "! ls -d made.* .made.* 2>/dev/null | grep ."
expect 0 "test                     1         1" qctx import --out cut --holdout 0,0.3 --by context pairs.tsv
expect 0 "pre: 3 questions" qctx import --out pre --prefix --split train pairs.tsv
expect 0 "This is a question about Pets. Who sat?" cat pre/queries.jsonl
printf 'question\tcontext\ttitle\nWho?\tShe.\tPets\nWhere?\tThere.\t\n' >titled.tsv
expect 0 "--prefix: 1 of 2 questions have no title" qctx import --force --out pre --prefix --split train titled.tsv
expect 0 "--history had no effect" qctx import --force --out pre --history 2 --split train pairs.tsv

# Fields: a sentence's paragraph by itself, others on request.
expect 0 "field paragraph: 2 contexts" qctx import --out kept --split train squad.json
expect 0 '"text": "The dog ran.", "paragraph": "A cat sat. The dog ran."}' cat kept/corpus.jsonl
expect 0 "field surroundings: 2 contexts" qctx import --force --out kept --surroundings 1 --split train pairs.tsv
expect 0 '"text": "The dog ran.", "surroundings": "A cat sat. The dog ran."}' cat kept/corpus.jsonl
check "a pair has no paragraph" bash -c "! grep -q paragraph output"
expect 0 "  surroundings:       2" qctx info kept
check "a field that no context has is not there" bash -c "! grep -q paragraph output"
printf 'question\tcontext\tnote\nWho?\tShe.\tolder\nWhere?\tThere.\t\n' >noted.tsv
expect 0 "field remark: 1 context" qctx import --force --out kept --field remark=note --split train noted.tsv
expect 0 '"text": "She.", "remark": "older"}' cat kept/corpus.jsonl
qctx import --force --out kept --field my_note=note --split first_half noted.tsv >output 2>&1
expect 0 "  my_note:            1" qctx info kept
expect 0 "  first_half:" qctx info kept
expect 0 "--surroundings had no effect" qctx import --force --out kept --surroundings 2 --split train noted.tsv
expect 5 "no record has the key 'nota' of the field 'nota'; not used: note" qctx import --out x --field nota \
    --split train noted.tsv
expect 2 "'text' is what every context has" qctx import --out x --field text=note --split train noted.tsv
expect 2 "'a' is given twice" qctx import --out x --field a=note --field a --split train noted.tsv
expect 2 "--field wants NAME or NAME=KEY" qctx import --out x --field a= --split train noted.tsv
expect 2 "--field surroundings is what --surroundings makes" qctx import --out x --surroundings 1 \
    --field surroundings=note --split train noted.tsv
expect 2 "expected 0 to 1000" qctx import --out x --surroundings 1001 --split train noted.tsv

expect 0 "usage: qctx-dist import" qctx import --help
# Each column of the table is explained.
grep '^file ' report | tr -s ' ' '\n' | grep -vx 'file\|format\|not\|found\|new\|ids' >columns
for column in $(cat columns) "not found" "new ids"; do
    expect 0 "  $column  " qctx import --help
done
expect 2 "--out FOLDER is missing" qctx import --split train pairs.tsv
expect 2 "no file to read" qctx import --out x
expect 2 "a file needs its split" qctx import --out x pairs.tsv
expect 4 "absent.tsv: cannot open for reading: No such file" qctx import --out x absent.tsv
expect 4 "Is a directory" qctx import --out x --split train made
expect 4 "a BEIR folder is a corpus as it is" qctx import --out x --split train made
expect 2 "give the files without --split" qctx import --out x --holdout 0.1,0.1 --split train pairs.tsv
expect 2 "not two shares" qctx import --out x --holdout 0.5,0.5 pairs.tsv
printf 'question,answer\na?,b\nc?,b\nd?,b\n' >equal.csv
expect 6 "hint: 3 splits need questions with that many different answers" qctx import --out x --holdout 0.1,0.1 equal.csv
expect 2 "not two shares" qctx import --out x --holdout nan,0.5 pairs.tsv
expect 2 "cannot be a split's name" qctx import --out x --split ../up pairs.tsv
expect 2 "means nothing with --context paragraph" qctx import --out x --radius 1 --context paragraph --split t pairs.tsv
expect 4 "absent.json: cannot open" qctx import --out x --split train absent.json
expect 4 "/proc/x" qctx import --out /proc/x --split train pairs.tsv
expect 5 "expected JSON" qctx import --out x --format squad --split train /dev/null
expect 2 "No such file" ls -d x x.* .x.*

# Compressed files, whatever their names, and a pipe larger than what the format is told from.
for i in {1..5000}; do echo "question number $i?	context number $i answers it."; done >many.tsv
gzip -c many.tsv >many.tsv.gz
expect 0 "gz: 5000 questions, 5000 contexts" qctx import --out gz --split train many.tsv.gz
(gzip -c pairs.tsv; printf 'Who hid?\tA mole hid.\n' | gzip -c) >two.data
expect 0 "two: 4 questions, 4 contexts" qctx import --out two --split train two.data
head -c 20000 many.tsv.gz >cut.gz
expect 5 "cut.gz: compressed (gzip), and the data end early" qctx import --out x --split train cut.gz
if command -v zstd >/dev/null; then
    zstd -q many.tsv -o many.zst
    head -c $(($(stat -c %s many.zst) / 2)) many.zst >cut.zst
    expect 0 "zst: 5000 questions, 5000 contexts" qctx import --out zst --split train many.zst
    expect 5 "cut.zst: compressed (zstd), and the data" qctx import --out x --split train cut.zst
fi
(gzip -c pairs.tsv; head -c 100 /dev/zero) >padded.gz
expect 0 "padded: 3 questions" qctx import --out padded --split train padded.gz
check "padding is no sign of damage" test "$(grep -c warning output)" = 0
(gzip -c pairs.tsv; echo rest) >rest.gz
expect 0 "rest: 3 questions" qctx import --out rest --split train rest.gz
expect 0 "warning: rest.gz: compressed (gzip), and bytes that are not stand behind the data's end" \
    qctx import --out rest --force --split train rest.gz
from_standard_input() { "$program" import --out standard --split train - <pairs.tsv; }
expect 0 "standard: 3 questions" from_standard_input
mkfifo pipe
cat many.tsv >pipe &
expect 0 "piped: 5000 questions, 5000 contexts" qctx import --out piped --split train pipe

printf '{"question": "a?", "context": "b", "title": NaN, "x": 1}\n{"question": "c?"}\n' >odd.jsonl
expect 0 "odd.jsonl: mended: 1 NaN or Infinity" qctx import --out odd --split train odd.jsonl
expect 0 "left out as malformed: 1; the first: odd.jsonl:2: the key 'context' is missing" \
    qctx import --force --out odd --split train odd.jsonl
expect 0 "odd.jsonl: not used: x" qctx import --force --out odd --split train odd.jsonl
expect 5 "odd.jsonl:1" qctx import --strict --out x --split train odd.jsonl
printf 'Frage;Antwort\nWer?;Sie.\n' >faq.csv
expect 0 "faq: 1 question, 1 context," qctx import --out faq --columns question=Frage,context=Antwort --split train faq.csv
expect 5 "Frage;Antwort" qctx import --out x --split train faq.csv
expect 2 "'frage' is not a role" qctx import --out x --columns frage=a --split train faq.csv
expect 2 "names a question and a context at least" qctx import --out x --columns question=a --split train faq.csv
expect 2 "'a' is given for question and for context" \
    qctx import --out x --columns question=a,context=A --split train faq.csv
expect 2 "not both" qctx import --out x --columns question=a,context=2 --split train faq.csv
# The texts of an array have no names: they are not taken in another order than was asked for.
echo '[["q1", "c1"], ["q2", "c2"]]' >arrays.json
expect 5 "--columns wants objects" qctx import --out x --split train arrays.json --columns question=2,context=1
expect 2 "No such file" ls -d x x.* .x.*
