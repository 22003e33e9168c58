# ranks: 1 2 3 4 5
# mine against a brute force over the whole ranking, in every format, and back through import and train.
source tests/support/cli.sh

alone() { RANKS=0 qctx "$@"; }
check "a corpus" alone synth --out corpus --questions 120 --seed 3
# Question q96 of train has a second right context, as graded judgements may.
sed -n '2p' corpus/qrels/train.tsv | awk '{ print $1 "\tc5\t1" }' >>corpus/qrels/train.tsv
check "a store" alone embed corpus --out s.h5
expect 0 "negatives of" qctx mine s.h5 --count 3 --depth 8 --out mined.tsv

# The truth: the best 8 of the ranking, less right contexts, less those above 0.95 of the lowest right score.
alone eval s.h5 --split train --candidates corpus --depth 1000 --run-file all.trec >log 2>&1
brute() { # COUNT DEPTH MARGIN RUNFILE
    awk -v count="$1" -v depth="$2" -v margin="$3" '
        BEGIN { print "query-id\tcorpus-id" }
        FILENAME ~ /qrels/ { if ($3 + 0 > 0) right[$1, $2] = 1; next }
        !($1 in places) { order[++questions] = $1 }
        { context[$1, ++places[$1]] = $3; score[$1, places[$1]] = $5
          if (($1, $3) in right) bound[$1] = $5 - (1 - margin) * ($5 < 0 ? -$5 : $5) }
        END {
            for (q = 1; q <= questions; q++) {
                id = order[q]
                taken = 0
                for (i = 1; i <= depth && i <= places[id] && taken < count; i++) {
                    key = id SUBSEP context[id, i]
                    if (!(key in right) && score[id, i] <= bound[id]) {
                        print id "\t" context[id, i]
                        taken++
                    }
                }
            }
        }' corpus/qrels/train.tsv "$4"
}
brute 3 8 0.95 all.trec >truth.tsv
check "there is something to be found" test "$(wc -l <truth.tsv)" -gt 100
check "what a brute force finds" diff truth.tsv mined.tsv
expect 0 "" qctx mine s.h5 --count 2 --depth 1000 --margin 1 --out wide.tsv
check "to the end of the ranking, without a margin" diff <(brute 2 1000 1 all.trec) wide.tsv

# Other trainers' formats hold the same, as texts; and import gives it back.
qctx mine s.h5 --count 3 --depth 8 --format flagembedding --out - >flag.jsonl 2>log
expect 0 "not in the file" qctx mine s.h5 --count 3 --depth 8 --format n-tuple --out tuple.jsonl
check "a line a question" test "$(wc -l <flag.jsonl)" = "$(cut -f 1 truth.tsv | sed 1d | uniq | wc -l)"
check "the keys of FlagEmbedding" test "$(grep -cE '^\{"query":".*","pos":\[.*\],"neg":\[.*\]\}$' flag.jsonl)" = "$(wc -l <flag.jsonl)"
full=$(sed 1d truth.tsv | cut -f 1 | uniq -c | awk '$1 == 3 { print $2 }' |
    awk 'FNR == NR { full[$1] = 1; next } $1 in full' - corpus/qrels/train.tsv | wc -l)
check "a line for each right context of questions with all of them" test "$(wc -l <tuple.jsonl)" = "$full"
check "the keys of sentence-transformers" \
    test "$(grep -cE '^\{"anchor":".*","positive":".*","negative_1":".*","negative_2":".*","negative_3":".*"\}$' tuple.jsonl)" = "$full"
text_of() { # CORPUS FILE: ids → texts as encoders see them, "question <TAB> context" lines
    cat "$1/queries.jsonl" "$1/corpus.jsonl" |
        sed -E 's/^\{"_id": "([^"]*)", ("title": "([^"]*)", )?"text": "(.*)"\}$/\1\t\3 \4/; s/\t /\t/' |
        awk -F '\t' 'FNR == NR { text[$1] = $2; next } FNR > 1 { print text[$1] "\t" text[$2] }' - "$2"
}
expect 0 "negatives" alone import --out back --split train flag.jsonl
text_of corpus truth.tsv >wanted
text_of back back/negatives/train.tsv >found
check "texts to compare" test "$(sort -u wanted | wc -l)" -gt 100
check "import reads what mine has written" diff wanted found

# Titles stand in front of texts, once: a context that is nothing but its title is that.
mkdir -p titled/qrels
printf '%s\n' '{"_id": "a", "title": "Red kites", "text": ""}' \
    '{"_id": "b", "title": "Rivers", "text": "Where is the red kite?"}' >titled/corpus.jsonl
echo '{"_id": "q", "text": "Where is the red kite?"}' >titled/queries.jsonl
printf 'query-id\tcorpus-id\tscore\nq\tb\t1\n' >titled/qrels/train.tsv
qctx mine titled --margin 1 --format flagembedding --out - >titled.jsonl 2>log
check "texts as the encoder saw them" diff titled.jsonl \
    <(echo '{"query":"Where is the red kite?","pos":["Rivers Where is the red kite?"],"neg":["Red kites"]}')
expect 0 "" qctx mine s.h5 --count 1000000 --depth 8 --out many.tsv
check "more than are looked for are asked for" diff <(brute 8 8 0.95 all.trec) many.tsv

# The head of a run mines otherwise, on its own source or on another.
cat >config.yaml <<'YAML'
run: {name: small, seed: 7}
data: {train: [{store: s.h5}]}
model: {hidden: 16}
optim: {warmup: 1, lr: 0.01}
batch: {size: 32, epochs: 4}
eval: {bootstrap: 50}
YAML
check "a head" alone train config.yaml
expect 0 "" qctx mine runs/small --count 3 --depth 8 --out head.tsv
alone eval runs/small --source s.h5 --split train --candidates corpus --depth 1000 --run-file head.trec >log 2>&1
check "what a brute force finds with the head" diff <(brute 3 8 0.95 head.trec) head.tsv
expect 0 "" qctx mine runs/small --source s.h5 --split train --count 3 --depth 8 --out named.tsv
check "the same of the source by name" diff head.tsv named.tsv
expect 0 "" qctx mine corpus --count 3 --depth 8 --out corpus.tsv
check "a corpus, embedded by hashing, is the store" diff mined.tsv corpus.tsv

# What is refused, and leaves nothing.
expect 2 "--out is missing" qctx mine s.h5
expect 2 "--split needs --source" qctx mine runs/small --split dev --out no.tsv
expect 2 "--encoder is for a corpus" qctx mine runs/small --encoder hashing --out no.tsv
expect 2 "leave --encoder out, or name the corpus" qctx mine s.h5 --encoder hashing --out no.tsv
expect 2 "--source is for a run" qctx mine s.h5 --source corpus --out no.tsv
expect 4 "no/such: there is no such run" qctx mine no/such --out no.tsv
expect 8 "mined.tsv: exists already" qctx mine s.h5 --out mined.tsv
expect 6 "no question has a negative among its 1 best contexts" qctx mine s.h5 --depth 1 --margin 0 --out no.tsv
expect 6 "split" qctx mine s.h5 --split nowhere --out no.tsv
check "nothing is left of what was refused" test ! -e no.tsv
check "nor its lock" test -z "$(ls -A | grep no.tsv)"
