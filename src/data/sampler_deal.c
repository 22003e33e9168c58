/*
 * The order of an epoch where it is more than a permutation: what each source gives to it, its groups cut into runs,
 * and the runs dealt out over the batches.
 */
#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "sampler_internal.h"

/* One source's part of the examples, of their groups, and of an epoch. */
typedef struct {
    int64_t first; /* example */
    int64_t count;
    int64_t first_group;
    int64_t end_group;
    int64_t rows; /* that it gives to each epoch */
} source_part;

struct sampler_work {
    int64_t source_count;
    source_part *sources; /* [source_count] */
    int64_t *line;        /* [count] the examples, by source and group, in their order */
    int64_t *group_ends;  /* [count] places in `line`, of as many as there are groups */
    bool *taken;          /* [count] whether the pass at hand gives the example to the epoch */
    int64_t *rows;        /* [rows] what the epoch takes, in the order of the line, */
    int64_t *ends;        /* [rows] and where its runs end there */
    int64_t row_count;
    int64_t run_count;
    int64_t *shuffled; /* [rows, or count where that is more] a permutation of runs, or of a source's examples */
    int64_t *slots;    /* [batches] where the batches of the sources, one after another, stand in the epoch */
};

/* An example and what it is sorted by. */
typedef struct {
    int32_t source;
    uint64_t group;
    int64_t example;
} line_row;

static int compare_rows(const void *a, const void *b)
{
    const line_row *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->example > y->example) - (x->example < y->example);
}

/* Puts neighbours side by side, and says where the sources and their groups are. */
static qctx_status line_up(const qctx_sampling *how, struct sampler_work *work, qctx_error *error)
{
    line_row *rows = qctx_alloc(how->count, sizeof *rows, "the order of the samples", error);
    int64_t groups = 0;

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < how->count; i++)
        rows[i] = (line_row){how->source_count == 0 ? 0 : how->source[i], how->run > 1 ? how->groups[i] : 0, i};
    qsort(rows, (size_t)how->count, sizeof *rows, compare_rows);
    for (int64_t i = 0; i < how->count; i++) {
        source_part *source = &work->sources[rows[i].source];

        if (source->count == 0)
            *source = (source_part){.first = i, .first_group = groups};
        if (source->count == 0 || rows[i].group != rows[i - 1].group)
            groups++;
        source->count++;
        source->end_group = groups;
        work->group_ends[groups - 1] = i + 1;
        work->line[i] = rows[i].example;
    }
    free(rows);
    return QCTX_OK;
}

int64_t qctx_sampler_share(int64_t count, double weight)
{
    int64_t share = llround(weight * (double)count);

    return share > 0 ? share : 1;
}

/* How much of an epoch each source gives, and how many batches that makes. */
static void share_out(qctx_sampler *sampler)
{
    struct sampler_work *work = sampler->work;
    const int64_t batch = sampler->how.batch;

    sampler->rows = 0;
    sampler->batches = 0;
    for (int64_t s = 0; s < work->source_count; s++) {
        source_part *source = &work->sources[s];

        if (source->count > 0)
            source->rows =
                qctx_sampler_share(source->count, sampler->how.source_count == 0 ? 1.0 : sampler->how.weights[s]);
        sampler->rows += source->rows;
        sampler->batches += source->rows / batch;
    }
    if (!sampler->how.one_source)
        sampler->batches = sampler->rows / batch;
}

qctx_status sampler_work_create(qctx_sampler *sampler, qctx_error *error)
{
    const char *what = "the order of the samples";
    const qctx_sampling *how = &sampler->how;
    struct sampler_work *work = sampler->work = qctx_alloc(1, sizeof *work, what, error);
    int64_t most;

    if (work == NULL)
        return QCTX_ERR_MEMORY;
    work->source_count = how->source_count == 0 ? 1 : how->source_count;
    work->sources = qctx_alloc(work->source_count, sizeof *work->sources, what, error);
    work->line = qctx_alloc(how->count, sizeof *work->line, what, error);
    work->group_ends = qctx_alloc(how->count, sizeof *work->group_ends, what, error);
    work->taken = qctx_alloc(how->count, sizeof *work->taken, what, error);
    if (work->sources == NULL || work->line == NULL || work->group_ends == NULL || work->taken == NULL ||
        line_up(how, work, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    share_out(sampler);
    most = sampler->rows > how->count ? sampler->rows : how->count;
    work->rows = qctx_alloc(sampler->rows, sizeof *work->rows, what, error);
    work->ends = qctx_alloc(sampler->rows, sizeof *work->ends, what, error);
    work->shuffled = qctx_alloc(most, sizeof *work->shuffled, what, error);
    work->slots = qctx_alloc(sampler->batches, sizeof *work->slots, what, error);
    if (work->rows == NULL || work->ends == NULL || work->shuffled == NULL || work->slots == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

void sampler_work_destroy(struct sampler_work *work)
{
    if (work == NULL)
        return;
    free(work->sources);
    free(work->line);
    free(work->group_ends);
    free(work->taken);
    free(work->rows);
    free(work->ends);
    free(work->shuffled);
    free(work->slots);
    free(work);
}

/* Marks the places from … end − 1 of a pass over a source: all of it, or some of a random order that the pass has. */
static void take(const qctx_sampler *sampler, int64_t s, int64_t pass, int64_t from, int64_t end)
{
    struct sampler_work *work = sampler->work;
    const source_part *source = &work->sources[s];
    const bool whole = end - from == source->count;

    for (int64_t i = 0; i < source->count; i++)
        work->taken[source->first + i] = whole;
    if (whole)
        return;
    qctx_rng_permutation(work->shuffled, source->count, sampler->how.seed, QCTX_STREAM_PASS,
                         (uint64_t)(pass * work->source_count + s));
    for (int64_t i = from; i < end; i++)
        work->taken[source->first + work->shuffled[i]] = true;
}

/* Cuts the rows from `first` on, which are of one group, into runs, from a place on that is drawn by (epoch, draw). */
static void cut_runs(const qctx_sampler *sampler, int64_t first, int64_t epoch, int64_t draw)
{
    struct sampler_work *work = sampler->work;
    const int64_t run = sampler->how.run;
    int64_t end = first;

    if (work->row_count - first > run)
        end +=
            (int64_t)qctx_rng_below((uint64_t)run, sampler->how.seed, QCTX_STREAM_RUN, (uint64_t)epoch, (uint64_t)draw);
    if (end > first)
        work->ends[work->run_count++] = end;
    while (end < work->row_count) {
        end = qctx_smaller(end + run, work->row_count);
        work->ends[work->run_count++] = end;
    }
}

/* Adds what an epoch takes of a source, cut into runs. */
static void add_source(const qctx_sampler *sampler, int64_t s, int64_t epoch)
{
    struct sampler_work *work = sampler->work;
    const source_part *source = &work->sources[s];
    const int64_t from = epoch * source->rows, end = from + source->rows;

    for (int64_t at = from, pass; at < end; at = qctx_smaller(end, (pass + 1) * source->count)) {
        pass = at / source->count;
        take(sampler, s, pass, at - pass * source->count, qctx_smaller(end - pass * source->count, source->count));
        for (int64_t g = source->first_group, i = source->first; g < source->end_group; g++) {
            const int64_t first = work->row_count;

            for (; i < work->group_ends[g]; i++)
                if (work->taken[i])
                    work->rows[work->row_count++] = work->line[i];
            cut_runs(sampler, first, epoch, pass * sampler->how.count + g);
        }
    }
}

/*
 * Deals the runs at hand out in the order `shuffle` draws, and forgets them: over the epoch's batches as they stand, or
 * over those whose slots are given.
 */
static void deal_runs(qctx_sampler *sampler, const int64_t *slots, int64_t batches, uint64_t shuffle)
{
    struct sampler_work *work = sampler->work;
    const int64_t batch = sampler->how.batch;
    int64_t dealt = 0;

    qctx_rng_permutation(work->shuffled, work->run_count, sampler->how.seed, QCTX_STREAM_ORDER, shuffle);
    for (int64_t r = 0; r < work->run_count; r++) {
        const int64_t run = work->shuffled[r];

        for (int64_t i = run == 0 ? 0 : work->ends[run - 1]; i < work->ends[run]; i++, dealt++) {
            if (slots == NULL)
                sampler->order[dealt] = work->rows[i];
            else if (dealt / batch < batches)
                sampler->order[slots[dealt / batch] * batch + dealt % batch] = work->rows[i];
        }
    }
    work->row_count = work->run_count = 0;
}

void sampler_deal(qctx_sampler *sampler, int64_t epoch)
{
    struct sampler_work *work = sampler->work;
    const int64_t *slots = work->slots;

    if (sampler->how.one_source)
        qctx_rng_permutation(work->slots, sampler->batches, sampler->how.seed, QCTX_STREAM_BATCH, (uint64_t)epoch);
    for (int64_t s = 0; s < work->source_count; s++) {
        const int64_t batches = work->sources[s].rows / sampler->how.batch;

        add_source(sampler, s, epoch);
        if (!sampler->how.one_source)
            continue;
        deal_runs(sampler, slots, batches, (uint64_t)(epoch * work->source_count + s));
        slots += batches;
    }
    if (!sampler->how.one_source)
        deal_runs(sampler, NULL, sampler->batches, (uint64_t)epoch);
}
