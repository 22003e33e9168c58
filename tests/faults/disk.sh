#!/usr/bin/env bash
# Lets every call that changes a file of a run fail, one after the other, until a run ends without being struck: a full
# disk (from then on), an error of the device (once), a write that takes half of its bytes (once). A struck run must end
# with the code of its fault and one message that names a file, or as the unbroken run did where nothing was lost;
# nothing damaged may stand under a final name; and resumed it must end as the unbroken run did. Likewise embedding, and
# a file system that is full for real.
#
#   tests/faults/disk.sh [EVERY]      of EVERY calls only one
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

every=${1:-1}
declare -A code_of=([enospc]=13 [eio]=4)
struck=0 good=0 unharmed=0
settings="batch.epochs=2 checkpoint.steps=5 checkpoint.keep=1"

complain() {
    faulty=true
    echo "$*"
    last_words
}

# How a job that was struck at $what ended. Short writes are no failures.
check_end() {
    local errors
    errors=$(grep -c '^qctx-dist: ' job.log)
    if [[ $code = 0 ]]; then
        return
    elif [[ $what = short ]]; then
        complain "$where: a short write ended it with $code"
    elif [[ $code != "${code_of[$what]}" ]]; then
        complain "$where: ended with $code, expected ${code_of[$what]}"
    elif [[ $errors != 1 ]] || ! grep '^qctx-dist: ' job.log | grep -qE "$1"; then
        complain "$where: $errors messages, or none that names a file"
    fi
}

# Files under final names are whole.
check_files() {
    local file
    for file in runs/run/checkpoints/*.h5; do
        if [[ -e $file ]] && ! "$program" info "$file" >info.out 2>&1; then
            complain "$where: left $file damaged: $(cat info.out)"
        fi
    done
    if [[ -e runs/run/summary.json && $(tail -c 1 runs/run/summary.json) != "}" ]]; then
        complain "$where: left summary.json damaged"
    fi
    if [[ $what != kill ]] && find runs -name '*.partial' 2>/dev/null | grep -q .; then
        complain "$where: left $(find runs -name '*.partial')"
    fi
}

count_case() {
    struck=$((struck + 1))
    $faulty || good=$((good + 1))
}

train_struck() {
    fault=()
    rm -rf runs
    start "$ranks" train config.yaml $settings
    end_job
    unbroken=$(outcome runs/run)
    for ((k = 1 + ranks % every; ; k += every)); do
        rm -rf runs
        faulty=false
        strike "$what" "$k" runs "$lasting"
        start "$ranks" train config.yaml $settings
        end_job || complain "train, $ranks ranks, call $k: a hang"
        fault=()
        [[ -s notes ]] || break
        where="train, $ranks ranks, $what: $(head -n 1 notes | sed "s|$folder/||")"
        check_end 'runs'
        check_files
        if [[ $code = 0 ]]; then
            unharmed=$((unharmed + 1))
        else
            start "$ranks" train config.yaml $settings --resume auto
            end_job || complain "$where: the resumed run hangs"
            [[ $code = 0 ]] || complain "$where: the resumed run ended with $code"
        fi
        [[ $(outcome runs/run) = "$unbroken" ]] || {
            complain "$where: another outcome than the unbroken run's"
            diff <(outcome runs/run) <(echo "$unbroken") | cut -c 1-160 | head
        }
        count_case
    done
}

embed_struck() {
    fault=()
    start "$ranks" embed corpus --dim 64 --out unbroken.h5 --force
    end_job
    mkdir -p made
    for ((k = 1 + ranks % every; ; k += every)); do
        rm -rf made/*
        faulty=false
        strike "$what" "$k" made "$lasting"
        start "$ranks" embed corpus --dim 64 --out made/store.h5
        end_job || complain "embed, $ranks ranks, call $k: a hang"
        fault=()
        [[ -s notes ]] || break
        where="embed, $ranks ranks, $what: $(head -n 1 notes | sed "s|$folder/||")"
        check_end 'made'
        if [[ $code = 0 ]]; then
            unharmed=$((unharmed + 1))
        else
            [[ ! -e made/store.h5 ]] || cmp -s made/store.h5 unbroken.h5 || complain "$where: left a damaged store"
            start "$ranks" embed corpus --dim 64 --out made/store.h5 --force
            end_job || complain "$where: begun again it hangs"
            [[ $code = 0 ]] || complain "$where: begun again it ended with $code"
        fi
        cmp made/store.h5 unbroken.h5 || complain "$where: the store differs"
        count_case
    done
}

# File systems that are full at any moment of the run.
train_on_full_disk() {
    local kib
    what=enospc
    mkdir -p runs
    for ((kib = 64; ; kib += 600 * every)); do
        rm -rf runs/*
        if ! mount -t tmpfs -o "size=${kib}k" tmpfs runs 2>/dev/null; then
            echo "skipped: no file system may be mounted here: the full disk"
            return
        fi
        faulty=false where="train, on a disk of $kib KiB"
        start 2 train config.yaml $settings
        end_job || complain "$where: a hang"
        if [[ $code != 0 ]]; then
            check_end 'runs'
            check_files
            mount -o remount,size=100m runs
            start 2 train config.yaml $settings --resume auto
            end_job || complain "$where: the resumed run hangs"
            [[ $(outcome runs/run) = "$unbroken" ]] || complain "$where: the resumed run ended otherwise ($code)"
            count_case
            code=13
        fi
        umount -l runs
        [[ $code != 0 ]] || break
    done
}

# Stores are made before: they are embed's business.
write_config 300
sed -i 's/size: 150/size: 50/; s/pool: 50/pool: 20/' config.yaml
"$program" train config.yaml batch.epochs=1 --force >/dev/null 2>&1
for what in enospc eio short; do
    lasting=QCTX_FAULT_LASTING=$([[ $what = enospc ]] && echo 1 || echo 0)
    for ranks in 1 2; do
        train_struck
        echo "train, $ranks ranks, $what: $good of $struck faults so far ended well ($unharmed did no harm)"
    done
    ranks=2 every=$((every * 7)) embed_struck
    echo "embed, 2 ranks, $what: $good of $struck faults so far ended well ($unharmed did no harm)"
done
ranks=2 train_on_full_disk
echo "$struck disk faults: $good ended well, $unharmed of them without harm"
((struck > 0 && good == struck))
