#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/log.h"
#include "qctx/base/plural.h"
#include "qctx/evaluation/report.h"
#include "qctx/text/json.h"
#include "trainer_internal.h"

enum {
    FEW_STEPS = 100,
    FIGURE_WIDTH = 8,
    PERCENTAGE_MAX = 16,
    REACHED_MAX = 4 * PERCENTAGE_MAX,
    STRENGTH_MAX = 32,
    ROW_MAX = 256
};

double trainer_seconds(const trainer *run)
{
    return qctx_clock_seconds() - run->started;
}

double trainer_no_head(const trainer *run)
{
    qctx_choice no_head = qctx_evaluator_no_head(run->evaluator);

    return qctx_evaluator_merit(run->evaluator, &no_head).metric;
}

bool trainer_is_without_proof(const trainer *run)
{
    return run->config->eval.caution > 0 && run->head.form == QCTX_HEAD_RESIDUAL &&
           !qctx_evaluator_can_choose(run->evaluator);
}

bool trainer_speaks(const trainer *run)
{
    return qctx_comm_rank(run->comm) == 0;
}

/* What "%lld step" goes on with. */
static const char *are(int64_t count)
{
    return count == 1 ? " is" : "s are";
}

/* A try of some steps asked for them. */
static void warn_of_few_steps(const trainer *run)
{
    qctx_config by_data = *run->config;

    if (!trainer_speaks(run) || run->config->batch.steps > 0 || run->course.total_steps >= FEW_STEPS)
        return;
    by_data.batch.size = QCTX_CONFIG_AUTO;
    by_data.batch.size = qctx_course_batch(&by_data, run->sampler.rows);
    if (by_data.batch.size < run->config->batch.size)
        qctx_warn("%lld step%s few for a head to learn in: batch.size %lld would make %lld of them",
                  (long long)run->course.total_steps, are(run->course.total_steps), (long long)by_data.batch.size,
                  (long long)(run->sampler.rows / by_data.batch.size * run->config->batch.epochs));
    else
        qctx_warn("%lld step%s few for a head to learn in: %lld question%s little to learn from",
                  (long long)run->course.total_steps, are(run->course.total_steps), (long long)run->sampler.rows,
                  are(run->sampler.rows));
}

/* What eval.tune_split names may be what is measured, too. */
static void warn_of_measured_choice(const trainer *run)
{
    for (int64_t e = 0; e < run->opened->eval_count && run->config->eval.tune_split[0] != '\0'; e++) {
        const qctx_eval_set measured = qctx_source_questions(&run->opened->eval[e]);

        for (int64_t s = 0; s < run->training.held_out.count; s++) {
            const int64_t shared = qctx_eval_set_shared(&measured, &run->training.held_out.sets[s].set);

            if (shared > 0)
                qctx_warn("%s: epoch and strength are chosen by %lld of its %lld questions (eval.tune_split): its "
                          "table flatters the head",
                          run->opened->eval[e].name, (long long)shared, (long long)measured.count);
        }
    }
}

static void say_guards(const trainer *run)
{
    for (int64_t g = 0; g < run->opened->guard_count; g++)
        qctx_info("guard: no epoch and strength is chosen at which the head loses on the %lld question%s of %s",
                  (long long)qctx_source_questions(&run->opened->guard[g]).count,
                  qctx_plural(qctx_source_questions(&run->opened->guard[g]).count), run->opened->guard[g].name);
}

void trainer_say_start(const trainer *run)
{
    const qctx_head_config *head = &run->head;

    for (int i = 0; i < run->recipe.count; i++)
        qctx_info("%s", run->recipe.lines[i]);
    qctx_info("head: %s, %lld layer%s, %lld -> %lld, sides %s, %lld parameters", qctx_head_form_names[head->form],
              (long long)head->layers, qctx_plural(head->layers), (long long)head->input, (long long)head->output,
              qctx_head_sides_names[head->sides], (long long)qctx_head_parameter_count(head));
    qctx_info("%s", run->plan.reason);
    if (trainer_speaks(run) && run->plan.warning[0] != '\0')
        qctx_warn("%s", run->plan.warning);
    qctx_info("data: %lld training question%s, %lld held out to choose epoch and strength",
              (long long)run->training.examples.count, qctx_plural(run->training.examples.count),
              (long long)run->training.held_out.questions);
    if (trainer_speaks(run) && run->training.held_out.questions == 0 && qctx_evaluator_can_choose(run->evaluator))
        qctx_warn("no questions are held out (eval.tune 0): epoch and strength are chosen on the evaluation sources "
                  "themselves, and their table flatters the head");
    if (trainer_speaks(run) && trainer_is_without_proof(run))
        qctx_warn("no questions are held out and none evaluated, so that nothing can show a gain: by eval.caution the "
                  "strength is 0, which is no head; name data.eval, or set eval.caution to 0 to keep the last epoch");
    if (trainer_speaks(run))
        warn_of_measured_choice(run);
    qctx_info("steps: %lld of %lld questions%s, %lld an epoch", (long long)run->course.total_steps,
              (long long)run->config->batch.size, run->batch_by_data ? " (auto)" : "",
              (long long)run->course.steps_per_epoch);
    trainer_say_order(run);
    trainer_say_mining(run);
    say_guards(run);
    warn_of_few_steps(run);
}

/* The time that the steps to come will take, if they take what those before took. */
static void write_left(const trainer *run, char *text, size_t bytes)
{
    double seconds =
        trainer_seconds(run) / (double)run->progress.step * (double)(run->course.total_steps - run->progress.step);

    qctx_clock_format(seconds, text, bytes);
}

void trainer_show_progress(const trainer *run, const qctx_step_result *result, double rate)
{
    static const char full[] = "####################", empty[] = "....................";
    int64_t in_epoch = run->progress.step - (run->progress.epoch - 1) * run->course.steps_per_epoch;
    int done = (int)(20 * in_epoch / run->course.steps_per_epoch);
    char left[32];

    if (!qctx_log_progress_shown())
        return;
    write_left(run, left, sizeof left);
    qctx_log_progress("epoch %lld/%lld [%.*s%.*s] loss %.4f  lr %.2e  %s left", (long long)run->progress.epoch,
                      (long long)run->config->batch.epochs, done, full, 20 - done, empty, result->loss, rate, left);
}

void trainer_record_step(trainer *run, const qctx_step_result *result, double rate)
{
    json_t *event;

    if (!trainer_speaks(run))
        return;
    event = json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "event", "step", "step",
                      (json_int_t)run->progress.step, "epoch", (json_int_t)run->progress.epoch, "loss", result->loss,
                      "accuracy", result->accuracy, "logit_scale", result->scale, "lr", rate, "grad_norm",
                      result->grad_norm, "seconds", trainer_seconds(run));
    if (run->teacher.scores != NULL)
        json_object_set_new(event, "distill_loss", json_real(result->distilled));
    qctx_metrics_log_write(run->metrics_log, event);
}

/* A share as a percentage of `width` columns. */
static void write_percentage(double share, int width, char text[PERCENTAGE_MAX])
{
    snprintf(text, PERCENTAGE_MAX, " %*.2f", width - 1, 100.0 * share);
}

/* Whether eval.metric is none of those that have a column anyway. */
static bool has_own_column(const trainer *run)
{
    return run->config->eval.metric > QCTX_METRIC_TOP10;
}

/* One row of the table of epochs: a label, the loss, what is reached on the questions that choose. */
static void say_row(const trainer *run, const char *label, const char *loss, const char *held_out, const char *reached,
                    const char *strength, const char *left)
{
    const int strength_width = qctx_evaluator_has_guards(run->evaluator) ? 10 : 8;
    char row[ROW_MAX];
    int length = snprintf(row, sizeof row, "%-9s %9s %9s%s %*s %9s", label, loss, held_out, reached, strength_width,
                          strength, left);

    while (length > 0 && row[length - 1] == ' ')
        length--;
    qctx_info("%.*s", length, row);
}

/* top-1, -5 and -10 and, where it is another, the metric that chooses. */
static void write_reached(const trainer *run, const qctx_choice *choice, char text[REACHED_MAX])
{
    const int metrics[] = {QCTX_METRIC_TOP1, QCTX_METRIC_TOP5, QCTX_METRIC_TOP10, (int)run->config->eval.metric};

    text[0] = '\0';
    for (int m = 0; m < (has_own_column(run) ? 4 : 3); m++)
        write_percentage(choice->means[metrics[m]], FIGURE_WIDTH, text + strlen(text));
}

void trainer_say_columns(const trainer *run)
{
    char reached[REACHED_MAX] = "";
    qctx_choice no_head;

    if (qctx_course_is_over(&run->course, &run->progress))
        return;
    if (!qctx_evaluator_can_choose(run->evaluator)) {
        say_row(run, "epoch", "loss", "", "", "", "left");
        return;
    }
    snprintf(reached, sizeof reached, "%*s%*s%*s", FIGURE_WIDTH, "top-1", FIGURE_WIDTH, "top-5", FIGURE_WIDTH,
             "top-10");
    if (has_own_column(run))
        snprintf(reached + strlen(reached), sizeof reached - strlen(reached), "%*s", FIGURE_WIDTH,
                 qctx_metric_names[run->config->eval.metric]);
    say_row(run, "epoch", "loss", run->training.held_out.questions > 1 ? "held out" : "", reached,
            run->head.form == QCTX_HEAD_RESIDUAL ? "strength" : "", "left");
    no_head = qctx_evaluator_no_head(run->evaluator);
    write_reached(run, &no_head, reached);
    say_row(run, "no head", "", "", reached, "", "");
}

/* "0.5", and "0.25 (0.5)" where guards do not allow what is in brackets. */
static void write_strength(const qctx_choice *choice, const qctx_limit *limit, char text[STRENGTH_MAX])
{
    int used = snprintf(text, STRENGTH_MAX, "%g", choice->strength);

    if (limit->guard >= 0)
        snprintf(text + used, (size_t)(STRENGTH_MAX - used), " (%g)", limit->without.strength);
}

void trainer_say_epoch(const trainer *run, const qctx_choice *choice, const qctx_limit *limit, double held_out_loss)
{
    const bool warm = run->config->model.start[0] != '\0';
    char label[32] = "", loss[32] = "", held_out[32] = "", reached[REACHED_MAX] = "", left[32] = "";
    char strength[STRENGTH_MAX] = "";

    snprintf(label, sizeof label, "%s", warm ? "start" : "untrained");
    if (run->progress.summed > 0) {
        snprintf(label, sizeof label, "%3lld/%lld", (long long)run->progress.epoch,
                 (long long)run->config->batch.epochs);
        snprintf(loss, sizeof loss, "%.4f", run->progress.loss_sum / (double)run->progress.summed);
        write_left(run, left, sizeof left);
        if (choice != NULL && run->head.form == QCTX_HEAD_RESIDUAL)
            write_strength(choice, limit, strength);
    }
    if (isfinite(held_out_loss))
        snprintf(held_out, sizeof held_out, "%.4f", held_out_loss);
    if (choice != NULL)
        write_reached(run, choice, reached);
    say_row(run, label, loss, held_out, reached, strength, left);
}

void trainer_record_choice(trainer *run, const qctx_choice *choice, const qctx_limit *limit, double held_out_loss)
{
    static const qctx_metric shown[] = {QCTX_METRIC_TOP1, QCTX_METRIC_TOP5, QCTX_METRIC_TOP10, QCTX_METRIC_MRR};
    json_t *event;

    if (!trainer_speaks(run))
        return;
    event = json_pack("{s:s, s:I, s:I, s:s, s:f, s:f, s:f}", "event", "choice", "step", (json_int_t)run->progress.step,
                      "epoch", (json_int_t)run->progress.epoch, "metric", qctx_metric_names[run->config->eval.metric],
                      "value", qctx_evaluator_merit(run->evaluator, choice).metric, "no_head", trainer_no_head(run),
                      "strength", choice->strength);

    for (size_t m = 0; m < sizeof shown / sizeof shown[0]; m++)
        json_object_set_new(event, qctx_metric_names[shown[m]], json_real(choice->means[shown[m]]));
    json_object_set_new(event, "held_out_loss", isfinite(held_out_loss) ? json_real(held_out_loss) : json_null());
    if (limit->guard >= 0)
        json_object_set_new(event, "without_guards",
                            json_pack("{s:s, s:s, s:f, s:f}", "limited_by",
                                      qctx_evaluator_source_name(run->evaluator, limit->guard), "loses_in",
                                      qctx_metric_names[limit->metric], "value",
                                      qctx_evaluator_merit(run->evaluator, &limit->without).metric, "strength",
                                      limit->without.strength));
    json_object_set_new(event, "seconds", json_real(trainer_seconds(run)));
    qctx_metrics_log_write(run->metrics_log, event);
}

json_t *trainer_comparison_table(const trainer *run, int64_t source, const qctx_comparison *comparison,
                                 const qctx_novelty *novelty, qctx_error *error)
{
    qctx_protocol protocol = qctx_evaluator_protocol(run->evaluator);

    json_t *table =
        qctx_report_json(qctx_evaluator_source_name(run->evaluator, source), &protocol, comparison, novelty, error);

    if (table != NULL && qctx_evaluator_is_guard(run->evaluator, source))
        json_object_set_new(table, "guard", json_true());
    return table;
}

qctx_status trainer_record_eval(trainer *run, int64_t source, const qctx_comparison *comparison, double strength,
                                qctx_error *error)
{
    json_t *table = trainer_speaks(run) ? trainer_comparison_table(run, source, comparison, NULL, error) : NULL;
    qctx_status status = qctx_agree(run->comm, trainer_speaks(run) && table == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK && trainer_speaks(run))
        qctx_metrics_log_write(run->metrics_log,
                               json_pack("{s:s, s:I, s:I, s:f, s:f, s:o}", "event", "eval", "step",
                                         (json_int_t)run->progress.step, "epoch", (json_int_t)run->progress.epoch,
                                         "strength", strength, "seconds", trainer_seconds(run), "table", table));
    return status;
}
