/* What a measured step says. */
#include <math.h>

#include "bench_step_internal.h"

static double giga(double flops)
{
    return flops / BENCH_GIGA;
}

double step_flops(const step_bench *bench, double flops[QCTX_TIMER_COUNT])
{
    const qctx_plan_rates any = {{1.0, 1.0}, 0.0, 1.0};
    const qctx_plan_request asked = step_request(bench);
    const double all = qctx_plan_cost_of(&asked, &bench->plan, qctx_comm_size(bench->comm), &any).flops;
    const double head = qctx_stepper_flops(&bench->head, &bench->plan, bench->rows);

    for (int p = 0; p < QCTX_TIMER_COUNT; p++)
        flops[p] = 0.0;
    flops[QCTX_TIMER_FORWARD] = bench_head_flops(&bench->head, bench->rows).forward;
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
        result, json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:s, s:I}", "batch", (json_int_t)config->batch.size,
                          "dim", (json_int_t)bench->head.input, "hidden", (json_int_t)bench->head.hidden, "form",
                          qctx_head_form_names[bench->head.form], "sides", qctx_head_sides_names[bench->head.sides],
                          "scheme", qctx_similarity_names[bench->plan.scheme], "precision",
                          qctx_precision_names[bench->plan.precision], "reproducible", config->run.reproducible,
                          "reason", bench->plan.reason, "steps", (json_int_t)bench->request->repetitions));
}

json_t *step_describe(const step_bench *bench)
{
    json_t *result = bench_result(bench->comm, "step");
    const double *medians = bench->medians;
    const double least = bench_least_flops(&bench->head, bench->rows, bench->request->config->batch.size);
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
