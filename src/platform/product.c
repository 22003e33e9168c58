#include "qctx/platform/product.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/clock.h"
#include "qctx/platform/comm.h"

/* The slow twin of a bfloat16 product. */
static float *widen(const qctx_bfloat16 *half, int64_t rows, int64_t cols, int64_t stride)
{
    float *wide = malloc((size_t)(rows * cols + 1) * sizeof *wide);

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            wide[i * cols + j] = qctx_from_bfloat16(half[i * stride + j]);
    return wide;
}

void qctx_product(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                  int64_t k, const void *a, int64_t lda, const void *b, int64_t ldb, bool add, float *c, int64_t ldc)
{
    float beta = add ? 1.0f : 0.0f;
    int64_t a_rows = a_form == QCTX_PLAIN ? m : k, a_cols = a_form == QCTX_PLAIN ? k : m;
    int64_t b_rows = b_form == QCTX_PLAIN ? k : n, b_cols = b_form == QCTX_PLAIN ? n : k;

    if (precision == QCTX_PRECISION_FLOAT32) {
        qctx_sgemm(a_form, b_form, m, n, k, 1.0f, a, lda, b, ldb, beta, c, ldc);
    } else {
        float *wide_a = widen(a, a_rows, a_cols, lda), *wide_b = widen(b, b_rows, b_cols, ldb);

        qctx_sgemm(a_form, b_form, m, n, k, 1.0f, wide_a, a_cols, wide_b, b_cols, beta, c, ldc);
        free(wide_a);
        free(wide_b);
    }
    qctx_comm_progress();
}

int64_t qctx_precision_bytes(qctx_precision precision)
{
    return precision == QCTX_PRECISION_FLOAT32 ? 4 : 2;
}

const char *qctx_precision_name(qctx_precision precision)
{
    return precision == QCTX_PRECISION_FLOAT32 ? "float32" : "bfloat16";
}

bool qctx_product_is_native(qctx_precision precision)
{
    return precision == QCTX_PRECISION_FLOAT32;
}

double qctx_product_rate(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                         int64_t k, int64_t times)
{
    void *a = calloc((size_t)(m * k), 4), *b = calloc((size_t)(k * n), 4);
    float *c = calloc((size_t)(m * n), sizeof *c);
    double start = qctx_clock_seconds(), rate = 0.0;

    if (a != NULL && b != NULL && c != NULL) {
        for (int64_t i = 0; i < times; i++)
            qctx_product(precision, a_form, b_form, m, n, k, a, a_form == QCTX_PLAIN ? k : m, b,
                         b_form == QCTX_PLAIN ? n : k, false, c, n);
        rate = 2.0 * (double)(m * n * k * times) / (qctx_clock_seconds() - start);
    }
    free(a);
    free(b);
    free(c);
    return rate;
}
