/* What the tests of the loss's sharing use: a whole batch, and steps of it on any communicator, carried out in any
 * manner. */
#ifndef QCTX_TESTS_CONTRASTIVE_SHARING_H
#define QCTX_TESTS_CONTRASTIVE_SHARING_H

#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/base/tree_sum.h"
#include "qctx/model/contrastive.h"

/* A whole batch, the same on all ranks, with duplicates and further positives. */
typedef struct {
    int64_t rows, dim;
    float *q, *c;
    uint64_t *content, *positives;
    int64_t *offsets;
} problem;

/* What a step says of this rank's rows. */
typedef struct {
    int64_t count; /* floats of each gradient */
    float *dq, *dc;
    qctx_loss_result result;
} answer;

/* How a step is carried out: everything that must change no bit. */
typedef struct {
    bool offer;
    bool in_place;
    double log_scale;
} manner;

static const manner plain = {false, false, 3.0};

static inline void *room(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

static inline problem make_problem(int64_t rows, int64_t dim)
{
    problem p = {.rows = rows, .dim = dim};

    p.q = room(rows * dim, sizeof *p.q);
    p.c = room(rows * dim, sizeof *p.c);
    p.content = room(rows, sizeof *p.content);
    p.positives = room(2 * rows, sizeof *p.positives);
    p.offsets = room(rows + 1, sizeof *p.offsets);
    for (int64_t k = 0; k < rows * dim; k++) {
        p.q[k] = (float)(2.0 * qctx_rng_uniform(9, QCTX_STREAM_SYNTH, 0, (uint64_t)k) - 1.0);
        p.c[k] = 0.5f * p.q[k] + (float)(2.0 * qctx_rng_uniform(9, QCTX_STREAM_SYNTH, 1, (uint64_t)k) - 1.0);
    }
    for (int64_t i = 0; i < rows; i++) {
        p.content[i] = 100 + (uint64_t)(i % 7 == 5 ? i - 3 : i);
        p.positives[2 * i] = p.content[i];
        p.positives[2 * i + 1] = 100 + (uint64_t)((i * 11 + 4) % rows);
        p.offsets[i + 1] = 2 * (i + 1);
    }
    return p;
}

static inline void free_problem(problem *p)
{
    free(p->q);
    free(p->c);
    free(p->content);
    free(p->positives);
    free(p->offsets);
}

static inline void free_answer(answer *a)
{
    free(a->dq);
    free(a->dc);
}

/* The rows of the batch that fall to a rank: a share, or its leaves'. */
static inline void rows_of_rank(const qctx_comm *comm, const qctx_loss_config *config, int64_t batch, int64_t *first,
                                int64_t *count)
{
    int rank = qctx_comm_rank(comm), size = qctx_comm_size(comm);
    int64_t leaf, leaves, last, length;

    if (config->leaves == 0) {
        qctx_share(batch, rank, size, first, count);
        return;
    }
    qctx_leaf_share(config->leaves, rank, size, &leaf, &leaves);
    qctx_leaf_rows(batch, config->leaves, leaf, first, &length);
    qctx_leaf_rows(batch, config->leaves, leaf + leaves - 1, &last, &length);
    *count = last + length - *first;
}

static inline answer step(qctx_comm *comm, qctx_loss *loss, const problem *p, const qctx_loss_config *config,
                          manner how)
{
    int64_t first, count, dim = p->dim;
    int64_t *offsets;
    qctx_loss_batch batch;
    answer a;
    float *q, *c;

    rows_of_rank(comm, config, p->rows, &first, &count);
    offsets = room(count + 1, sizeof *offsets);
    for (int64_t i = 0; i <= count; i++)
        offsets[i] = p->offsets[first + i] - p->offsets[first];
    batch = (qctx_loss_batch){count, p->content + first, offsets, p->positives + p->offsets[first]};
    a = (answer){.count = count * dim, .dq = room(count * dim, sizeof *a.dq), .dc = room(count * dim, sizeof *a.dc)};
    memcpy(a.dq, p->q + first * dim, (size_t)(count * dim) * sizeof *a.dq);
    memcpy(a.dc, p->c + first * dim, (size_t)(count * dim) * sizeof *a.dc);
    q = how.in_place ? a.dq : p->q + first * dim;
    c = how.in_place ? a.dc : p->c + first * dim;
    if (how.offer)
        qctx_loss_offer(loss, c, &batch);
    qctx_loss_step(loss, q, c, &batch, (qctx_loss_scale){how.log_scale, -4.0}, a.dq, a.dc, &a.result);
    free(offsets);
    return a;
}

static inline qctx_loss *create(qctx_comm *comm, const qctx_loss_config *config, const problem *p)
{
    qctx_loss *loss;
    qctx_error error;
    int64_t first, count;

    rows_of_rank(comm, config, p->rows, &first, &count);
    assert_status(qctx_loss_create(comm, config, count, p->rows, p->dim, &loss, &error), QCTX_OK, &error);
    return loss;
}

static inline answer solve(qctx_comm *comm, const problem *p, const qctx_loss_config *config, manner how)
{
    qctx_loss *loss = create(comm, config, p);
    answer a = step(comm, loss, p, config, how);

    qctx_loss_destroy(loss);
    return a;
}

static inline qctx_loss_config config_of(qctx_similarity scheme, qctx_loss_kind kind)
{
    return (qctx_loss_config){.kind = kind, .normalize = true, .scheme = scheme};
}

/* The schemes that work by tiles. */
static const qctx_similarity shared[] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING, QCTX_SIMILARITY_ROWS_COLUMNS};
enum { SHARED = sizeof shared / sizeof shared[0] };

#endif
