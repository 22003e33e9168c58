/* Hard negatives, mined while the head is trained. */
#include <stdio.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/log.h"
#include "qctx/base/plural.h"
#include "trainer_internal.h"

static qctx_mining_rule rule_of(const trainer *run)
{
    return (qctx_mining_rule){
        .count = run->config->negatives.count,
        .depth = run->config->negatives.depth,
        .margin = run->config->negatives.margin,
    };
}

qctx_status trainer_make_miner(trainer *run, qctx_error *error)
{
    if (run->config->negatives.count == 0)
        return QCTX_OK;
    return qctx_miner_create(run->comm, run->opened, &run->training.examples, &run->miner, error);
}

/* Operations of a rank's products: both sides through the head, and the scores. */
static double flops(const trainer *run)
{
    const double contexts = (double)qctx_miner_contexts(run->miner), questions = (double)run->training.examples.count;
    const double parameters = (double)qctx_head_parameter_count(&run->head);
    const double of_row = 2.0 * (run->head.sides == QCTX_SIDES_BOTH ? parameters / 2.0 : parameters);
    double rows = qctx_head_has_side(&run->head, QCTX_QUESTION) ? questions : 0.0;

    rows += qctx_head_has_side(&run->head, QCTX_CONTEXT) ? contexts : 0.0;
    return (rows * of_row + 2.0 * questions * contexts * (double)run->head.output) / qctx_comm_size(run->comm);
}

void trainer_say_mining(const trainer *run)
{
    const qctx_mining_rule rule = rule_of(run);
    const int64_t every = run->config->negatives.every;
    char when[40] = "each epoch";

    if (run->miner == NULL)
        return;
    if (every > 1)
        snprintf(when, sizeof when, "every %lld epochs", (long long)every);
    qctx_info("negatives: %lld a question, mined among the best %lld of %lld contexts before %s, which takes a rank "
              "%.3g GFLOP",
              (long long)rule.count, (long long)rule.depth, (long long)qctx_miner_contexts(run->miner), when,
              1e-9 * flops(run));
}

/* What was found, and in which time. */
static void say_mined(const trainer *run, double seconds)
{
    const int64_t count = run->config->negatives.count, few = qctx_listed_negatives_short(&run->mined, count);
    char text[32];

    qctx_clock_format(seconds, text, sizeof text);
    qctx_info("negatives mined in %s: of %lld question%s %lld %s fewer than %lld", text, (long long)run->mined.examples,
              qctx_plural(run->mined.examples), (long long)few, few == 1 ? "has" : "have", (long long)count);
    if (qctx_comm_rank(run->comm) == 0 && run->mined.pool.count == 0)
        qctx_warn("negatives.count: no context is left for any question: the steps have none beside their batches");
}

/* With the parameters in run->mined_with. Collective. */
static qctx_status mine(trainer *run, qctx_error *error)
{
    const qctx_projector projector = {
        .head = &run->head,
        .parameters = run->mined_with,
        .strength = 1.0,
        .normalize = run->config->loss.normalize,
        .input = run->head.input,
    };
    const qctx_mining_rule rule = rule_of(run);
    const char *phase = qctx_comm_set_phase("mining of negatives");
    const double begun = qctx_clock_seconds();
    qctx_status status;

    qctx_timers_begin(&run->timers);
    qctx_listed_negatives_free(&run->mined);
    status = qctx_miner_mine(run->miner, &projector, &rule, &run->mined, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_MINE);
    qctx_comm_set_phase(phase);
    if (status == QCTX_OK)
        say_mined(run, qctx_clock_seconds() - begun);
    return status;
}

qctx_status trainer_mine(trainer *run, qctx_error *error)
{
    if (run->miner == NULL || !qctx_course_mines(&run->course, &run->progress))
        return QCTX_OK;
    memcpy(run->mined_with, qctx_stepper_parameters(run->stepper), (size_t)run->parameter_count * sizeof(float));
    return mine(run, error);
}

qctx_status trainer_mine_again(trainer *run, qctx_error *error)
{
    if (run->miner == NULL || qctx_course_mines(&run->course, &run->progress) ||
        qctx_course_is_over(&run->course, &run->progress))
        return QCTX_OK;
    return mine(run, error);
}
