/* Products: cut into panels, dealt to the threads, multiplied by the libraries; and their rate. */
#include "qctx/linalg/product.h"

#include <omp.h>
#include <stdlib.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/linalg/onednn.h"
#include "qctx/platform/comm.h"

const char *const qctx_precision_names[] = {
    [QCTX_PRECISION_FLOAT32] = "float32",
    [QCTX_PRECISION_BFLOAT16] = "bfloat16",
    [QCTX_PRECISION_AUTO] = "auto",
    NULL,
};

enum {
    /*
     * Most rows and columns of a panel. Each panel packs its operands anew, which costs about as much as 20 further
     * rows and columns would: 1 to 3 percent here, more for smaller ones.
     */
    PANEL_ROWS = 1024,
    PANEL_COLS = 2048,
    /* Multiple of the libraries' register tiles, which panels are cut at. */
    GRAIN = 64,
};

/* Multiplications below which a product is one panel, whatever the threads: about 0.1 ms. */
static const int64_t SMALL = INT64_C(1) << 22;

/* A product as its caller gave it. */
typedef struct {
    qctx_precision precision;
    qctx_transpose a_form, b_form;
    int64_t m, n, k;
    const void *a;
    int64_t lda;
    const void *b;
    int64_t ldb;
    bool add;
    float *c;
    int64_t ldc;
} product;

/* How it is cut: panels of `rows` × `cols`, the last ones smaller, `across` panels side by side. */
typedef struct {
    int64_t rows, cols;
    int64_t across, count;
} panels;

/* The length of `parts` parts of `length`, as even as multiples of GRAIN allow. */
static int64_t part_length(int64_t length, int64_t parts)
{
    return qctx_divide_up(qctx_divide_up(length, parts), GRAIN) * GRAIN;
}

static panels cut(int64_t m, int64_t n, int64_t k)
{
    int64_t down = qctx_divide_up(m, PANEL_ROWS), across = qctx_divide_up(n, PANEL_COLS);
    panels cut;

    /* What fits into one panel still gives two threads work, if it is worth waking one. */
    if (down == 1 && across == 1 && m * n * k >= SMALL) {
        if (m >= n)
            down = 2;
        else
            across = 2;
    }
    cut.rows = part_length(m, down);
    cut.cols = part_length(n, across);
    cut.across = qctx_divide_up(n, cut.cols);
    cut.count = qctx_divide_up(m, cut.rows) * cut.across;
    return cut;
}

/* The part of op(matrix) that begins at (row, col). */
static const void *operand_at(const product *whole, const void *matrix, qctx_transpose form, int64_t row, int64_t col,
                              int64_t stride)
{
    int64_t element = form == QCTX_PLAIN ? row * stride + col : col * stride + row;

    return (const char *)matrix + element * qctx_precision_bytes(whole->precision);
}

static void multiply_float32(const product *p)
{
    if (!qctx_onednn_float32(p->a_form, p->b_form, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, p->add, p->c, p->ldc))
        qctx_sgemm(p->a_form, p->b_form, p->m, p->n, p->k, 1.0f, p->a, p->lda, p->b, p->ldb, p->add ? 1.0f : 0.0f, p->c,
                   p->ldc);
}

static void multiply_bfloat16(const product *p)
{
    if (!qctx_onednn_bfloat16(p->a_form, p->b_form, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, p->add, p->c, p->ldc))
        qctx_product_widened(p->a_form, p->b_form, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, p->add, p->c, p->ldc);
}

static void multiply_panel(const product *whole, const panels *cut, int64_t panel)
{
    int64_t row = panel / cut->across * cut->rows, col = panel % cut->across * cut->cols;
    product part = *whole;

    part.m = qctx_smaller(cut->rows, whole->m - row);
    part.n = qctx_smaller(cut->cols, whole->n - col);
    part.a = operand_at(whole, whole->a, whole->a_form, row, 0, whole->lda);
    part.b = operand_at(whole, whole->b, whole->b_form, 0, col, whole->ldb);
    part.c = whole->c + row * whole->ldc + col;
    if (part.precision == QCTX_PRECISION_FLOAT32)
        multiply_float32(&part);
    else
        multiply_bfloat16(&part);
}

/* The sum over nothing. */
static void clear(float *c, int64_t m, int64_t n, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = 0.0f;
}

/* The panels of a product, m, n, k ≥ 1, dealt to the threads. */
static void multiply_all(const product *whole)
{
    const panels parts = cut(whole->m, whole->n, whole->k);
    bool nested = omp_in_parallel();
    int threads = nested ? 1 : (int)qctx_smaller(omp_get_max_threads(), parts.count);

#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        /* For the calls of the libraries, also where this region has one thread; it ends with the region. */
        omp_set_num_threads(1);
#pragma omp for schedule(dynamic)
        for (int64_t panel = 0; panel < parts.count; panel++) {
            multiply_panel(whole, &parts, panel);
            if (!nested && omp_get_thread_num() == 0)
                qctx_comm_progress();
        }
    }
}

void qctx_product(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                  int64_t k, const void *a, int64_t lda, const void *b, int64_t ldb, bool add, float *c, int64_t ldc)
{
    const product whole = {precision, a_form, b_form, m, n, k, a, lda, b, ldb, add, c, ldc};

    if (m > 0 && n > 0 && k > 0)
        multiply_all(&whole);
    else if (!add)
        clear(c, m, n, ldc);
}

int64_t qctx_precision_bytes(qctx_precision precision)
{
    return precision == QCTX_PRECISION_FLOAT32 ? (int64_t)sizeof(float) : (int64_t)sizeof(qctx_bfloat16);
}

bool qctx_product_is_native(qctx_precision precision)
{
    return precision == QCTX_PRECISION_FLOAT32 || qctx_onednn_has_bfloat16();
}

const char *qctx_product_library(qctx_precision precision)
{
    bool openblas = precision == QCTX_PRECISION_FLOAT32 && !qctx_onednn_has_float32();

    return openblas ? qctx_blas_library() : qctx_onednn_library();
}

/* Numbers of about 1 with all bits of the mantissa in use, so that no product is denormal or trivial. */
static void *operand_of(qctx_precision precision, int64_t count)
{
    float *values = qctx_alloc(count, sizeof *values, "the operands of a measured product", NULL);
    qctx_bfloat16 *narrow;

    if (values == NULL)
        return NULL;
    for (int64_t i = 0; i < count; i++)
        values[i] = (i & 1 ? -1.0f : 1.0f) * (1.0f + (float)(i % 8191) / 8191.0f);
    if (precision == QCTX_PRECISION_FLOAT32)
        return values;
    narrow = qctx_alloc(count, sizeof *narrow, "the operands of a measured product", NULL);
    if (narrow != NULL)
        qctx_to_bfloat16_array(values, count, narrow);
    free(values);
    return narrow;
}

double qctx_product_rate(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                         int64_t k, int64_t times)
{
    void *a = operand_of(precision, m * k), *b = operand_of(precision, k * n);
    float *c = qctx_alloc(m * n, sizeof *c, "the result of a measured product", NULL);
    double *seconds = qctx_alloc(times, sizeof *seconds, "the times of a measured product", NULL);
    double rate = 0.0;

    if (a != NULL && b != NULL && c != NULL && seconds != NULL) {
        for (int64_t i = -1; i < times; i++) {
            double start = qctx_clock_seconds();

            qctx_product(precision, a_form, b_form, m, n, k, a, a_form == QCTX_PLAIN ? k : m, b,
                         b_form == QCTX_PLAIN ? n : k, false, c, n);
            if (i >= 0)
                seconds[i] = qctx_clock_seconds() - start;
        }
        rate = 2.0 * (double)m * (double)n * (double)k / qctx_median(seconds, times);
    }
    free(a);
    free(b);
    free(c);
    free(seconds);
    return rate;
}
