/*
 * What the measurements share: figures of all ranks, operations and results (bench.c), made-up rows (bench_made_up.c),
 * and a step that is taken and timed (bench_step.c).
 */
#ifndef QCTX_BENCH_BENCH_INTERNAL_H
#define QCTX_BENCH_BENCH_INTERNAL_H

#include "qctx/bench/bench.h"
#include "qctx/training/loader.h"
#include "qctx/training/planner.h"
#include "qctx/training/stepper.h"
#include "qctx/training/timers.h"

/* 10⁹ and 10⁶: what rates and memory are told in. */
#define BENCH_GIGA 1e9
#define BENCH_MEGA 1e6

/* FLOAT32 and BFLOAT16. */
enum { BENCH_PRECISIONS = 2 };

/* Whether `precision` is measured where `asked` is asked for: AUTO asks for all that this CPU has instructions for. */
bool bench_is_asked(qctx_precision precision, qctx_precision asked);

/* A figure over the ranks. Collective. */
double bench_mean(qctx_comm *comm, double value);
double bench_most(qctx_comm *comm, double value);

/* values [size of comm] = the value of each rank, on all. Collective. */
void bench_of_all(qctx_comm *comm, double value, double *values);

/*
 * The rate of one product on all ranks at a time, in FLOP a second: the mean over the ranks of each one's median.
 * Collective.
 */
double bench_product_rate(qctx_comm *comm, qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form,
                          int64_t m, int64_t n, int64_t k, int64_t times);

/*
 * Refuses what does not fit into the memory that each rank may take, before any of it is touched: the system grants
 * more than there is, and kills who uses it. Unknown memory refuses nothing. Collective. Errors: MEMORY.
 */
qctx_status bench_check_room(qctx_comm *comm, double bytes, const char *purpose, qctx_error *error);

/* Sets what every result says: kind, ranks, threads. Local. */
json_t *bench_result(const qctx_comm *comm, const char *kind);

/* A number, or null where it is none (a rate over no bytes). Local. */
json_t *bench_number(double value);

/* Refuses a result that could not be built. Local. Errors: MEMORY. */
qctx_status bench_check(const json_t *result, qctx_error *error);

/* Operations of the head's products over a rank's rows and extras, nothing computed twice; the encoder's rows want no
 * gradient. */
typedef struct {
    double forward;
    double backward;
} bench_flops;

bench_flops bench_head_flops(const qctx_head_config *head, int64_t rows, int64_t extras);

/*
 * The least operations that a rank's step is made of, in which each question lists so many negatives: those of the
 * head, and 6b(B + E)d for the scores of its rows and the gradients of both sides, nothing computed twice. Local.
 */
double bench_least_flops(const qctx_head_config *head, int64_t rows, int64_t batch, int64_t negatives);

/* Gaussian numbers of which every row is a stretch; rows begin at different places, so no two are equal. */
typedef struct {
    float *values;
    int64_t dim;
} bench_pool;

/* Local. The caller frees. Errors: MEMORY. */
qctx_status bench_pool_create(int64_t dim, bench_pool *pool, qctx_error *error);
void bench_pool_free(bench_pool *pool);

/* Bytes of a pool. Local. */
int64_t bench_pool_bytes(int64_t dim);

/* out [dim] = row `row` of a side, about 2¹⁹ of each without a repetition. Local. */
void bench_pool_row(const bench_pool *pool, qctx_side side, int64_t row, float *out);

/* A loader of `count` made-up examples, each with negatives of its own, and the batch that holds them all. */
typedef struct {
    bench_pool pool;
    qctx_examples examples;
    qctx_listed_negatives listed;
    int64_t *batch;
    qctx_loader loader; /* points to those above: stays where it is */
} bench_made_up;

/* Local. The caller frees, also after a failure. Errors: MEMORY. */
qctx_status bench_made_up_create(int64_t dim, int64_t count, int64_t negatives, bench_made_up *rows, qctx_error *error);
void bench_made_up_free(bench_made_up *rows);

/* Bytes that it takes: what stands in the place of a store. Local. */
int64_t bench_made_up_bytes(int64_t dim, int64_t count);

/* A store of made-up rows, for as long as a measurement lasts. */
typedef struct {
    char *folder; /* of rank 0, else NULL */
    char *path;
} bench_store;

/*
 * Writes `count` questions and as many contexts that answer them to a new folder in TMPDIR (or /tmp), which all ranks
 * must see. The caller removes it, also after a failure. Collective. Errors: IO, MEMORY.
 */
qctx_status bench_store_make(qctx_comm *comm, int64_t dim, int64_t count, bench_store *store, qctx_error *error);
void bench_store_remove(qctx_comm *comm, bench_store *store);

/* What is noted of every counted step. */
enum { NOTE_SECONDS, NOTE_RATE, NOTE_BYTES, NOTE_UNDER_WAY, NOTE_WAITED, NOTE_PHASES };
enum { NOTE_COUNT = NOTE_PHASES + QCTX_TIMER_COUNT };

typedef struct {
    qctx_comm *comm;
    const qctx_bench_request *request;
    qctx_head_config head;
    qctx_plan plan;
    bench_made_up made_up;
    qctx_timers timers;
    qctx_stepper *stepper;
    int64_t rows;  /* of this rank */
    double *notes; /* [NOTE_COUNT, repetitions] */
    double medians[NOTE_COUNT];
    double least, most;   /* seconds */
    double memory_before; /* 10⁶ bytes */
    double *memory;       /* [size of comm] 10⁶ bytes, peak of each rank */
} step_bench;

/* What a plan is made from. Local. */
qctx_plan_request step_request(const step_bench *bench);

/* Takes and times steps; on rank 0 *result is what `describe` makes of them, elsewhere NULL. Collective. */
qctx_status step_result(qctx_comm *comm, const qctx_bench_request *request, json_t *(*describe)(const step_bench *),
                        json_t **result, qctx_error *error);

/* Operations of rank 0's step, which has the most rows, in each phase as they were done; returns their sum. Local. */
double step_flops(const step_bench *bench, double flops[QCTX_TIMER_COUNT]);

#endif
