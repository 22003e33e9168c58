#!/usr/bin/env bash
# Kills short training runs at random: one rank or all, at any time, inside an evaluation, inside a write of a checkpoint
# or of another file of the run. What is left is resumed, some of it killed again or damaged on top, and must end as the
# unbroken run did: the same bits, no step before the newest checkpoint lost, no hang, nothing damaged accepted.
#
#   tests/faults/kills.sh [KILLS [SEED]]
. "$(dirname "$0")/jobs.sh"

kills_wanted=${1:-200} seed=${2:-1}
RANDOM=$seed
kills=0 identical=0 lost=0 accepted=0 hangs=0 wrong=0
damaged=0
declare -A by_kind=([one]=0 [all]=0 [checkpoint]=0 [file]=0 [evaluation]=0)
# How runs at 1, 2, … ranks keep checkpoints; and how one that evaluates most of its time is made.
variants=("checkpoint.steps=5" "checkpoint.steps=3 checkpoint.keep=1" "checkpoint.every=2"
    "checkpoint.steps=4 checkpoint.keep=3")
evaluating="eval.bootstrap=30000 batch.epochs=4"

# Tells what went wrong, with what may show why.
complain() {
    echo "seed $seed, kill $kills ($ranks ranks, $kind): $*"
    last_words 12
    ls -l runs/run runs/run/checkpoints notes 2>/dev/null | sed 's/^/    /'
    [[ -z ${QCTX_FAULT_KEEP:-} ]] || cp -r "$folder" "$QCTX_FAULT_KEEP"
}

# The unbroken run of this kind at so many ranks, when it is first asked for: its outcome, its time, and its number of
# calls that may be struck.
declare -A took calls_in reference
need_reference() {
    local began
    [[ -z ${reference[$shape$ranks]:-} ]] || return 0
    rm -rf runs
    strike none 0 runs/run
    start "$ranks" train config.yaml $settings
    all_begun "$ranks"
    began=$(now)
    if ! end_job || [[ $code != 0 ]]; then
        complain "the unbroken run ended with $code"
        exit 1
    fi
    took[$shape$ranks]=$(($(now) - began))
    calls_in[checkpoint$shape$ranks]=$(grep -c runs/run/checkpoints notes)
    calls_in[file$shape$ranks]=$(wc -l <notes)
    reference[$shape$ranks]=$(outcome runs/run)
    fault=()
}

# Starts or resumes the run and kills it as $kind says. False where it ended before it could be killed.
kill_once() {
    local share
    case $kind in
    checkpoint | file)
        draw "${calls_in[$kind$shape$ranks]}"
        strike kill $((drawn + 1)) "runs/run$([[ $kind = file ]] || echo /checkpoints)"
        start "$ranks" train config.yaml $settings --resume auto
        if ! end_job; then
            hangs=$((hangs + 1))
            complain "a hang after rank 0 was killed in: $(cat notes)"
        fi
        fault=()
        [[ -s notes ]]
        ;;
    *)
        draw "${took[$shape$ranks]}"
        share=$drawn
        start "$ranks" train config.yaml $settings --resume auto
        all_begun "$ranks"
        pause "$share"
        kill -0 "$job" 2>/dev/null || {
            end_job
            return 1
        }
        if [[ $kind = all ]]; then
            kill_all || hangs=$((hangs + 1))
        else
            draw "$ranks"
            kill_rank "$drawn"
            if ! end_job; then
                hangs=$((hangs + 1))
                complain "a hang after rank $drawn was killed"
            fi
            [[ $code != 0 ]]
        fi
        ;;
    esac
}

# Tells a file from another that took its place.
stamp() {
    stat -c '%i %s %z' "$1" 2>/dev/null
}

# What must be resumed from: the newest checkpoint that stands, "new" where there is none. A job that was killed before
# it came to remove a damaged one leaves all as it was.
expect_place() {
    [[ -z $warned || $(stamp "$warned") != "$damage" ]] || return 0
    place=$(steps_kept runs/run | tail -n 1)
    [[ -n $place ]] || place=new
    warned=
}

# Damages the newest of two checkpoints: one byte flipped, or cut. The one before must then be resumed from.
damage_newest() {
    local newest bytes at
    [[ -z $warned && $(steps_kept runs/run | wc -l) -ge 2 ]] || return 0
    newest=$(checkpoint_of runs/run "$place")
    bytes=$(stat -c %s "$newest")
    draw "$bytes"
    at=$drawn
    if ((RANDOM % 2)); then
        flip_byte "$newest" "$at"
    else
        truncate -s "$at" "$newest"
    fi
    warned=$newest damage=$(stamp "$newest")
    damaged=$((damaged + 1))
    place=$(steps_kept runs/run | tail -n 2 | head -n 1)
}

# Compares the place that the last job says it went on from with the expected one.
check_place() {
    local said
    said=$(sed -nE 's|.*resuming from .*/step-0*([0-9]+)\.h5.*|\1|p' job.log | head -n 1)
    if [[ -n $said && $said != "$place" ]]; then
        if [[ -n $warned ]]; then
            accepted=$((accepted + 1))
        else
            lost=$((lost + 1))
        fi
        complain "resumed from step $said, expected $place"
    elif [[ -n $said && -n $warned ]] && ! grep -qF "$(basename "$warned")" job.log; then
        wrong=$((wrong + 1))
        complain "no warning names the damaged $warned"
    elif [[ -z $said && $code = 0 && $place != new ]]; then
        lost=$((lost + 1))
        complain "began anew, expected to go on from step $place"
    fi
}

tally() {
    echo "$kills kills: $identical identical, $lost lost, $accepted accepted corrupt, $hangs hangs"
}

# One run: killed, resumed, perhaps killed again, and resumed to its end.
try_one() {
    local killed=0 kinds=(one all checkpoint file evaluation)
    draw 4
    ranks=$((drawn + 1))
    draw 5
    kind=${kinds[drawn]}
    shape=plain
    [[ $kind != evaluation ]] || shape=evaluating
    settings=${variants[ranks - 1]}
    [[ $shape = plain ]] || settings+=" $evaluating"
    need_reference
    rm -rf runs
    place=new warned=
    while ((kills < kills_wanted)); do
        if ! kill_once; then
            check_place
            expect_place
            break
        fi
        kills=$((kills + 1)) killed=$((killed + 1))
        by_kind[$kind]=$((by_kind[$kind] + 1))
        check_place
        expect_place
        draw 5
        ((drawn > 0)) || damage_newest
        draw 3
        ((drawn == 0)) || break
    done
    ((killed > 0)) || return
    start "$ranks" train config.yaml $settings --resume auto
    if ! end_job; then
        hangs=$((hangs + 1))
        complain "a hang of the resumed run"
    elif [[ $code != 0 ]]; then
        wrong=$((wrong + 1))
        complain "the resumed run ended with $code"
    else
        check_place
        if [[ $(outcome runs/run) = "${reference[$shape$ranks]}" ]]; then
            identical=$((identical + killed))
        else
            complain "another outcome than the unbroken run's"
            diff <(outcome runs/run) <(echo "${reference[$shape$ranks]}") | cut -c 1-160 | head -n 20
        fi
    fi
    tally
}

write_config
while ((kills < kills_wanted)); do
    try_one
done
echo "in all: ${by_kind[one]} of one rank, ${by_kind[all]} of all, ${by_kind[checkpoint]} inside a checkpoint's write," \
    "${by_kind[file]} inside the write of any file, ${by_kind[evaluation]} of runs that evaluate most of the time;" \
    "$damaged checkpoints damaged on top"
tally
((identical == kills && lost + accepted + hangs + wrong == 0))
