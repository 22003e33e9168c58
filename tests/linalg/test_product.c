/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/mem.h"
#include "qctx/linalg/onednn.h"
#include "qctx/linalg/product.h"

/* Operands may be this long each way; strides are up to PAD wider. */
enum { LONGEST = 1100, PAD = 5, ELEMENTS = LONGEST * (LONGEST + PAD) };

static const qctx_transpose forms[] = {QCTX_PLAIN, QCTX_TRANSPOSED};
static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};

/* The operands in both precisions, of the same values: those of bfloat16. */
static float wide_a[ELEMENTS], wide_b[ELEMENTS];
static qctx_bfloat16 narrow_a[ELEMENTS], narrow_b[ELEMENTS];
static float result[ELEMENTS], other[ELEMENTS];

static double random_value(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*state >> 32) / 2147483648.0 - 1.0;
}

static void fill(float *wide, qctx_bfloat16 *narrow, uint64_t seed)
{
    for (int i = 0; i < ELEMENTS; i++) {
        narrow[i] = qctx_to_bfloat16((float)random_value(&seed));
        wide[i] = qctx_from_bfloat16(narrow[i]);
    }
}

static const void *operand(qctx_precision precision, const float *wide, const qctx_bfloat16 *narrow)
{
    return precision == QCTX_PRECISION_FLOAT32 ? (const void *)wide : narrow;
}

/* One product of the operands above. */
typedef struct {
    qctx_precision precision;
    qctx_transpose a_form, b_form;
    int64_t m, n, k;
    bool add;
    int64_t lda, ldb, ldc;
} shape;

static shape shape_of(qctx_precision precision, int form, int64_t m, int64_t n, int64_t k, bool add, int64_t pad)
{
    shape s = {precision, forms[form >> 1], forms[form & 1], m, n, k, add, 0, 0, n + pad};

    s.lda = (s.a_form == QCTX_PLAIN ? k : m) + pad;
    s.ldb = (s.b_form == QCTX_PLAIN ? n : k) + pad;
    return s;
}

static void multiply(const shape *s, float *c)
{
    qctx_product(s->precision, s->a_form, s->b_form, s->m, s->n, s->k, operand(s->precision, wide_a, narrow_a), s->lda,
                 operand(s->precision, wide_b, narrow_b), s->ldb, s->add, c, s->ldc);
}

/* Element (i, j) of op(A)·op(B) in double, and the sum of its terms' sizes. */
static double element(const shape *s, int64_t i, int64_t j, double *size)
{
    double sum = 0.0;

    *size = 0.0;
    for (int64_t l = 0; l < s->k; l++) {
        double a = wide_a[s->a_form == QCTX_PLAIN ? i * s->lda + l : l * s->lda + i];
        double b = wide_b[s->b_form == QCTX_PLAIN ? l * s->ldb + j : j * s->ldb + l];

        sum += a * b;
        *size += fabs(a * b);
    }
    return sum;
}

/* What C holds before a product: numbers to add to, or what must not be read. */
static float before(const shape *s, int64_t i, int64_t j)
{
    if (j >= s->n)
        return 77.0f;
    return s->add ? (float)((i * 7 + j) % 13) : NAN;
}

/* Corners, where panels meet, and some in between: enough to see a misplaced, doubled or forgotten part. */
static int64_t sample(int64_t length, int64_t number)
{
    static const int64_t places[] = {0, 1, 63, 64, 255, 256, 257, 512, 575, 576, 1023, 1024};

    return number < 12 ? places[number] % length : number == 12 ? length - 1 : (number * 389 + 17) % length;
}

static void check(const shape *s)
{
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < s->ldc; j++)
            result[i * s->ldc + j] = before(s, i, j);
    multiply(s, result);
    for (int64_t i = 0; i < s->m; i++) {
        for (int64_t j = 0; j < s->n; j++)
            assert_true(isfinite(result[i * s->ldc + j]));
        for (int64_t j = s->n; j < s->ldc; j++)
            assert_true(result[i * s->ldc + j] == 77.0f);
    }
    for (int64_t p = 0; p < 20 && s->m > 0 && s->n > 0; p++)
        for (int64_t q = 0; q < 20; q++) {
            int64_t i = sample(s->m, p), j = sample(s->n, q);
            double size, expected = element(s, i, j, &size) + (s->add ? before(s, i, j) : 0.0);

            /* Rounding of a sum of k + 1 terms in float32, in any order. */
            assert_true(fabs(result[i * s->ldc + j] - expected) <= (double)(s->k + 1) * 6e-8 * (size + 13.0 * s->add));
        }
}

static void agrees_with_a_double_loop(void **state)
{
    static const int64_t lengths[] = {0, 1, 7, 64, 513, LONGEST};

    (void)state;
    for (int p = 0; p < 2; p++)
        for (int m = 0; m < 6; m++)
            for (int n = 0; n < 6; n++)
                for (int k = 0; k < 6; k++)
                    for (int form = 0; form < 4; form++) {
                        /* Half of the shapes with wider strides, half of them adding, in all four pairings. */
                        shape s = shape_of(precisions[p], form, lengths[m], lengths[n], lengths[k], (m + n + form) & 1,
                                           (m + k + form / 2) & 1 ? PAD : 0);

                        check(&s);
                    }
}

static const int64_t sizes[][3] = {{1100, 513, 300}, {513, 1100, 64}, {90, 700, 1100}, {7, 64, 513}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void threads_change_no_bit(void **state)
{
    int before_test = omp_get_max_threads();

    (void)state;
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < SIZES; i++)
            for (int form = 0; form < 4; form++) {
                shape s = shape_of(precisions[p], form, sizes[i][0], sizes[i][1], sizes[i][2], false, 3);
                size_t bytes = (size_t)(s.m * s.ldc) * sizeof(float);

                memset(result, 0, bytes);
                memset(other, 0, bytes);
                omp_set_num_threads(1);
                multiply(&s, result);
                for (int threads = 2; threads <= 3; threads++) {
                    omp_set_num_threads(threads);
                    multiply(&s, other);
                    assert_memory_equal(result, other, bytes);
                    assert_int_equal(omp_get_max_threads(), threads);
                }
            }
    omp_set_num_threads(before_test);
}

/* All threads of a region multiply at a time; each must get what the product gives outside. */
static void regions_change_no_bit(void **state)
{
    enum { THREADS = 3, M = 600, N = 520, K = 130 };
    float *own = qctx_alloc(THREADS * M * N, sizeof *own, "the test's results", NULL);

    (void)state;
    assert_non_null(own);
    for (int p = 0; p < 2; p++) {
        shape s = shape_of(precisions[p], 1, M, N, K, false, 0);

        multiply(&s, result);
#pragma omp parallel num_threads(THREADS)
        multiply(&s, own + omp_get_thread_num() * M * N);
        for (int t = 0; t < THREADS; t++)
            assert_memory_equal(result, own + t * M * N, sizeof(float) * M * N);
    }
    free(own);
}

static void widening_agrees_with_the_library(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int form = 0; form < 4; form++)
            for (int add = 0; add < 2; add++) {
                shape s = shape_of(QCTX_PRECISION_BFLOAT16, form, sizes[i][0], sizes[i][1], sizes[i][2], add, 2);

                for (int64_t e = 0; e < s.m * s.ldc; e++)
                    result[e] = other[e] = (float)(e % 13);
                multiply(&s, result);
                qctx_product_widened(s.a_form, s.b_form, s.m, s.n, s.k, narrow_a, s.lda, narrow_b, s.ldb, s.add, other,
                                     s.ldc);
                /* Two float32 sums of k + 1 terms below 1, and the 13 that may be added to. */
                for (int64_t e = 0; e < s.m * s.ldc; e++)
                    assert_true(fabsf(result[e] - other[e]) <= 1.2e-7f * (float)(s.k + 1) * (float)(s.k + 13));
            }
}

/* What is not finite reaches its row or column, and nothing else. */
static void passes_on_what_is_not_finite(void **state)
{
    enum { M = 70, N = 90, K = 130, ROW = 65, COL = 30 };

    (void)state;
    for (int p = 0; p < 2; p++)
        for (int nan = 0; nan < 2; nan++) {
            shape s = shape_of(precisions[p], 1, M, N, K, false, 0);
            float kept_a = wide_a[ROW * K + 3], kept_b = wide_b[COL * K + 5];

            wide_a[ROW * K + 3] = nan ? NAN : INFINITY;
            wide_b[COL * K + 5] = -INFINITY;
            narrow_a[ROW * K + 3] = qctx_to_bfloat16(wide_a[ROW * K + 3]);
            narrow_b[COL * K + 5] = qctx_to_bfloat16(wide_b[COL * K + 5]);
            multiply(&s, result);
            for (int i = 0; i < M; i++)
                for (int j = 0; j < N; j++)
                    assert_int_equal(isfinite(result[i * N + j]) == 0, i == ROW || j == COL);
            for (int j = 0; j < N; j++)
                assert_true(nan ? isnan(result[ROW * N + j]) : j == COL || isinf(result[ROW * N + j]));
            wide_a[ROW * K + 3] = kept_a;
            wide_b[COL * K + 5] = kept_b;
            narrow_a[ROW * K + 3] = qctx_to_bfloat16(kept_a);
            narrow_b[COL * K + 5] = qctx_to_bfloat16(kept_b);
        }
}

static void says_what_it_runs_on(void **state)
{
    (void)state;
    assert_int_equal(qctx_precision_bytes(QCTX_PRECISION_FLOAT32), 4);
    assert_int_equal(qctx_precision_bytes(QCTX_PRECISION_BFLOAT16), 2);
    assert_string_equal(qctx_precision_names[QCTX_PRECISION_BFLOAT16], "bfloat16");
    assert_true(qctx_product_is_native(QCTX_PRECISION_FLOAT32));
    assert_contains(qctx_product_library(QCTX_PRECISION_BFLOAT16), "oneDNN");
    assert_contains(qctx_product_library(QCTX_PRECISION_FLOAT32), qctx_onednn_has_float32() ? "oneDNN " : "OpenBLAS ");
    for (int p = 0; p < 2; p++)
        assert_true(qctx_product_rate(precisions[p], QCTX_PLAIN, QCTX_TRANSPOSED, 130, 70, 40, 3) > 0.0);
}

static int fill_operands(void **state)
{
    (void)state;
    fill(wide_a, narrow_a, 1);
    fill(wide_b, narrow_b, 2);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(agrees_with_a_double_loop, fill_operands),
    cmocka_unit_test_setup(threads_change_no_bit, fill_operands),
    cmocka_unit_test_setup(regions_change_no_bit, fill_operands),
    cmocka_unit_test_setup(widening_agrees_with_the_library, fill_operands),
    cmocka_unit_test_setup(passes_on_what_is_not_finite, fill_operands),
    cmocka_unit_test(says_what_it_runs_on),
};
TEST_MAIN(tests)
