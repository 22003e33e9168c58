#!/usr/bin/env bash
# A few of the faults of tests/faults: runs that are killed at random, and two on one folder. ranks: 0
. tests/support/cli.sh

expect 0 "3 kills: 3 identical, 0 lost, 0 accepted corrupt, 0 hangs" "$project/tests/faults/kills.sh" 3 1
expect 0 "14 of 14 as they should be" "$project/tests/faults/locks.sh"
