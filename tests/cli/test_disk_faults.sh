#!/usr/bin/env bash
# A sample of calls that fail while a run and a store are written, and of full disks. ranks: 0
. tests/support/cli.sh

expect 0 "disk faults:" "$project/tests/faults/disk.sh" 67
