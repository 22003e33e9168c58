/* The order of the training questions: which of them an epoch has, and which stand in a batch together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "trainer_internal.h"

enum { SHARES_MAX = 1024 };

/* How many training questions a source has, and how many of them an epoch. */
typedef struct {
    int64_t count;
    int64_t rows;
} source_share;

static source_share share_of(const trainer *run, int64_t source)
{
    const qctx_examples *examples = &run->training.examples;
    source_share share = {0};

    for (int64_t i = 0; i < examples->count; i++)
        share.count += examples->source[i] == source;
    if (share.count > 0)
        share.rows = qctx_sampler_share(share.count, run->weights[source]);
    return share;
}

/* The questions that an epoch has, and the most that a batch may have. */
static void count_rows(const trainer *run, int64_t *rows, int64_t *most)
{
    *rows = 0;
    *most = INT64_MAX;
    for (int64_t s = 0; s < run->opened->train_count; s++) {
        const source_share share = share_of(run, s);

        *rows += share.rows;
        if (share.count > 0)
            *most = qctx_smaller(*most, qctx_smaller(share.count, share.rows));
    }
    if (!run->config->batch.one_source)
        *most = *rows;
}

/* A batch that is left to the data, and of one source, fits the smallest one. */
static void settle_batch(trainer *run)
{
    qctx_config *config = &run->settled;
    int64_t rows, most;

    count_rows(run, &rows, &most);
    run->batch_by_data = config->batch.size == QCTX_CONFIG_AUTO;
    config->batch.size = qctx_course_batch(config, rows);
    while (run->batch_by_data && config->batch.size > 2 && config->batch.size > most)
        config->batch.size /= 2;
}

static qctx_status check_sources(const trainer *run, qctx_error *error)
{
    const int64_t size = run->config->batch.size;

    for (int64_t s = 0; s < run->opened->train_count && run->config->batch.one_source; s++) {
        const source_share share = share_of(run, s);
        const int64_t most = qctx_smaller(share.count, share.rows);

        if (share.count == 0 || most >= size)
            continue;
        qctx_fail(error, QCTX_ERR_DATA,
                  "batch.one_source: a batch of %lld is larger than %s, which has %lld training questions, and %lld of "
                  "an epoch",
                  (long long)size, run->opened->train[s].name, (long long)share.count, (long long)share.rows);
        return qctx_hint(error, "set batch.size to at most %lld, or leave that source or batch.one_source out",
                         (long long)most);
    }
    return QCTX_OK;
}

qctx_status trainer_make_order(trainer *run, qctx_error *error)
{
    const qctx_config *config = run->config;
    const qctx_examples *examples = &run->training.examples;
    qctx_status status;

    run->weights = qctx_alloc(run->opened->train_count, sizeof *run->weights, "the weights of the sources", error);
    if (run->weights == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < run->opened->train_count; s++)
        run->weights[s] = config->data.train.items[s].weight;
    settle_batch(run);
    status = check_sources(run, error);
    if (status != QCTX_OK)
        return status;
    return qctx_sampler_create(
        &(qctx_sampling){
            .count = examples->count,
            .batch = config->batch.size,
            .seed = (uint64_t)config->run.seed,
            .run = config->batch.run,
            .one_source = config->batch.one_source,
            .source_count = run->opened->train_count,
            .source = examples->source,
            .weights = run->weights,
            .groups = examples->titles,
        },
        &run->sampler, error);
}

static void say_runs(const trainer *run)
{
    const qctx_examples *examples = &run->training.examples;
    const int64_t length = run->config->batch.run;
    int64_t untitled = 0;

    for (int64_t i = 0; i < examples->count; i++)
        untitled += examples->titles[i] == 0;
    if (untitled == examples->count)
        qctx_info("order: no context has a title: runs of %lld questions as they stand in their source",
                  (long long)length);
    else if (untitled > 0)
        qctx_info("order: runs of %lld questions of one title; %lld of %lld have none: these as they stand in their "
                  "source",
                  (long long)length, (long long)untitled, (long long)examples->count);
    else
        qctx_info("order: runs of %lld questions of one title", (long long)length);
    if (length > run->config->batch.size && qctx_comm_rank(run->comm) == 0)
        qctx_warn("batch.run: a run of %lld is longer than a batch of %lld, whose questions may all be neighbours",
                  (long long)length, (long long)run->config->batch.size);
}

/* "2 x 500 of a/train, 0.5 x 8000 of b/train", as many as fit. */
static void say_weights(const trainer *run)
{
    char shares[SHARES_MAX];
    size_t used = 0;

    for (int64_t s = 0; s < run->opened->train_count && used < sizeof shares; s++)
        used += (size_t)snprintf(shares + used, sizeof shares - used, "%s%.15g x %lld of %s", s > 0 ? ", " : "",
                                 run->weights[s], (long long)share_of(run, s).count, run->opened->train[s].name);
    qctx_info("epoch: %lld questions: %s", (long long)run->sampler.rows, shares);
}

void trainer_say_order(const trainer *run)
{
    if (run->config->batch.run > 1)
        say_runs(run);
    if (run->config->batch.one_source)
        qctx_info("order: a batch has questions of one source");
    for (int64_t s = 0; s < run->opened->train_count; s++)
        if (run->weights[s] != 1.0) {
            say_weights(run);
            break;
        }
}
