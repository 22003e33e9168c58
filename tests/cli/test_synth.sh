# ranks: 2
# Generating a corpus: what is printed, what is refused, equal bytes with and without mpirun.
source tests/support/cli.sh

expect 0 "corpora/a: 300 questions, 300 contexts" qctx synth --out corpora/a --questions 300 --seed 4
expect 8 "corpora/a: exists already" qctx synth --out corpora/a
expect 2 "--out FOLDER is missing" qctx synth --questions 300

RANKS=0
expect 0 "train                  240       240" qctx synth --out corpora/b --questions 300 --seed 4
check "equal seeds give equal bytes" diff -r corpora/a corpora/b
check "every context once" test "$(sed 's/.*"text"//' corpora/a/corpus.jsonl | sort -u | wc -l)" = 300
expect 0 "corpora/a" qctx synth --out corpora/a --questions 300 --seed 5 --force
check "another seed, another corpus" bash -c '! cmp -s corpora/a/corpus.jsonl corpora/b/corpus.jsonl'
expect 0 "--questions N" qctx synth --help
expect 2 "questions" qctx synth --out c --questions 3
expect 2 "questions" qctx synth --out c --questions many
expect 2 "too many arguments" qctx synth --out c surplus
touch file
expect 4 "file: cannot make the folder" qctx synth --out file/c --questions 300
check "nothing half-written stays" bash -c '! ls -d corpora/*partial* c 2>/dev/null | grep .'
