#!/usr/bin/env bash
# Two runs on one folder: the second is refused at once and told who holds it; a holder that is killed holds it no more.
# Of two that begin at the same moment, when there is no folder yet, one goes on.
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

tried=0 good=0

# refused OPTIONS...: a second run ends with 8, names the holder, and soon.
refused() {
    local began
    tried=$((tried + 1))
    began=$SECONDS
    timeout "$limit" "$program" train config.yaml "$@" >second.out 2>second.log
    code=$?
    if [[ $code = 8 ]] && grep '^qctx-dist: ' second.log | grep -qF "$(hostname)" && ((SECONDS - began < 20)); then
        good=$((good + 1))
    else
        echo "a second run with '$*' ended with $code after $((SECONDS - began)) s:"
        sed 's/^/    /' second.log
    fi
}

write_config
for ranks in 1 2; do
    rm -rf runs
    start "$ranks" train config.yaml batch.epochs=100000 eval.every=0 checkpoint.every=0 checkpoint.steps=20
    wait_for test -e runs/run/checkpoints/step-000000020.h5
    refused batch.epochs=1 --force
    refused batch.epochs=100000 eval.every=0 checkpoint.every=0 checkpoint.steps=20 --resume
    refused batch.epochs=100000 eval.every=0 checkpoint.every=0 checkpoint.steps=20 --resume=auto
    tried=$((tried + 1))
    if kill -0 "$job" && kill_all; then good=$((good + 1)); else echo "the first run did not go on"; fi
    tried=$((tried + 1))
    if timeout "$limit" "$program" train config.yaml batch.epochs=1 --force >second.out 2>second.log; then
        good=$((good + 1))
    else
        echo "the lock of a killed run is held:"
        cat second.log
    fi
done
# Long enough that the second comes before the first is done, however busy the machine is.
for resume in --resume=auto --resume=auto --force --force; do
    rm -rf runs
    tried=$((tried + 1))
    timeout "$limit" "$program" train config.yaml batch.epochs=50 eval.every=0 "$resume" >first.out 2>first.log &
    first=$!
    timeout "$limit" "$program" train config.yaml batch.epochs=50 eval.every=0 "$resume" >second.out 2>second.log
    code=$?
    wait "$first"
    code="$? $code"
    case $code in
    "0 8" | "8 0") good=$((good + 1)) ;;
    *) echo "two that begin at once with $resume ended with $code" ;;
    esac
done
echo "two runs on one folder: $good of $tried as they should be"
((good == tried))
