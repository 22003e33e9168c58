/* One training step over made-up rows, as the trainer takes it. */
#include <math.h>
#include <stdlib.h>

#include "bench_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/topology.h"

#define LEARNING_RATE 1e-3
#define MIB           1048576.0

enum { PRODUCT_ROWS = 2048, PRODUCT_TIMES = 3 };

qctx_plan_request step_request(const step_bench *bench)
{
    const qctx_config *config = bench->request->config;
    qctx_plan_request asked = qctx_plan_request_of(config, &bench->head);

    asked.extras = config->batch.size * config->negatives.count;
    asked.listed = asked.extras > 0;
    return asked;
}

static double peak_memory(void)
{
    return qctx_topology_peak_mib() * MIB / BENCH_MEGA;
}

static qctx_status allocate(step_bench *bench, qctx_error *error)
{
    bench->notes =
        qctx_alloc(NOTE_COUNT * bench->request->repetitions, sizeof *bench->notes, "the times of steps", error);
    bench->memory = qctx_alloc(qctx_comm_size(bench->comm), sizeof *bench->memory, "the memory of all ranks", error);
    if (bench->notes == NULL || bench->memory == NULL)
        return QCTX_ERR_MEMORY;
    return bench_made_up_create(bench->request->dim, bench->request->config->batch.size,
                                bench->request->config->negatives.count, &bench->made_up, error);
}

/* The first layer of the head over a rank's rows, or over as many as make a product of good size. */
static double measure_product(const step_bench *bench)
{
    const qctx_config *config = bench->request->config;
    const int64_t rows = qctx_smaller(config->batch.size / qctx_comm_size(bench->comm), PRODUCT_ROWS);

    return bench_product_rate(bench->comm, bench->plan.precision, QCTX_PLAIN, QCTX_TRANSPOSED, rows,
                              config->model.hidden, bench->request->dim, PRODUCT_TIMES);
}

/* Takes a step and leaves what it cost in notes [NOTE_COUNT]. Collective. */
static qctx_status take_step(step_bench *bench, int64_t step, double *notes, qctx_error *error)
{
    qctx_step_result outcome;
    qctx_traffic traffic;
    qctx_status status;
    double start;

    notes[NOTE_RATE] = measure_product(bench);
    bench->timers = (qctx_timers){0};
    qctx_comm_barrier(bench->comm);
    qctx_comm_reset_traffic();
    start = qctx_clock_seconds();
    status = qctx_stepper_step(bench->stepper, bench->made_up.batch, 0, step, LEARNING_RATE, &outcome, error);
    traffic = qctx_comm_traffic();
    notes[NOTE_SECONDS] = bench_most(bench->comm, qctx_clock_seconds() - start);
    notes[NOTE_BYTES] = (double)traffic.bytes_received;
    notes[NOTE_UNDER_WAY] = traffic.under_way;
    notes[NOTE_WAITED] = traffic.waited;
    for (int p = 0; p < QCTX_TIMER_COUNT; p++)
        notes[NOTE_PHASES + p] = bench->timers.seconds[p];
    return status;
}

static qctx_status take_steps(step_bench *bench, qctx_error *error)
{
    const int64_t repetitions = bench->request->repetitions;
    double notes[NOTE_COUNT];
    qctx_status status = take_step(bench, 0, notes, error);

    for (int64_t i = 0; i < repetitions && status == QCTX_OK; i++) {
        status = take_step(bench, i + 1, notes, error);
        for (int n = 0; n < NOTE_COUNT; n++)
            bench->notes[n * repetitions + i] = notes[n];
    }
    return status;
}

/* Medians over the steps; those that each rank has for itself become means over the ranks. Collective. */
static void sum_up(step_bench *bench)
{
    const int64_t repetitions = bench->request->repetitions;
    double memory = peak_memory();

    for (int n = 0; n < NOTE_COUNT; n++)
        bench->medians[n] = bench_mean(bench->comm, qctx_median(bench->notes + n * repetitions, repetitions));
    /* qctx_median has put them in order. */
    bench->least = bench->notes[NOTE_SECONDS * repetitions];
    bench->most = bench->notes[NOTE_SECONDS * repetitions + repetitions - 1];
    bench_of_all(bench->comm, memory, bench->memory);
}

/* Takes and times the steps; `comm` and `request` are set. Collective. */
static qctx_status measure(step_bench *bench, qctx_error *error)
{
    qctx_plan_request asked;
    int64_t first;
    qctx_status status;

    bench->head = qctx_config_head(bench->request->config, bench->request->dim);
    asked = step_request(bench);
    status = qctx_agree(bench->comm, allocate(bench, error), error);
    if (status == QCTX_OK)
        status = qctx_plan_make(bench->comm, &asked, &bench->plan, error);
    if (status != QCTX_OK)
        return status;
    if (bench->plan.warning[0] != '\0' && qctx_comm_rank(bench->comm) == 0)
        qctx_warn("%s", bench->plan.warning);
    qctx_plan_rows(bench->comm, &bench->plan, asked.batch, &first, &bench->rows);
    bench->memory_before = peak_memory();
    status = qctx_stepper_create(bench->comm, bench->request->config, &bench->plan, &bench->made_up.loader,
                                 &bench->head, &bench->timers, &bench->stepper, error);
    if (status == QCTX_OK)
        status = take_steps(bench, error);
    if (status == QCTX_OK)
        sum_up(bench);
    return status;
}

static void free_all(step_bench *bench)
{
    qctx_stepper_destroy(bench->stepper);
    bench_made_up_free(&bench->made_up);
    free(bench->notes);
    free(bench->memory);
}

qctx_status step_result(qctx_comm *comm, const qctx_bench_request *request, json_t *(*describe)(const step_bench *),
                        json_t **result, qctx_error *error)
{
    step_bench bench = {.comm = comm, .request = request};
    qctx_status status = measure(&bench, error);

    *result = NULL;
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0) {
        *result = describe(&bench);
        status = bench_check(*result, error);
    }
    free_all(&bench);
    return qctx_agree(comm, status, error);
}

static double giga(double flops)
{
    return flops / BENCH_GIGA;
}

double step_flops(const step_bench *bench, double flops[QCTX_TIMER_COUNT])
{
    const qctx_plan_rates any = {{1.0, 1.0}, 0.0, 1.0};
    const qctx_plan_request asked = step_request(bench);
    const double all = qctx_plan_cost_of(&asked, &bench->plan, qctx_comm_size(bench->comm), &any).flops;
    const int64_t extras = qctx_plan_most_rows(&bench->plan, asked.extras, qctx_comm_size(bench->comm));
    const double head = qctx_stepper_flops(&bench->head, &bench->plan, bench->rows, extras);

    for (int p = 0; p < QCTX_TIMER_COUNT; p++)
        flops[p] = 0.0;
    flops[QCTX_TIMER_FORWARD] = bench_head_flops(&bench->head, bench->rows, extras).forward;
    /* A forward pass that is computed again is part of the backward pass. */
    flops[QCTX_TIMER_BACKWARD] = head - flops[QCTX_TIMER_FORWARD];
    flops[QCTX_TIMER_LOSS] = all - head;
    return all;
}

static json_t *describe_phases(const step_bench *bench, const double flops[QCTX_TIMER_COUNT])
{
    json_t *phases = json_object();

    for (int p = 0; p < QCTX_TIMER_COUNT; p++) {
        const double seconds = bench->medians[NOTE_PHASES + p];

        if (seconds > 0.0)
            json_object_set_new(phases, qctx_timer_names[p],
                                json_pack("{s:f, s:f, s:f, s:o}", "seconds", seconds, "share",
                                          seconds / bench->medians[NOTE_SECONDS], "gflop", giga(flops[p]), "gflops",
                                          bench_number(flops[p] > 0.0 ? giga(flops[p]) / seconds : NAN)));
    }
    return phases;
}

static json_t *describe_memory(const step_bench *bench)
{
    json_t *all = json_array();

    for (int r = 0; r < qctx_comm_size(bench->comm); r++)
        json_array_append_new(all, json_real(bench->memory[r]));
    return all;
}

static void add_request(json_t *result, const step_bench *bench)
{
    const qctx_config *config = bench->request->config;

    json_object_update_new(
        result,
        json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:s, s:I}", "batch", (json_int_t)config->batch.size,
                  "negatives", (json_int_t)config->negatives.count, "dim", (json_int_t)bench->head.input, "hidden",
                  (json_int_t)bench->head.hidden, "form", qctx_head_form_names[bench->head.form], "sides",
                  qctx_head_sides_names[bench->head.sides], "scheme", qctx_similarity_names[bench->plan.scheme],
                  "precision", qctx_precision_names[bench->plan.precision], "reproducible", config->run.reproducible,
                  "reason", bench->plan.reason, "steps", (json_int_t)bench->request->repetitions));
}

static json_t *describe(const step_bench *bench)
{
    json_t *result = bench_result(bench->comm, "step");
    const double *medians = bench->medians;
    const double least = bench_least_flops(&bench->head, bench->rows, bench->request->config->batch.size,
                                           bench->request->config->negatives.count);
    double flops[QCTX_TIMER_COUNT], done;

    if (result == NULL)
        return NULL;
    done = step_flops(bench, flops);
    add_request(result, bench);
    json_object_update_new(
        result, json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:I, s:o}", "seconds_median", medians[NOTE_SECONDS],
                          "seconds_min", bench->least, "seconds_max", bench->most, "gflop_per_rank", giga(done),
                          "gflop_least_per_rank", giga(least), "sgemm_gflops", giga(medians[NOTE_RATE]), "sgemm_share",
                          bench_number(least / (medians[NOTE_SECONDS] * medians[NOTE_RATE])), "bytes_received",
                          (json_int_t)medians[NOTE_BYTES], "hidden_share",
                          bench_number(fmax(0.0, 1.0 - medians[NOTE_WAITED] / medians[NOTE_UNDER_WAY]))));
    json_object_update_new(
        result,
        json_pack("{s:f, s:f, s:o, s:o}", "made_up_store_mb",
                  (double)bench_made_up_bytes(bench->request->dim, bench->request->config->batch.size) / BENCH_MEGA,
                  "rss_before_mb", bench->memory_before, "peak_rss_mb", describe_memory(bench), "phases",
                  describe_phases(bench, flops)));
    return result;
}

qctx_status qctx_bench_step(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    return step_result(comm, request, describe, result, error);
}
