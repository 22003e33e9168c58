# ranks: 1
# What the log says of the machine, and that a user's choice of OpenBLAS's kernels stands.
source tests/support/cli.sh

check "a corpus" qctx synth --out corpus --questions 40 --seed 1
RANKS=2 expect 0 "2 ranks x 1 thread on " qctx embed corpus --out store.h5 --force
RANKS=0
OPENBLAS_CORETYPE=Prescott expect 0 "Prescott" qctx embed corpus --out store.h5 --force
cp output said
check "nothing was started anew" bash -c 'grep -q Prescott said && ! grep -q anew said'
QCTX_REPLACED_CORE=Prescott expect 0 "OpenBLAS took Prescott for this CPU; started anew" \
    qctx embed corpus --out store.h5 --force

# A number of threads that no machine has is a slip, not a crash.
for threads in 65000 1000000; do
    OMP_NUM_THREADS=$threads RANKS=2 expect 0 "OMP_NUM_THREADS: found $threads, expected at most" \
        qctx eval store.h5 --split test
    check "the warning is said once" test "$(grep -c OMP_NUM_THREADS: output)" = 1
done
OMP_NUM_THREADS=5 expect 0 "1 rank x 5 threads" qctx embed corpus --out store.h5 --force
