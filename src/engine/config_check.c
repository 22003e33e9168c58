/* What is fine key by key but not together. */
#include <string.h>

#include "config_internal.h"
#include "qctx/engine/plan.h"

static int64_t index_of(const char *path)
{
    return qctx_config_find(qctx_config_keys, qctx_config_key_count, path);
}

/* Whether the key was complained about already. */
static bool was_refused(const qctx_config_reader *reader, const char *path)
{
    return reader->refused[index_of(path)];
}

static qctx_config_place place_of(const qctx_config_reader *reader, const char *path)
{
    return reader->places[index_of(path)];
}

static void check_train(qctx_config_reader *reader)
{
    if (reader->config.data.train.count == 0 && !was_refused(reader, "data.train") && !reader->file_unread)
        qctx_config_complain(reader, place_of(reader, "data.train"), "data.train",
                             "required: what to train on, such as [{corpus: corpora/squad, split: train}]");
}

static void check_loss(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;

    if (config->loss.kind != QCTX_LOSS_CLIP && config->loss.direction != QCTX_DIRECTION_BOTH)
        qctx_config_complain(reader, place_of(reader, "loss.direction"), "loss.direction",
                             "only clip has one direction; with another loss.kind leave it at both");
    if (config->loss.logit_scale.init > config->loss.logit_scale.max && !was_refused(reader, "loss.logit_scale.init") &&
        !was_refused(reader, "loss.logit_scale.max"))
        qctx_config_complain(reader, place_of(reader, "loss.logit_scale.init"), "loss.logit_scale.init",
                             "expected at most loss.logit_scale.max, %.15g, found %.15g", config->loss.logit_scale.max,
                             config->loss.logit_scale.init);
}

/* What the scheme of the loss cannot do with the other wishes; told where the key stands that has to change. */
static void check_scheme(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;
    qctx_plan_conflict conflict =
        qctx_plan_check(config->loss.kind, config->loss.similarity, config->run.precision, config->run.reproducible);

    if (conflict.key != NULL)
        qctx_config_complain(reader, place_of(reader, conflict.key), conflict.key, "%s", conflict.reason);
}

/* Tables go by the names of their sources. */
static void check_eval_names(qctx_config_reader *reader)
{
    const qctx_sources *sources = &reader->config.data.eval;

    for (int64_t i = 1; i < sources->count; i++)
        for (int64_t j = 0; j < i; j++)
            if (strcmp(sources->items[i].name, sources->items[j].name) == 0) {
                qctx_config_complain(reader, place_of(reader, "data.eval"), "data.eval",
                                     "sources %lld and %lld are both called '%s'; give one of them a name",
                                     (long long)j, (long long)i, sources->items[i].name);
                break;
            }
}

void qctx_config_check(qctx_config_reader *reader)
{
    check_train(reader);
    check_loss(reader);
    check_scheme(reader);
    check_eval_names(reader);
}
