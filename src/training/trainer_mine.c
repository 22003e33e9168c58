/* Hard negatives, mined while the head is trained, or given by files. */
#include <stdio.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/log.h"
#include "qctx/base/plural.h"
#include "qctx/mining/given_negatives.h"
#include "trainer_internal.h"

static qctx_mining_rule rule_of(const trainer *run)
{
    return (qctx_mining_rule){
        .count = run->config->negatives.count,
        .depth = run->config->negatives.depth,
        .margin = run->config->negatives.margin,
    };
}

qctx_status trainer_open_negatives(trainer *run, qctx_error *error)
{
    if (run->config->negatives.count == 0)
        return QCTX_OK;
    if (run->config->negatives.from == QCTX_NEGATIVES_OF_FILE)
        return qctx_given_negatives_read(run->comm, run->opened, &run->training.examples, &run->given, error);
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

    if (every > 1)
        snprintf(when, sizeof when, "every %lld epochs", (long long)every);
    if (run->given.examples > 0)
        qctx_info("negatives: up to %lld a question, of %lld that files list, the next ones %s; %lld of %lld questions "
                  "have fewer",
                  (long long)rule.count, (long long)run->given.offsets[run->given.examples], when,
                  (long long)qctx_listed_negatives_short(&run->given, rule.count), (long long)run->given.examples);
    if (run->miner == NULL)
        return;
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

/* Those of the files whose turn it is: a function of the step alone. Collective. */
static qctx_status take_given(trainer *run, qctx_error *error)
{
    const int64_t round = run->progress.step / (run->course.steps_per_epoch * run->config->negatives.every);

    qctx_listed_negatives_free(&run->mined);
    return qctx_agree(run->comm,
                      qctx_given_negatives_take(&run->given, run->config->negatives.count, round, &run->mined, error),
                      error);
}

qctx_status trainer_mine(trainer *run, qctx_error *error)
{
    if (run->config->negatives.count == 0 || !qctx_course_mines(&run->course, &run->progress))
        return QCTX_OK;
    if (run->miner == NULL)
        return take_given(run, error);
    memcpy(run->mined_with, qctx_stepper_parameters(run->stepper), (size_t)run->parameter_count * sizeof(float));
    return mine(run, error);
}

qctx_status trainer_mine_again(trainer *run, qctx_error *error)
{
    if (run->config->negatives.count == 0 || qctx_course_mines(&run->course, &run->progress) ||
        qctx_course_is_over(&run->course, &run->progress))
        return QCTX_OK;
    return run->miner == NULL ? take_given(run, error) : mine(run, error);
}
