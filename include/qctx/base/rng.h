/*
 * Counter-based random numbers: every value is a pure function of (seed, stream,
 * index), so that no rank count, thread count or resume changes what is drawn.
 *
 * The generator is SplitMix64's finaliser (Steele, Lea and Flood 2014) applied to
 * a mix of the three words; it passes what shuffles, dropout and bootstraps need.
 */
#ifndef QCTX_BASE_RNG_H
#define QCTX_BASE_RNG_H

#include <stdint.h>

/* Names of the streams, so that no two uses of one seed draw the same numbers. */
typedef enum {
    QCTX_STREAM_INIT = 1,  /* initial parameters */
    QCTX_STREAM_ORDER,     /* order of samples in an epoch */
    QCTX_STREAM_POSITIVE,  /* which of several positives a question takes */
    QCTX_STREAM_DROPOUT,   /* dropout masks */
    QCTX_STREAM_POOL,      /* shuffled evaluation pools */
    QCTX_STREAM_BOOTSTRAP, /* bootstrap resamples */
    QCTX_STREAM_TUNE,      /* held-out pairs that choose epoch and strength */
    QCTX_STREAM_HOLDOUT,   /* splits cut by import */
    QCTX_STREAM_SYNTH,     /* synthetic corpus */
    QCTX_STREAM_BENCH,     /* made-up vectors of measurements */
    QCTX_STREAM_SWEEP,     /* random points of a sweep */
    QCTX_STREAM_PROPOSE,   /* candidates of a sweep's search method */
    QCTX_STREAM_RUN,       /* where the runs of neighbours begin in an epoch */
    QCTX_STREAM_PASS,      /* which of a source's examples an epoch takes that does not take all */
    QCTX_STREAM_BATCH,     /* order of batches of one source each */
} qctx_stream;

/* 64 random bits. Local. Cannot fail. */
uint64_t qctx_rng(uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b);

/* Uniform in [0, 1) with 53 bits. Local. Cannot fail. */
double qctx_rng_uniform(uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b);

/* Uniform in {0, …, bound − 1}, bound ≥ 1 (multiply-shift; bias below 2^-32 for bounds of 2^32). Local. */
uint64_t qctx_rng_below(uint64_t bound, uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b);

/*
 * Fills `order` [count] with a permutation of 0 … count − 1 that depends on (seed,
 * stream, epoch) only (Fisher and Yates). Local. Cannot fail.
 */
void qctx_rng_permutation(int64_t *order, int64_t count, uint64_t seed, qctx_stream stream, uint64_t epoch);

#endif
