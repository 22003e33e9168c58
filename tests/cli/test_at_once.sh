#!/usr/bin/env bash
# A few of the faults of tests/faults: two commands on one output, and stores of killed jobs that are damaged. ranks: 0
. tests/support/cli.sh

expect 0 "6 pairs on one output: 6 left one whole result" "$project/tests/faults/pairs.sh" 6 1
expect 0 "5 damaged partial stores: 5 published as the good one" "$project/tests/faults/partials.sh" 5 1
