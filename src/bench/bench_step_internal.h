/* What the parts of bench/bench_step share. */
#ifndef QCTX_BENCH_BENCH_STEP_INTERNAL_H
#define QCTX_BENCH_BENCH_STEP_INTERNAL_H

#include "bench_internal.h"
#include "qctx/training/planner.h"
#include "qctx/training/stepper.h"
#include "qctx/training/timers.h"

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

/* The result of a measurement, or NULL without memory for it. Local. */
json_t *step_describe(const step_bench *bench);

#endif
