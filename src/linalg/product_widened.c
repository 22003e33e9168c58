/* Products of bfloat16 where nothing multiplies it: widened block by block. */
#include "qctx/base/bfloat16.h"
#include "qctx/base/order.h"
#include "qctx/linalg/product.h"

/* Edge of the blocks that are widened: two of them on the stack, so that nothing can fail. */
enum { BLOCK = 128 };

/* wide [rows, cols], dense, = the part of the stored array that begins at `narrow`. */
static void widen(const qctx_bfloat16 *narrow, int64_t rows, int64_t cols, int64_t stride, float *wide)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            wide[i * cols + j] = qctx_from_bfloat16(narrow[i * stride + j]);
}

/* Widens the block [rows, cols] at (row, col) of op(matrix), in the form it is stored in; returns its row stride. */
static int64_t widen_block(const qctx_bfloat16 *matrix, qctx_transpose form, int64_t row, int64_t col, int64_t rows,
                           int64_t cols, int64_t stride, float *wide)
{
    if (form == QCTX_PLAIN) {
        widen(matrix + row * stride + col, rows, cols, stride, wide);
        return cols;
    }
    widen(matrix + col * stride + row, cols, rows, stride, wide);
    return rows;
}

void qctx_product_widened(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc)
{
    float block_a[BLOCK * BLOCK], block_b[BLOCK * BLOCK];

    for (int64_t i = 0; i < m; i += BLOCK) {
        int64_t rows = qctx_smaller(BLOCK, m - i);

        for (int64_t j = 0; j < n; j += BLOCK) {
            int64_t cols = qctx_smaller(BLOCK, n - j);

            for (int64_t l = 0; l < k; l += BLOCK) {
                int64_t depth = qctx_smaller(BLOCK, k - l);
                int64_t stride_a = widen_block(a, a_form, i, l, rows, depth, lda, block_a);
                int64_t stride_b = widen_block(b, b_form, l, j, depth, cols, ldb, block_b);

                qctx_sgemm(a_form, b_form, rows, cols, depth, 1.0f, block_a, stride_a, block_b, stride_b,
                           add || l > 0 ? 1.0f : 0.0f, c + i * ldc + j, ldc);
            }
        }
    }
}
