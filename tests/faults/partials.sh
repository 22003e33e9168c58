#!/usr/bin/env bash
# Damages what a killed embed leaves, store and journal, anywhere: bits flipped, bytes overwritten, cut, appended, one of
# the two taken away. The same command must publish the bytes of the store that was never interrupted.
#
#   tests/faults/partials.sh [COUNT [SEED]]
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

count=${1:-1000}
RANDOM=${2:-1}
limit=60
"$program" synth --out corpus --questions 120 --seed 3 >/dev/null 2>&1
mkdir made
embed() {
    timeout "$limit" env "${fault[@]}" "$program" embed corpus --out made/store.h5 --dim 32 >job.out 2>job.log
}
embed || exit 1
mv made/store.h5 good.h5

# Killed inside one of its writes each: the later, the more is left.
strike none 0 made
embed
calls=$(sed -nE 's/^([0-9]+) .*/\1/p' notes | tail -n 1)
rm made/store.h5
kept=0
for ((at = calls - 1; at > 1 && kept < 6; at--)); do
    strike kill "$at" made
    { embed; } 2>/dev/null
    if [[ -s made/store.h5.partial && -s made/store.h5.journal ]]; then
        mkdir "left$kept" && mv made/store.h5.* "left$kept/" && kept=$((kept + 1))
    fi
    rm -f made/*
done
fault=()
((kept > 0)) || exit 1

# damage FILE: one of the ways, named by $how.
damage() {
    local bytes at
    bytes=$(stat -c %s "$1")
    draw "$bytes"
    at=$drawn
    case $((RANDOM % 8)) in
    0) how="cut after byte $at of" && truncate -s "$at" "$1" ;;
    1) how="eight random bytes at $at of" && head -c 8 /dev/urandom | dd of="$1" bs=1 seek="$at" conv=notrunc status=none ;;
    2) how="longer by 100:" && head -c 100 /dev/urandom >>"$1" ;;
    3) how="without" && rm "$1" ;;
    4) how="a digit at $at of" && printf '%d' $((RANDOM % 10)) | dd of="$1" bs=1 seek="$at" conv=notrunc status=none ;;
    5) how="two bits at $at and at $((at / 2)) of" && flip_byte "$1" "$at" && flip_byte "$1" $((at / 2)) ;;
    *) how="a bit at $at of" && flip_byte "$1" "$at" ;;
    esac
}

same=0 resumed=0
for ((i = 0; i < count; i++)); do
    cp "left$((i % kept))"/* made/
    # The heads of both, which say what is where, are small beside the rest, and are struck as often.
    case $((RANDOM % 3)) in
    0) file=made/store.h5.journal ;;
    *) file=made/store.h5.partial ;;
    esac
    damage "$file"
    embed
    code=$?
    if [[ $code = 0 ]] && cmp -s good.h5 made/store.h5 && [[ $(ls -A made) = store.h5 ]]; then
        same=$((same + 1))
    else
        echo "$how $file of left$((i % kept)) ended with $code:"
        last_words
        ls -A made
    fi
    grep -q "resuming" job.log && resumed=$((resumed + 1))
    rm -rf made && mkdir made
done
echo "$count damaged partial stores: $same published as the good one ($resumed gone on with, the others begun anew)"
((same == count))
