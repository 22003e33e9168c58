/* What a run leaves at its end: summary.json, the tables and the last lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/outfile.h"
#include "qctx/base/shown.h"
#include "qctx/base/version.h"
#include "qctx/evaluation/report.h"
#include "qctx/linalg/blas.h"
#include "qctx/platform/h5.h"
#include "qctx/platform/topology.h"
#include "qctx/text/json.h"
#include "trainer_internal.h"

enum { LINE_MAX_BYTES = 8192 };

/* Seconds by phase of the slowest rank: what the run waited for. */
static json_t *phase_table(const double *seconds)
{
    json_t *table = json_object();

    for (int p = 0; p < QCTX_TIMER_COUNT; p++)
        json_object_set_new(table, qctx_timer_names[p], json_real(seconds[p]));
    return table;
}

static json_t *layout_table(const trainer *run, double peak_mib)
{
    qctx_layout layout = qctx_topology_layout();

    return json_pack("{s:i, s:i, s:i, s:i, s:s, s:f}", "ranks", qctx_comm_size(run->comm), "ranks_on_node",
                     qctx_comm_node_size(run->comm), "threads", layout.threads, "cores_on_node", layout.cores, "host",
                     qctx_comm_host(), "peak_rss_mib", peak_mib);
}

static json_t *plan_table(const trainer *run)
{
    const qctx_plan *plan = &run->plan;

    return json_pack("{s:I, s:I, s:s, s:s, s:b, s:f, s:f, s:I, s:s}", "batch", (json_int_t)run->config->batch.size,
                     "warmup", (json_int_t)run->schedule.warmup, "similarity", qctx_similarity_names[plan->scheme],
                     "precision", qctx_precision_names[plan->precision], "reproducible", plan->leaves > 0, "memory_mb",
                     1e-6 * (double)plan->memory, "kept_scores_mb", 1e-6 * (double)plan->keep_bytes, "head_rows",
                     (json_int_t)plan->micro_rows, "reason", plan->reason);
}

static json_t *version_table(const trainer *run)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "qctx", qctx_version(), "mpi", qctx_comm_library(), "blas",
                     qctx_blas_library(), "products", qctx_product_library(run->plan.precision), "hdf5",
                     qctx_h5_library());
}

static json_t *results_table(const trainer *run)
{
    json_t *table = json_array();

    for (int64_t s = 0; s < qctx_evaluator_source_count(run->evaluator); s++)
        json_array_append_new(
            table, trainer_comparison_table(run, s, &run->final[s].comparison, &run->final[s].novelty, NULL));
    return table;
}

/* What the guards did to the choice; null without guards. */
static json_t *guards_table(const trainer *run)
{
    const trainer_limit *limited = &run->limited;
    const char *guard;

    if (!qctx_evaluator_has_guards(run->evaluator))
        return json_null();
    guard = limited->guard < 0 ? NULL : qctx_evaluator_source_name(run->evaluator, limited->guard);
    return json_pack("{s:s?, s:{s:I, s:f, s:f}}", "limited_by", guard, "without", "epoch", (json_int_t)limited->epoch,
                     "value", limited->value, "strength", limited->strength);
}

static json_t *summary(const trainer *run, const double *phases, double peak_mib)
{
    const char *job = getenv("SLURM_JOB_ID");
    bool can_choose = qctx_evaluator_can_choose(run->evaluator);
    int64_t choosing = can_choose ? qctx_evaluator_choosing_questions(run->evaluator) : 0;
    qctx_candidates candidates =
        qctx_evaluator_is_widened(run->evaluator) ? QCTX_CANDIDATES_CORPUS : run->config->eval.candidates;
    char finished[32];
    json_t *root = json_object();

    qctx_clock_timestamp(finished, sizeof finished);
    json_object_set_new(root, "name", json_string(run->config->run.name));
    json_object_set_new(root, "start",
                        run->config->model.start[0] != '\0' ? json_string(run->config->model.start) : json_null());
    json_object_set_new(root, "finished", json_string(finished));
    json_object_set_new(root, "seconds", json_real(trainer_seconds(run)));
    json_object_set_new(root, "epochs", json_integer(run->progress.epoch));
    json_object_set_new(root, "steps", json_integer(run->progress.step));
    json_object_set_new(root, "best",
                        json_pack("{s:I, s:s, s:f, s:f, s:f}", "epoch", (json_int_t)run->progress.best_epoch, "metric",
                                  qctx_metric_names[run->config->eval.metric], "value", run->progress.best_metric,
                                  "no_head", qctx_evaluator_can_choose(run->evaluator) ? trainer_no_head(run) : -1.0,
                                  "strength", run->progress.best_strength));
    json_object_set_new(
        root, "chosen_by",
        json_pack("{s:I, s:s}", "questions", (json_int_t)choosing, "candidates", qctx_candidates_names[candidates]));
    json_object_set_new(root, "guards", guards_table(run));
    json_object_set_new(root, "encoder_weights", run->tuned != NULL ? json_string(run->tuned) : json_null());
    json_object_set_new(root, "results", results_table(run));
    json_object_set_new(root, "plan", plan_table(run));
    json_object_set_new(root, "phases", phase_table(phases));
    json_object_set_new(root, "layout", layout_table(run, peak_mib));
    json_object_set_new(root, "versions", version_table(run));
    json_object_set_new(root, "slurm_job_id", job == NULL ? json_null() : json_string(job));
    return root;
}

static qctx_status write_local(const trainer *run, const double *phases, double peak_mib, qctx_error *error)
{
    char *path = qctx_path_join(run->folder, "summary.json", error);
    json_t *root = summary(run, phases, peak_mib);
    char *text = qctx_json_format(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9), error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && text == NULL)
        status = QCTX_ERR_INTERNAL;
    if (status == QCTX_OK)
        status = qctx_file_write(path, text, strlen(text), error);
    json_decref(root);
    free(text);
    free(path);
    return status;
}

qctx_status trainer_write_summary(trainer *run, qctx_error *error)
{
    double slowest[QCTX_TIMER_COUNT + 1];
    qctx_status status = QCTX_OK;

    memcpy(slowest, run->timers.seconds, sizeof run->timers.seconds);
    slowest[QCTX_TIMER_COUNT] = qctx_topology_peak_mib();
    qctx_comm_max_double(run->comm, slowest, QCTX_TIMER_COUNT + 1);
    if (trainer_speaks(run))
        status = write_local(run, slowest, slowest[QCTX_TIMER_COUNT], error);
    return qctx_agree(run->comm, status, error);
}

/* Without a source to measure there is no table. What chose is no measure of questions that were not seen. */
static void print_unmeasured(const trainer *run, FILE *out)
{
    const qctx_metric metric = run->config->eval.metric;

    fputs("No data.eval: nothing was measured on unseen questions.", out);
    if (qctx_evaluator_can_choose(run->evaluator))
        fprintf(out, " On the %lld that\nchose, %s %.1f without and %.1f with the head, which flatters it.",
                (long long)qctx_evaluator_choosing_questions(run->evaluator), qctx_report_label(metric),
                100.0 * trainer_no_head(run), 100.0 * run->progress.best_metric);
    qctx_shown_print(out, "\nhint: qctx-dist eval %s --source CORPUS --split test\n", run->folder);
}

/* Results are no part of the log; how the run ended is, in the file that is kept of it. */
static void print_line(FILE *out, const char *line)
{
    char shown[2 * LINE_MAX_BYTES];

    qctx_shown_excerpt(line, strlen(line), shown, sizeof shown);
    fprintf(out, "%s\n", shown);
    qctx_log_copy_line(shown);
}

/* What was kept, and where. */
static void print_end(const trainer *run, FILE *out)
{
    const char *precision = qctx_precision_names[run->plan.precision];
    char line[LINE_MAX_BYTES];

    if (run->progress.best_epoch == 0 && qctx_evaluator_can_choose(run->evaluator)) {
        snprintf(line, sizeof line, "No epoch did better than the %s on the questions",
                 run->config->model.start[0] != '\0' ? "head that the run started from" : "untrained start");
        print_line(out, line);
        snprintf(line, sizeof line, "that choose%s: the run keeps the start.",
                 run->limited.guard < 0 ? "" : " without losing on a guard");
    } else if (run->head.form == QCTX_HEAD_RESIDUAL) {
        snprintf(line, sizeof line, "Kept: epoch %lld at strength %g, trained in %s.",
                 (long long)run->progress.best_epoch, run->progress.best_strength, precision);
    } else {
        snprintf(line, sizeof line, "Kept: epoch %lld, trained in %s.", (long long)run->progress.best_epoch, precision);
    }
    print_line(out, line);
    if (trainer_is_without_proof(run))
        print_line(out, "Strength 0 is no head: nothing could show a gain, which eval.caution asks for.");
}

static void print_place(const trainer *run, FILE *out)
{
    char line[LINE_MAX_BYTES];

    snprintf(line, sizeof line, "Results: %s (summary.json, metrics.jsonl, checkpoints/best.h5)", run->folder);
    print_line(out, line);
}

static void print_table(const trainer *run, int64_t source, FILE *out)
{
    const qctx_protocol protocol = qctx_evaluator_protocol(run->evaluator);

    if (qctx_evaluator_is_guard(run->evaluator, source))
        qctx_report_print_guard(out);
    qctx_report_print(out, qctx_evaluator_source_name(run->evaluator, source), &protocol,
                      &run->final[source].comparison, &run->final[source].novelty);
}

/* What the guards did to the choice. */
static void print_guards(const trainer *run, FILE *out)
{
    const trainer_limit *limited = &run->limited;
    char line[LINE_MAX_BYTES];

    if (limited->guard < 0) {
        print_line(out, "No guard limited the choice.");
        return;
    }
    snprintf(line, sizeof line, "The guard %s limited the choice. Without it: epoch %lld at strength %g,",
             qctx_evaluator_source_name(run->evaluator, limited->guard), (long long)limited->epoch, limited->strength);
    print_line(out, line);
    snprintf(line, sizeof line, "with %s %.1f instead of %.1f on the questions that choose.",
             qctx_report_label(run->config->eval.metric), 100.0 * limited->value, 100.0 * run->progress.best_metric);
    print_line(out, line);
    if (run->progress.best_strength <= 0.0)
        print_line(out, "What it leaves is strength 0, which is no head.");
}

/* What encoder.tune chose, where it did. */
static void print_weights(const trainer *run, FILE *out)
{
    char line[LINE_MAX_BYTES];

    if (run->tuned == NULL)
        return;
    snprintf(line, sizeof line, "Weights that encoder.tune chose: %s.", run->tuned);
    print_line(out, line);
}

void trainer_print_results(const trainer *run)
{
    FILE *out = run->options->results;

    if (!trainer_speaks(run) || out == NULL)
        return;
    for (int64_t s = 0; s < qctx_evaluator_source_count(run->evaluator); s++)
        print_table(run, s, out);
    if (run->opened->eval_count == 0)
        print_unmeasured(run, out);
    print_weights(run, out);
    print_end(run, out);
    if (qctx_evaluator_has_guards(run->evaluator))
        print_guards(run, out);
    print_place(run, out);
}
