#include "contrastive_probe.h"

#include "contrastive_reference.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"

const qctx_loss_config probe_losses[PROBE_LOSSES] = {
    {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_BOTH},
    {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_QUESTION},
    {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_CONTEXT},
    {.kind = QCTX_LOSS_SIGMOID},
    {.kind = QCTX_LOSS_SOFT},
};
const qctx_similarity probe_schemes[PROBE_SCHEMES] = {QCTX_SIMILARITY_FULL, QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};

void *probe_array(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

problem probe_problem(int64_t rows, int64_t dim)
{
    problem p = {.rows = rows, .dim = dim};

    qctx_share(rows, qctx_comm_rank(test_comm), qctx_comm_size(test_comm), &p.first, &p.count);
    p.q = probe_array(rows * dim, sizeof *p.q);
    p.c = probe_array(rows * dim, sizeof *p.c);
    p.content = probe_array(rows, sizeof *p.content);
    p.positives = probe_array(3 * rows, sizeof *p.positives);
    p.positive_offsets = probe_array(rows + 1, sizeof *p.positive_offsets);
    for (int64_t k = 0; k < rows * dim; k++) {
        p.q[k] = (float)(2.0 * qctx_rng_uniform(5, QCTX_STREAM_SYNTH, 0, (uint64_t)k) - 1.0);
        p.c[k] = 0.5f * p.q[k] + (float)(2.0 * qctx_rng_uniform(5, QCTX_STREAM_SYNTH, 1, (uint64_t)k) - 1.0);
    }
    for (int64_t i = 0; i < rows; i++) {
        p.content[i] = 100 + (uint64_t)i;
        p.positives[i] = p.content[i];
        p.positive_offsets[i] = i;
    }
    p.positive_offsets[rows] = rows;
    return p;
}

void probe_add_duplicates(problem *p)
{
    for (int64_t i = 3; i < p->rows; i += 5)
        p->content[i] = p->content[i - 3];
    for (int64_t i = 0; i < p->rows; i++) {
        p->positive_offsets[i] = 3 * i;
        p->positives[3 * i] = i % 3 == 0 ? 1000000 : p->content[(i * 7 + 2) % p->rows];
        p->positives[3 * i + 1] = p->content[i];
        p->positives[3 * i + 2] = p->content[i % 2 == 0 ? i : p->rows - 1];
    }
    p->positive_offsets[p->rows] = 3 * p->rows;
}

void probe_place(problem *p, const int64_t *counts)
{
    int rank = qctx_comm_rank(test_comm);

    p->first = 0;
    for (int r = 0; r < rank; r++)
        p->first += counts[r];
    p->count = counts[rank];
}

void probe_free(problem *p)
{
    free(p->q);
    free(p->c);
    free(p->content);
    free(p->positives);
    free(p->positive_offsets);
}

qctx_loss_batch probe_batch(const problem *p, int64_t *offsets)
{
    for (int64_t i = 0; i <= p->count; i++)
        offsets[i] = p->positive_offsets[p->first + i] - p->positive_offsets[p->first];
    return (qctx_loss_batch){p->count, p->content + p->first, offsets, p->positives + p->positive_offsets[p->first]};
}

answer probe_step(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale)
{
    const size_t bytes = (size_t)(p->count * p->dim) * sizeof(float);
    int64_t *offsets = probe_array(p->count + 1, sizeof *offsets);
    qctx_loss_batch mine = probe_batch(p, offsets);
    answer a = {.count = p->count * p->dim,
                .dq = probe_array(p->count * p->dim, sizeof *a.dq),
                .dc = probe_array(p->count * p->dim, sizeof *a.dc)};
    qctx_loss *loss;
    qctx_error error;

    assert_status(qctx_loss_create(test_comm, config, p->count + 2, p->rows + 9, p->dim, &loss, &error), QCTX_OK,
                  &error);
    if (config->direction == QCTX_DIRECTION_BOTH) {
        qctx_loss_step(loss, p->q + p->first * p->dim, p->c + p->first * p->dim, &mine, scale, a.dq, a.dc, &a.result);
    } else {
        /* The other ways to call it: contexts offered beforehand, gradients over the rows. */
        memcpy(a.dq, p->q + p->first * p->dim, bytes);
        memcpy(a.dc, p->c + p->first * p->dim, bytes);
        qctx_loss_offer(loss, a.dc, &mine);
        qctx_loss_step(loss, a.dq, a.dc, &mine, scale, a.dq, a.dc, &a.result);
    }
    qctx_loss_destroy(loss);
    free(offsets);
    return a;
}

void probe_free_answer(answer *a)
{
    free(a->dq);
    free(a->dc);
}

truth probe_truth(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale)
{
    qctx_loss_batch whole = {p->rows, p->content, p->positive_offsets, p->positives};
    int64_t count = p->rows * p->dim;
    double *q = probe_array(count, sizeof *q), *c = probe_array(count, sizeof *c);
    truth t = {.dq = probe_array(count, sizeof *t.dq), .dc = probe_array(count, sizeof *t.dc)};

    for (int64_t k = 0; k < count; k++) {
        q[k] = (double)p->q[k];
        c[k] = (double)p->c[k];
    }
    contrastive_reference(config, q, c, p->rows, p->dim, &whole, scale, t.dq, t.dc, &t.result);
    free(q);
    free(c);
    return t;
}

void probe_free_truth(truth *t)
{
    free(t->dq);
    free(t->dc);
}

void probe_assert_gradient(const problem *p, const float *actual, const double *expected, double bound)
{
    double largest = 0.0, square = 0.0, worst = 0.0, distance = 0.0;

    for (int64_t k = 0; k < p->rows * p->dim; k++) {
        largest = fmax(largest, fabs(expected[k]));
        square += expected[k] * expected[k];
    }
    for (int64_t k = 0; k < p->count * p->dim; k++) {
        double difference = (double)actual[k] - expected[p->first * p->dim + k];

        worst = fmax(worst, fabs(difference));
        distance += difference * difference;
    }
    assert_close(largest > 0.0 ? worst / largest : worst, 0.0, bound);
    assert_close(square > 0.0 ? sqrt(distance / square) : distance, 0.0, bound);
}

void probe_assert_same(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    assert_true(qctx_comm_same(test_comm, bits));
}

void probe_assert(const problem *p, const answer *a, const truth *t, probe_bound bound)
{
    const qctx_loss_result *actual = &a->result, *expected = &t->result;

    probe_assert_same(actual->loss);
    probe_assert_same(actual->dlog_scale);
    probe_assert_same(actual->dbias);
    probe_assert_same(actual->accuracy);
    assert_true(actual->finite && expected->finite);
    assert_close(actual->loss, expected->loss, bound.loss * fmin(1.0, fabs(expected->loss)));
    assert_close(actual->dlog_scale, expected->dlog_scale, bound.gradient);
    assert_close(actual->dbias, expected->dbias, bound.gradient);
    assert_close(actual->accuracy, expected->accuracy, 1e-12);
    probe_assert_gradient(p, a->dq, t->dq, bound.gradient);
    probe_assert_gradient(p, a->dc, t->dc, bound.gradient);
}

bool probe_knows(qctx_similarity scheme, const qctx_loss_config *config)
{
    return qctx_loss_check(config->kind, scheme, config->precision, config->leaves > 0).key == NULL;
}

void probe_check(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale, probe_bound bound)
{
    truth t = probe_truth(p, config, scale);

    for (int k = 0; k < PROBE_SCHEMES; k++) {
        qctx_loss_config variant = *config;
        answer a;

        variant.scheme = probe_schemes[k];
        if (!probe_knows(variant.scheme, config))
            continue;
        a = probe_step(p, &variant, scale);
        probe_assert(p, &a, &t, bound);
        probe_free_answer(&a);
    }
    probe_free_truth(&t);
}

void probe_check_all(const problem *p, double scale, probe_bound bound)
{
    for (int k = 0; k < 2 * PROBE_LOSSES; k++) {
        qctx_loss_config config = probe_losses[k / 2];

        config.normalize = k % 2 == 0;
        probe_check(p, &config, (qctx_loss_scale){config.normalize ? log(scale) : 0.5, -0.3 * scale}, bound);
    }
}
