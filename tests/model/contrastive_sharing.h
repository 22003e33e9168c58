/* What the tests of the loss's sharing use: a whole batch, and steps of it on any communicator, carried out in any
 * manner. */
#ifndef QCTX_TESTS_CONTRASTIVE_SHARING_H
#define QCTX_TESTS_CONTRASTIVE_SHARING_H

#include "contrastive_probe.h"

#include "qctx/base/order.h"
#include "qctx/base/tree_sum.h"

/* How a step is carried out: everything that must change no bit. */
typedef struct {
    bool offer;
    bool in_place;
    double log_scale;
} manner;

static const manner plain = {false, false, 3.0};

/* With duplicates and further positives. */
static inline problem make_problem(int64_t rows, int64_t dim)
{
    problem p = probe_problem(rows, dim);

    probe_add_duplicates(&p);
    return p;
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
    qctx_share(config->leaves, rank, size, &leaf, &leaves);
    qctx_share(batch, leaf, config->leaves, first, &length);
    qctx_share(batch, leaf + leaves - 1, config->leaves, &last, &length);
    *count = last + length - *first;
}

static inline answer step(qctx_comm *comm, qctx_loss *loss, const problem *p, const qctx_loss_config *config,
                          manner how)
{
    problem own = *p;
    int64_t *offsets, floats, from;
    qctx_loss_batch batch;
    answer a;
    float *q, *c;

    rows_of_rank(comm, config, p->rows, &own.first, &own.count);
    offsets = probe_room(own.count + 1, sizeof *offsets);
    batch = probe_batch(&own, offsets);
    floats = own.count * p->dim;
    from = own.first * p->dim;
    a = (answer){.count = floats, .dq = probe_room(floats, sizeof *a.dq), .dc = probe_room(floats, sizeof *a.dc)};
    memcpy(a.dq, p->q + from, (size_t)floats * sizeof *a.dq);
    memcpy(a.dc, p->c + from, (size_t)floats * sizeof *a.dc);
    q = how.in_place ? a.dq : p->q + from;
    c = how.in_place ? a.dc : p->c + from;
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
static const qctx_similarity shared[] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};
enum { SHARED = sizeof shared / sizeof shared[0] };

#endif
