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

void probe_add_extras(problem *p, int64_t extras)
{
    int64_t all = p->rows + extras, from = p->rows * p->dim;
    float *c = probe_array(all * p->dim, sizeof *c);
    uint64_t *content = probe_array(all, sizeof *content);

    memcpy(c, p->c, (size_t)from * sizeof *c);
    memcpy(content, p->content, (size_t)p->rows * sizeof *content);
    for (int64_t k = from; k < all * p->dim; k++)
        c[k] = (float)(2.0 * qctx_rng_uniform(5, QCTX_STREAM_SYNTH, 2, (uint64_t)k) - 1.0);
    for (int64_t k = 0; k < extras; k++) {
        content[p->rows + k] = 5000 + (uint64_t)k;
        if (k % 4 == 1 && p->rows > 0)
            content[p->rows + k] = p->content[k * 3 % p->rows];
        else if (k % 5 == 2)
            content[p->rows + k] = content[p->rows + k - 1];
        else if (k % 7 == 3 && p->rows > 0)
            content[p->rows + k] = p->positives[k * 5 % p->positive_offsets[p->rows]];
    }
    free(p->c);
    free(p->content);
    p->c = c;
    p->content = content;
    p->extras = extras;
    qctx_share(extras, qctx_comm_rank(test_comm), qctx_comm_size(test_comm), &p->first_extra, &p->extra_count);
}

static void place(const int64_t *counts, int64_t *first, int64_t *count)
{
    int rank = qctx_comm_rank(test_comm);

    *first = 0;
    for (int r = 0; r < rank; r++)
        *first += counts[r];
    *count = counts[rank];
}

void probe_place(problem *p, const int64_t *counts)
{
    place(counts, &p->first, &p->count);
}

void probe_place_extras(problem *p, const int64_t *extras)
{
    place(extras, &p->first_extra, &p->extra_count);
}

void probe_free(problem *p)
{
    free(p->q);
    free(p->c);
    free(p->content);
    free(p->positives);
    free(p->positive_offsets);
}

qctx_loss_batch probe_batch(const problem *p, int64_t *offsets, uint64_t *content)
{
    for (int64_t i = 0; i <= p->count; i++)
        offsets[i] = p->positive_offsets[p->first + i] - p->positive_offsets[p->first];
    memcpy(content, p->content + p->first, (size_t)p->count * sizeof *content);
    memcpy(content + p->count, p->content + p->rows + p->first_extra, (size_t)p->extra_count * sizeof *content);
    return (qctx_loss_batch){p->count, content, offsets, p->positives + p->positive_offsets[p->first], p->extra_count};
}

void probe_contexts(const problem *p, float *c)
{
    memcpy(c, p->c + p->first * p->dim, (size_t)(p->count * p->dim) * sizeof *c);
    memcpy(c + p->count * p->dim, p->c + (p->rows + p->first_extra) * p->dim,
           (size_t)(p->extra_count * p->dim) * sizeof *c);
}

qctx_loss_size probe_size(const problem *p)
{
    return (qctx_loss_size){p->count, p->rows, p->extra_count, p->extras, p->dim};
}

answer probe_step(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale)
{
    const size_t bytes = (size_t)(p->count * p->dim) * sizeof(float);
    const int64_t contexts = p->count + p->extra_count;
    int64_t *offsets = probe_array(p->count + 1, sizeof *offsets);
    uint64_t *content = probe_array(contexts, sizeof *content);
    float *c = probe_array(contexts * p->dim, sizeof *c);
    qctx_loss_batch mine = probe_batch(p, offsets, content);
    answer a = {.count = p->count * p->dim,
                .extras = p->extra_count * p->dim,
                .dq = probe_array(p->count * p->dim, sizeof *a.dq),
                .dc = probe_array(contexts * p->dim, sizeof *a.dc)};
    qctx_loss_size size = probe_size(p);
    qctx_loss *loss;
    qctx_error error;

    size.rows += 2;
    size.batch += 9;
    size.extras += p->extras > 0 ? 3 : 0;
    size.batch_extras += p->extras > 0 ? 16 : 0;
    probe_contexts(p, c);
    assert_status(qctx_loss_create(test_comm, config, size, &loss, &error), QCTX_OK, &error);
    if (config->direction == QCTX_DIRECTION_BOTH) {
        qctx_loss_step(loss, p->q + p->first * p->dim, c, &mine, scale, a.dq, a.dc, &a.result);
    } else {
        /* The other ways to call it: contexts offered beforehand, gradients over the rows. */
        memcpy(a.dq, p->q + p->first * p->dim, bytes);
        probe_contexts(p, a.dc);
        qctx_loss_offer(loss, a.dc, &mine);
        qctx_loss_step(loss, a.dq, a.dc, &mine, scale, a.dq, a.dc, &a.result);
    }
    qctx_loss_destroy(loss);
    free(offsets);
    free(content);
    free(c);
    return a;
}

void probe_free_answer(answer *a)
{
    free(a->dq);
    free(a->dc);
}

truth probe_truth(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale)
{
    qctx_loss_batch whole = {p->rows, p->content, p->positive_offsets, p->positives, p->extras};
    int64_t count = p->rows * p->dim, contexts = (p->rows + p->extras) * p->dim;
    double *q = probe_array(count, sizeof *q), *c = probe_array(contexts, sizeof *c);
    truth t = {.dq = probe_array(count, sizeof *t.dq), .dc = probe_array(contexts, sizeof *t.dc)};

    for (int64_t k = 0; k < count; k++)
        q[k] = (double)p->q[k];
    for (int64_t k = 0; k < contexts; k++)
        c[k] = (double)p->c[k];
    contrastive_reference(config, q, c, p->dim, &whole, scale, t.dq, t.dc, &t.result);
    free(q);
    free(c);
    return t;
}

void probe_free_truth(truth *t)
{
    free(t->dq);
    free(t->dc);
}

void probe_assert_gradient(const float *actual, int64_t own, const double *expected, int64_t from, int64_t all,
                           double bound)
{
    double largest = 0.0, square = 0.0, worst = 0.0, distance = 0.0;

    for (int64_t k = 0; k < all; k++) {
        largest = fmax(largest, fabs(expected[k]));
        square += expected[k] * expected[k];
    }
    for (int64_t k = 0; k < own; k++) {
        double difference = (double)actual[k] - expected[from + k];

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
    const int64_t rows = p->rows * p->dim, first = p->first * p->dim, contexts = (p->rows + p->extras) * p->dim;

    probe_assert_same(actual->loss);
    probe_assert_same(actual->dlog_scale);
    probe_assert_same(actual->dbias);
    probe_assert_same(actual->accuracy);
    assert_true(actual->finite && expected->finite);
    assert_close(actual->loss, expected->loss, bound.loss * fmin(1.0, fabs(expected->loss)));
    assert_close(actual->dlog_scale, expected->dlog_scale, bound.gradient);
    assert_close(actual->dbias, expected->dbias, bound.gradient);
    assert_close(actual->accuracy, expected->accuracy, 1e-12);
    probe_assert_gradient(a->dq, a->count, t->dq, first, rows, bound.gradient);
    probe_assert_gradient(a->dc, a->count, t->dc, first, contexts, bound.gradient);
    probe_assert_gradient(a->dc + a->count, a->extras, t->dc, rows + p->first_extra * p->dim, contexts, bound.gradient);
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

        if (p->extras > 0 && qctx_loss_check_extras(config.kind, config.direction).key != NULL)
            continue;
        config.normalize = k % 2 == 0;
        probe_check(p, &config, (qctx_loss_scale){config.normalize ? log(scale) : 0.5, -0.3 * scale}, bound);
    }
}
