#!/usr/bin/env bash
# Pairs of commands that write one output at the same time: import, embed, train, eval, sweep, and two runs that want one
# cached store. Both end with 0 or are refused (8; 4 of embed, which says so; 7 of a sweep of another definition), one at
# least with 0; what stands under the name is all of one of the two, and nothing is left beside it.
#
#   tests/faults/pairs.sh [COUNT [SEED]]
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

count=${1:-50}
RANDOM=${2:-1}
write_config 400
printf 'config: config.yaml\nname: sweep\nmethod: grid\nparameters: {optim.lr: {values: [1e-3, 2e-3]}}\n' >sweep1.yaml
sed 's/2e-3/3e-3/' sweep1.yaml >sweep2.yaml
for of in 1 2; do
    seq 20000 | awk -v of=$of '{ printf "{\"question\": \"%d in %d?\", \"context\": \"%d stands in %d.\"}\n", $1, of, $1, of }' \
        >pairs$of.jsonl
done
"$program" train config.yaml batch.epochs=1 run.out=trained >/dev/null 2>&1 || exit 1

# command KIND WHICH FORCE: the command line of one of the two, which write out/NAME each in its own way.
command_of() {
    case $1 in
    import) words=(import --out out/corpus --split train "pairs$2.jsonl") ;;
    embed) words=(embed corpus --out out/store.h5 --dim $((32 * $2))) ;;
    train) words=(train config.yaml run.out=out batch.epochs=2 "run.seed=$2") ;;
    eval) words=(eval trained/run --candidates corpus --run-file out/run.trec --depth $((10 * $2))) ;;
    sweep) words=(sweep "sweep$2.yaml" out=out batch.epochs=1) ;;
    cache) words=(train config.yaml "run.out=out/runs$2" data.cache=out/cache batch.epochs=1) ;;
    esac
    [[ $3 = no ]] || words+=("$3")
}

# What stands there at the end, without times and places.
result() {
    case $1 in
    train) "$program" info out/run/checkpoints/best.h5 | grep -vE '^(path|seconds|config|ranks)' ;;
    sweep) sed -E 's/[0-9.]+ \|$//' out/sweep/results.md | grep -v minutes ;;
    cache) sha256sum out/cache/*.h5 ;;
    *) find out -type f -exec sha256sum {} + | sort -k 2 ;;
    esac
    find out -name '*.partial' -o -name '*.journal' -o -name '.*.lock'
} 2>&1

# Each by itself, with which the pairs are compared.
kinds=(import embed train eval sweep cache)
for kind in "${kinds[@]}"; do
    for of in 1 2; do
        rm -rf out && mkdir out
        command_of "$kind" $of no
        "$program" "${words[@]}" >/dev/null 2>job.log || { cat job.log; exit 1; }
        result "$kind" >"$kind.$of"
    done
done

# Whether a command ended as it may: its number.
ended_well() {
    local code=$1 log=log$2
    case $code in
    0) ;;
    8) grep -qE 'exists|another process' "$log" ;;
    7) [[ $kind = sweep ]] && grep -q 'sweep' "$log" ;;
    *) return 1 ;;
    esac
}

good=0 both=0
for ((pair = 0; pair < count; pair++)); do
    kind=${kinds[pair % ${#kinds[@]}]}
    forces=(no no)
    [[ $kind = cache || $((RANDOM % 3)) != 0 ]] || forces=(--force no)
    [[ $kind = cache || $((RANDOM % 3)) != 0 ]] || forces[1]=--force
    rm -rf out && mkdir out
    for of in 1 2; do
        command_of "$kind" $of "${forces[of - 1]}"
        timeout "$limit" "$program" "${words[@]}" >"out$of" 2>"log$of" </dev/null &
        jobs[of]=$!
        pause $((RANDOM % 300))
    done
    wait "${jobs[1]}"
    codes[1]=$?
    wait "${jobs[2]}"
    codes[2]=$?
    result "$kind" >found
    if ended_well "${codes[1]}" 1 && ended_well "${codes[2]}" 2 && [[ ${codes[1]} = 0 || ${codes[2]} = 0 ]] &&
        { cmp -s found "$kind.1" || cmp -s found "$kind.2"; }; then
        good=$((good + 1))
        [[ ${codes[*]} != "0 0" ]] || both=$((both + 1))
    else
        echo "two of $kind (${forces[*]}) ended with ${codes[*]}:"
        tail -n 2 log1 log2
        diff found "$kind.1" | head -n 5
    fi
done
echo "$count pairs on one output: $good left one whole result ($both times one after the other)"
((good == count))
