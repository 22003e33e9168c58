#!/usr/bin/env bash
# Runs the fuzz test with this many inputs of this seed, from this one on, a rank on each core, and ends after
# QCTX_FUZZ_SECONDS, a quarter of an hour less what the build and the end take. QCTX_FUZZ_ONLY takes those alone whose
# path holds that text.
#
#   tests/fuzz/fuzz.sh 400000 1
#   tests/fuzz/fuzz.sh 1 1 4711      one alone
set -u
cd "$(dirname "$0")/../.." || exit 1
export QCTX_FUZZ_INPUTS=${1:-400000} QCTX_FUZZ_SEED=${2:-1} QCTX_FUZZ_FIRST=${3:-0} OMP_NUM_THREADS=1
export QCTX_FUZZ_SECONDS=${QCTX_FUZZ_SECONDS:-780}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# As in tests/run.sh; each input is looked at for leaks by itself.
export ASAN_OPTIONS=detect_leaks=0:fast_unwind_on_malloc=1:malloc_context_size=8:allocator_may_return_null=1
ASAN_OPTIONS+=:max_allocation_size_mb=4096:quarantine_size_mb=16
# Signals are the sanitizer's, which says where and calls for the report; cmocka would take them for itself.
ASAN_OPTIONS+=:handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_abort=2
export UBSAN_OPTIONS=print_stacktrace=1
QCTX_TEST_TMP=$(mktemp -d)
export QCTX_TEST_TMP
trap 'rm -rf "$QCTX_TEST_TMP"' EXIT
mpirun -np "${RANKS:-$(env -u OMP_NUM_THREADS nproc)}" build/sanitize/tests/fuzz/test_fuzz
