#include "contrastive_sharing.h"

#include "qctx/base/order.h"

const manner sharing_plain = {false, false, 3.0};
const qctx_similarity sharing_schemes[SHARING_SCHEMES] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};

problem sharing_problem(int64_t rows, int64_t dim)
{
    problem p = probe_problem(rows, dim);

    probe_add_duplicates(&p);
    return p;
}

problem sharing_problem_with_extras(int64_t rows, int64_t extras, int64_t dim)
{
    problem p = sharing_problem(rows, dim);

    probe_add_extras(&p, extras);
    return p;
}

void sharing_rows(const qctx_comm *comm, const qctx_loss_config *config, int64_t batch, int64_t *first, int64_t *count)
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

problem sharing_own(const qctx_comm *comm, const qctx_loss_config *config, const problem *p)
{
    problem own = *p;

    sharing_rows(comm, config, p->rows, &own.first, &own.count);
    sharing_rows(comm, config, p->extras, &own.first_extra, &own.extra_count);
    return own;
}

answer sharing_step(qctx_comm *comm, qctx_loss *loss, const problem *p, const qctx_loss_config *config, manner how)
{
    const problem own = sharing_own(comm, config, p);
    const int64_t contexts = own.count + own.extra_count, floats = own.count * p->dim, from = own.first * p->dim;
    int64_t *offsets = probe_array(own.count + 1, sizeof *offsets);
    uint64_t *content = probe_array(contexts, sizeof *content);
    float *rows = probe_array(contexts * p->dim, sizeof *rows);
    qctx_loss_batch batch = probe_batch(&own, offsets, content);
    answer a = {.count = floats,
                .extras = own.extra_count * p->dim,
                .dq = probe_array(floats, sizeof *a.dq),
                .dc = probe_array(contexts * p->dim, sizeof *a.dc)};
    float *q, *c;

    memcpy(a.dq, p->q + from, (size_t)floats * sizeof *a.dq);
    probe_contexts(&own, a.dc);
    probe_contexts(&own, rows);
    q = how.in_place ? a.dq : p->q + from;
    c = how.in_place ? a.dc : rows;
    if (how.offer)
        qctx_loss_offer(loss, c, &batch);
    qctx_loss_step(loss, q, c, &batch, (qctx_loss_scale){how.log_scale, -4.0}, a.dq, a.dc, &a.result);
    free(offsets);
    free(content);
    free(rows);
    return a;
}

qctx_loss *sharing_create(qctx_comm *comm, const qctx_loss_config *config, const problem *p)
{
    const problem own = sharing_own(comm, config, p);
    qctx_loss *loss;
    qctx_error error;

    assert_status(qctx_loss_create(comm, config, probe_size(&own), &loss, &error), QCTX_OK, &error);
    return loss;
}

answer sharing_solve(qctx_comm *comm, const problem *p, const qctx_loss_config *config, manner how)
{
    qctx_loss *loss = sharing_create(comm, config, p);
    answer a = sharing_step(comm, loss, p, config, how);

    qctx_loss_destroy(loss);
    return a;
}

qctx_loss_config sharing_config(qctx_similarity scheme, qctx_loss_kind kind)
{
    return (qctx_loss_config){.kind = kind, .normalize = true, .scheme = scheme};
}
