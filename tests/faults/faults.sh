#!/usr/bin/env bash
# All faults one after another; a line or two each at its end.
#
#   tests/faults/faults.sh [KILLS [SEED]]
set -u
cd "$(dirname "$0")" || exit 1
bad=0
./flips.sh 1000 "${2:-1}" || bad=1
./locks.sh || bad=1
./pairs.sh 50 "${2:-1}" || bad=1
./partials.sh 1000 "${2:-1}" || bad=1
./silent.sh || bad=1
./stops.sh 8 "${2:-1}" || bad=1
./disk.sh || bad=1
./sweeps.sh 20 "${2:-1}" || bad=1
./kills.sh "${1:-200}" "${2:-1}" || bad=1
[[ $bad = 0 ]] && echo "faults: all passed"
exit $bad
