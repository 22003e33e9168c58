# ranks: 1 2
# What is measured and printed, at tiny sizes: tables within 80 columns, JSON with the figures that follow from the
# sizes, what is refused. No time is asserted.
source tests/support/cli.sh
# Alone, without mpirun, where there is one rank.
ranks=${RANKS:-1}
[[ $ranks = 1 ]] && RANKS=0
small="--batch 12 --dim 4 --hidden 3 --steps 1 --questions 5 --contexts 9 --k 2"

# Results alone go to standard output.
write_json() {
    qctx bench "$1" $small --json </dev/null 2>messages >"$1.json" || { cat messages && false; }
}

# The value of a number or text of a result, by its key.
json() {
    sed -nE "s/^  \"$1\": \"?([^\",]*)\"?,?$/\1/p" "$2"
}

for kind in gemm comm step scaling topk load embed; do
    expect 0 "$kind" qctx bench $kind $small
    check "the table of $kind fits 80 columns" bash -c "! LC_ALL=C.UTF-8 grep -E '^.{81,}' output"
    check "bench $kind --json" write_json $kind
    check "$kind: one object" bash -c "head -c 1 $kind.json | grep -q '{' && tail -n 1 $kind.json | grep -q '^}$'"
    check "$kind says what it is" test "$(json bench $kind.json)" = $kind
    check "$kind: of all ranks" test "$(json ranks $kind.json)" = "$ranks"
done

# Rank 0 has 12 / ranks rows; 240 operations a row for the head and 288 for its scores are the least.
check "least operations of a step" \
    awk "BEGIN { exit !($(json gflop_least_per_rank step.json) == sprintf(\"%.9g\", 12 / $ranks * 528e-9)) }"
# With two negatives a question: 48 forward and 72 back for each of a row's question and three contexts, 288 of scores for
# its contexts and twice as much for the negatives of all.
qctx bench step $small --negatives 2 --json >negatives.json 2>/dev/null </dev/null
for key in gflop_least_per_rank gflop_per_rank; do
    check "$key of a step with negatives" \
        awk "BEGIN { exit !($(json $key negatives.json) == sprintf(\"%.9g\", 12 / $ranks * 1344e-9)) }"
done
check "the plan of it says so" grep -q "a step with up to 24 hard negatives" negatives.json
for key in seconds_median seconds_min seconds_max gflop_per_rank sgemm_gflops sgemm_share; do
    check "$key is positive" awk "BEGIN { exit !($(json $key step.json) > 0) }"
done
check "a step is not faster than its products" awk "BEGIN { exit !($(json sgemm_share step.json) < 1.5) }"
for key in peak_rss_mb hidden_share bytes_received phases scheme precision threads batch dim hidden reason; do
    check "a step tells $key" grep -q "^  \"$key\": " step.json
done

# A model over the texts of a file: empty lines are none.
model=$project/tests/fixtures/models/bert_mean
printf 'a first text\n\nand a second one\nthe third' >three.txt
expect 0 "texts                     3" qctx bench embed --encoder "$model" --texts three.txt --steps 1
check "bfloat16 is measured where it is asked for" grep -q bfloat16 <(qctx bench embed --encoder "$model" \
    --texts three.txt --steps 1 --precision bfloat16 2>/dev/null </dev/null)
expect 3 "no such folder" qctx bench embed --encoder absent --questions 3
expect 4 "absent.txt" qctx bench embed --texts absent.txt
echo >empty.txt
expect 6 "expected one a line" qctx bench embed --texts empty.txt

# What is refused is so on all ranks, and before anything is measured.
expect 2 "did you mean 'step'?" qctx bench stepp
expect 3 "did you mean rows?" qctx bench step $small --similarity rwos
expect 4 "absent.h5" qctx bench load $small --store absent.h5
[[ $ranks = 1 ]] || exit 0
RANKS=3 expect 2 "2 pairs for 3 ranks" qctx bench step --batch 2
RANKS=0
expect 2 "is not something that is measured" qctx bench frobnicate
expect 2 "out of range" qctx bench step --batch -4
expect 2 "is not a whole number" qctx bench step --dim wide
expect 2 "out of range" qctx bench gemm --steps 0
huge="--batch 16777216 --dim 1048576 --hidden 1048576"
expect 9 "the operands of a product need" qctx bench gemm $huge
expect 9 "the rows of a batch and a product of a step need" qctx bench load $huge
expect 9 "a step of 16777216 questions" qctx bench step $huge
expect 9 "the lists of all questions and the contexts need" qctx bench topk --questions 1000000000 --contexts 9 --dim 4 --k 1000
expect 9 "made-up texts need" qctx bench embed --questions 1000000000 --words 10000
expect 3 "run.precision" qctx bench step $small --precision float31
expect 3 "run.memory" qctx bench step $small --memory 12
