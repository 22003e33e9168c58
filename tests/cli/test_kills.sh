#!/usr/bin/env bash
# A few of the faults of tests/faults: runs that are killed at random, two on one folder, a damaged checkpoint. ranks: 0
. tests/support/cli.sh

expect 0 "6 kills: 6 identical, 0 lost, 0 accepted corrupt, 0 hangs" "$project/tests/faults/kills.sh" 6 1
expect 0 "10 of 10 as they should be" "$project/tests/faults/locks.sh"
expect 0 "7 of 7 refused" "$project/tests/faults/flips.sh" 20
