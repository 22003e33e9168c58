/*
 * Measurements of what training and search are made of, on all ranks at once, as a step sees them.
 *
 * Every measurement is Collective and ends in one JSON object: rank 0 holds it and frees it (json_decref), on the other
 * ranks it is NULL. Everything in it but times, rates and memory follows from the request. Rates are those of one rank,
 * with all its threads, in 10⁹ operations or bytes a second; memory is in 10⁶ bytes. Each time is the median of
 * `repetitions` runs after one that warms up, and a time of all ranks is that of the slowest. Vectors are made up:
 * Gaussian, from a pool of 4 MB a rank, so that they take no memory of their own.
 */
#ifndef QCTX_BENCH_BENCH_H
#define QCTX_BENCH_BENCH_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/linalg/product.h"
#include "qctx/platform/comm.h"
#include "qctx/text/json.h"

/* What is measured; each measurement reads the first four members, and those that bear its name. */
typedef struct {
    const qctx_config *config; /* head, loss, optimiser, batch and count of negatives of a step */
    int64_t dim;               /* d, of the made-up vectors */
    qctx_precision precision;  /* of gemm, topk and embed; AUTO: every one that the machine has instructions for */
    int64_t repetitions;       /* counted ones, ≥ 1 */
    struct {
        int64_t questions;
        int64_t contexts;
        int64_t k;
    } topk;
    struct {
        const char *store; /* NULL: one is made in TMPDIR and removed */
    } load;
    struct {
        double bandwidth; /* of a rank's network, 10⁹ bits a second */
        double latency;   /* 10⁻⁶ seconds a message */
    } scaling;
    struct {
        const char *encoder; /* "hashing", a model folder or a store */
        const char *texts;   /* a file of one text a line; NULL: they are made up */
        int64_t count;       /* of made-up texts */
        int64_t words;       /* of each of them */
    } embed;
} qctx_bench_request;

/* The products that a step is made of, one row each: forms and shapes for b = B/N rows of a rank, d and h. */
qctx_status qctx_bench_gemm(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/* What the ranks say to each other in a step: small messages for latency, 64 KiB to 16 MiB for bandwidth. */
qctx_status qctx_bench_comm(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/*
 * One training step, by phase: seconds, operations, bytes, memory, and the share of the machine: the least operations
 * that a step can be made of ÷ (its time × the rate of one product). Before each step that product is measured on all
 * ranks. Errors: those of qctx_plan_make and qctx_stepper_create.
 */
qctx_status qctx_bench_step(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/*
 * On paper: a step of 32768 and of 262144 pairs on 1 to 4096 ranks over the network of the request, by the cost model
 * of training/planner, where a rank computes at the rate that a step measured here has, and has the memory of this
 * step's plan; and the number of ranks from which on exchanging takes half of a step. Errors: as qctx_bench_step.
 */
qctx_status qctx_bench_scaling(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/*
 * The k best of `contexts` candidates for `questions` questions, and the positions of right contexts among them all;
 * beside a product measured before each repetition. Errors: MEMORY.
 */
qctx_status qctx_bench_topk(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/*
 * Gathering a batch out of a store, other rows each time: from memory (warm), from the disk (cold, as far as the system
 * lets go of what it has cached), and from the disk when it was prefetched the least time of a step before. A store
 * that is made holds four batches. Errors: those of qctx_store_open; IO, MEMORY.
 */
qctx_status qctx_bench_load(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

/*
 * An encoder over texts, which are dealt to the ranks by length: texts and tokens a second of all ranks together, and
 * the rate of a rank's products beside those of two plain ones, 512 × 1536 × 384 and 2048 × 2048 × 2048, measured
 * before each repetition. An encoder that learns is fitted on the texts before. Errors: IO, DATA (a file without
 * texts), those of qctx_encoders_open.
 */
qctx_status qctx_bench_embed(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

#endif
