/* The weights of joined encoders and of their fields, chosen on the training questions that are held out. */
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/dataset/hold_out.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/weights.h"
#include "sources_internal.h"

/* The training sources as if the first encoder were the only one: which questions are held out, the texts decide. */
static qctx_status open_training(const source_resolver *resolver, qctx_opened *opened, qctx_error *error)
{
    const qctx_sources *train = &resolver->config->data.train;
    qctx_status status = QCTX_OK;

    opened->train = qctx_alloc(train->count, sizeof *opened->train, "sources", error);
    if (opened->train == NULL)
        return QCTX_ERR_MEMORY;
    opened->train_count = train->count;
    for (int64_t i = 0; i < train->count && status == QCTX_OK; i++)
        status = resolver_take_source(resolver->config, &train->items[i],
                                      resolver_find(resolver, &train->items[i])->parts[0], &opened->train[i], error);
    return status;
}

/* The stores of all parts of the corpus whose first part is `first`; NULL where there is none. */
static qctx_store *const *parts_of(const source_resolver *resolver, const qctx_store *first)
{
    for (int64_t i = 0; i < resolver->count; i++)
        if (resolver->locations[i].parts[0] == first)
            return resolver->locations[i].parts;
    return NULL;
}

/* What the log calls the parts: encoders, with their fields where some encoder takes one. Local. */
static qctx_status name_parts(const source_resolver *resolver, char **names, qctx_error *error)
{
    const qctx_encoders *encoders = &resolver->specified;
    qctx_encoders_parts parts;
    qctx_status status = QCTX_OK;

    qctx_encoders_parts_of(encoders, encoders->weights, &parts);
    for (int64_t i = 0; i < encoders->count && status == QCTX_OK; i++) {
        const char *given = encoders->recipes[i].given;

        names[i] = parts.parts[0].field_count > 0 ? qctx_format(error, "%s (%s)", given, parts.fields[i].name)
                                                  : qctx_strdup(given, error);
        status = names[i] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    return status;
}

/* Collective. */
static qctx_status choose(source_resolver *resolver, const qctx_held_out *held_out, qctx_error *error)
{
    char *names[QCTX_JOINED_MAX] = {0};
    int64_t firsts[QCTX_JOINED_MAX];
    qctx_weights_task task = {
        .names = (const char *const *)names,
        .firsts = firsts,
        .set_count = held_out->count,
        .count = resolver->encoder_count,
        .pool = resolver->config->eval.pool,
        .metric = resolver->config->eval.metric,
        .gain = resolver->config->eval.gain,
        .relevant = resolver->config->eval.relevant,
    };
    qctx_weights_set *sets = qctx_alloc(held_out->count, sizeof *sets, "tuning questions", error);
    qctx_status status =
        qctx_agree(resolver->comm, sets == NULL ? QCTX_ERR_MEMORY : name_parts(resolver, names, error), error);

    if (status == QCTX_OK) {
        for (int64_t t = 0; t < held_out->count; t++)
            sets[t] = (qctx_weights_set){held_out->sets[t].set, parts_of(resolver, held_out->sets[t].set.store)};
        for (int64_t i = 0; i < resolver->encoder_count; i++)
            firsts[i] = resolver->encoders[i].recipe->first;
        task.sets = sets;
        status = qctx_weights_choose(resolver->comm, &task, resolver->weights, error);
    }
    for (int64_t i = 0; i < QCTX_JOINED_MAX; i++)
        free(names[i]);
    free(sets);
    return status;
}

qctx_status resolver_tune(source_resolver *resolver, qctx_error *error)
{
    qctx_opened opened = {0};
    qctx_held_out held_out = {0};
    qctx_division division = {0};
    qctx_status status = qctx_agree(resolver->comm, open_training(resolver, &opened, error), error);

    if (status == QCTX_OK)
        status =
            qctx_agree(resolver->comm, qctx_hold_out(resolver->config, &opened, &division, &held_out, error), error);
    if (status == QCTX_OK)
        status = choose(resolver, &held_out, error);
    resolver->weights_known = status == QCTX_OK;
    qctx_held_out_free(&held_out);
    qctx_division_free(&division);
    free(opened.train);
    return status;
}
