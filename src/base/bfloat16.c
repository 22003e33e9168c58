#include "qctx/base/bfloat16.h"

#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

/* Values a thread takes at a time. */
enum { BLOCK = 16384 };

QCTX_MULTIVERSION
static void convert(const float *restrict from, int64_t count, qctx_bfloat16 *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = qctx_to_bfloat16(from[i]);
}

void qctx_to_bfloat16_array(const float *from, int64_t count, qctx_bfloat16 *to)
{
#pragma omp parallel for schedule(static) if (count > BLOCK)
    for (int64_t start = 0; start < count; start += BLOCK)
        convert(from + start, qctx_smaller(BLOCK, count - start), to + start);
}
