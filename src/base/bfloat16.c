#include "qctx/base/bfloat16.h"

#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

/* Values a thread takes at a time. */
enum { BLOCK = 16384 };

QCTX_MULTIVERSION
static void narrow(const float *restrict from, int64_t count, qctx_bfloat16 *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = qctx_to_bfloat16(from[i]);
}

QCTX_MULTIVERSION
static void widen(const qctx_bfloat16 *restrict from, int64_t count, float *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = qctx_from_bfloat16(from[i]);
}

void qctx_to_bfloat16_row(const float *from, int64_t count, qctx_bfloat16 *to)
{
    narrow(from, count, to);
}

void qctx_from_bfloat16_row(const qctx_bfloat16 *from, int64_t count, float *to)
{
    widen(from, count, to);
}

void qctx_to_bfloat16_array(const float *from, int64_t count, qctx_bfloat16 *to)
{
#pragma omp parallel for schedule(static) if (count > BLOCK)
    for (int64_t start = 0; start < count; start += BLOCK)
        narrow(from + start, qctx_smaller(BLOCK, count - start), to + start);
}
