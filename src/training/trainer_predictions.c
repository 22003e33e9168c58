/* eval.predictions: some held-out questions, the same at every evaluation, with what the head makes of them. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/shown.h"
#include "qctx/evaluation/samples.h"
#include "qctx/text/json.h"
#include "qctx/text/yaml.h"
#include "trainer_internal.h"

/* Bytes of a text that a line of the log shows. */
enum { QUESTION_SHOWN = 32, CONTEXT_SHOWN = 36 };

/* asked [wanted] = questions of a set that are spread over it. Returns how many. */
static int64_t spread(const qctx_eval_set *set, double relevant, int64_t wanted, int64_t *asked)
{
    int64_t count = 0;

    for (int64_t i = 0; i < qctx_smaller(wanted, set->count); i++) {
        int64_t question = i * set->count / qctx_smaller(wanted, set->count);

        if (qctx_samples_may_ask(set, relevant, question))
            asked[count++] = question;
    }
    return count;
}

static void say(const qctx_sample *sample)
{
    char question[QUESTION_SHOWN], first[CONTEXT_SHOWN];

    qctx_info("%9lld  %s  %s", (long long)sample->position,
              qctx_shown_excerpt(sample->question, strlen(sample->question), question, sizeof question),
              qctx_shown_excerpt(sample->first, strlen(sample->first), first, sizeof first));
}

static void record(trainer *run, const qctx_sample *samples, int64_t count)
{
    json_t *rows = json_array();

    for (int64_t i = 0; i < count; i++)
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:I, s:s}", "id", samples[i].id, "question", samples[i].question,
                                        "position", (json_int_t)samples[i].position, "first", samples[i].first));
    qctx_metrics_log_write(run->metrics_log, json_pack("{s:s, s:I, s:I, s:o}", "event", "predictions", "step",
                                                       (json_int_t)run->progress.step, "epoch",
                                                       (json_int_t)run->progress.epoch, "questions", rows));
}

/* Those of one set, each source's share of them. Collective. */
static qctx_status show_set(trainer *run, const qctx_eval_set *set, const qctx_projector *head, qctx_error *error)
{
    const double relevant = qctx_protocol_of(run->config).relevant;
    const int64_t wanted = qctx_divide_up(run->config->eval.predictions * set->count, run->training.held_out.questions);
    int64_t *asked = qctx_alloc(wanted, sizeof *asked, "predictions", error), count = 0;
    qctx_sample *samples = qctx_alloc(wanted, sizeof *samples, "predictions", error);
    qctx_status status = qctx_agree(run->comm, asked == NULL || samples == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        count = spread(set, relevant, wanted, asked);
    if (status == QCTX_OK && count > 0)
        status = qctx_samples_find(run->comm, set, head, relevant, asked, count, samples, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        say(&samples[i]);
    if (status == QCTX_OK && count > 0 && qctx_comm_rank(run->comm) == 0)
        record(run, samples, count);
    if (samples != NULL)
        qctx_samples_free(samples, count);
    free(asked);
    free(samples);
    return status;
}

qctx_status trainer_show_predictions(trainer *run, const qctx_projector *head, qctx_error *error)
{
    const qctx_held_out *held_out = &run->training.held_out;
    qctx_status status = QCTX_OK;

    if (run->config->eval.predictions == 0 || held_out->questions == 0)
        return QCTX_OK;
    qctx_info("%9s  %s", "position", "of the right context among all, and what is ranked first");
    for (int64_t s = 0; s < held_out->count && status == QCTX_OK; s++)
        status = show_set(run, &held_out->sets[s].set, head, error);
    return status;
}
