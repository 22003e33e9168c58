#include "qctx/retrieval/scored_rows.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "qctx/base/dot.h"
#include "qctx/base/mem.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

/* Values of a row that are rounded at a time. */
enum { PIECE = 512 };

double qctx_score(const float *question, const float *context, int64_t width)
{
    double score = qctx_dot(question, context, width);

    return isnan(score) ? -INFINITY : score;
}

qctx_status qctx_scored_rows_alloc(int64_t count, int64_t width, qctx_precision precision, const char *purpose,
                                   qctx_scored_rows *operand, qctx_error *error)
{
    if (precision == QCTX_PRECISION_AUTO && qctx_product_is_native(QCTX_PRECISION_BFLOAT16))
        precision = QCTX_PRECISION_BFLOAT16;
    *operand = (qctx_scored_rows){.values = qctx_alloc(count * width, sizeof *operand->values, purpose, error)};
    if (operand->values == NULL)
        return QCTX_ERR_MEMORY;
    if (precision == QCTX_PRECISION_BFLOAT16) {
        operand->rounded = qctx_alloc(count * width, sizeof *operand->rounded, purpose, error);
        if (operand->rounded == NULL)
            return QCTX_ERR_MEMORY;
    }
    operand->extents = qctx_alloc(count, sizeof *operand->extents, purpose, error);
    return operand->extents == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

void qctx_scored_rows_free(qctx_scored_rows *operand)
{
    free(operand->values);
    free(operand->rounded);
    free(operand->extents);
    *operand = (qctx_scored_rows){0};
}

/* lost [count] = what rounding takes from values [count]; exact, since it is a multiple of the value's last bit. */
QCTX_MULTIVERSION
static void round_values(const float *restrict values, int64_t count, qctx_bfloat16 *restrict rounded,
                         float *restrict lost)
{
    for (int64_t i = 0; i < count; i++) {
        rounded[i] = qctx_to_bfloat16(values[i]);
        lost[i] = values[i] - qctx_from_bfloat16(rounded[i]);
    }
}

/* Rounds a row and returns ‖row − rounded row‖². */
static double round_row(const float *values, int64_t width, qctx_bfloat16 *rounded)
{
    float lost[PIECE];
    double sum = 0.0;

    for (int64_t i = 0; i < width; i += PIECE) {
        int64_t count = qctx_smaller(PIECE, width - i);

        round_values(values + i, count, rounded + i, lost);
        sum += qctx_dot(lost, lost, count);
    }
    return sum;
}

static double norm_of(double squares)
{
    return isnan(squares) ? INFINITY : sqrt(squares);
}

void qctx_scored_rows_measure(qctx_scored_rows *operand, int64_t count, int64_t width)
{
#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++) {
        const float *row = operand->values + i * width;

        operand->extents[i].length = norm_of(qctx_dot(row, row, width));
        operand->extents[i].error =
            operand->rounded != NULL ? norm_of(round_row(row, width, operand->rounded + i * width)) : 0.0;
    }
}

qctx_extent qctx_extent_most(const qctx_extent *extents, int64_t count)
{
    qctx_extent most = {0.0, 0.0};

    for (int64_t i = 0; i < count; i++) {
        most.length = extents[i].length > most.length ? extents[i].length : most.length;
        most.error = extents[i].error > most.error ? extents[i].error : most.error;
    }
    return most;
}

double qctx_score_bound(qctx_precision precision, int64_t width, qctx_extent question, qctx_extent context)
{
    /* One hundredth more covers the rounding of the norms, of the bound itself and of qctx_score. */
    const double reserve = 1.01;
    const bool rounds = precision == QCTX_PRECISION_BFLOAT16;
    const double steps = (double)width * (rounds ? 0x1p-23 : 0x1p-24);
    const double question_error = rounds ? question.error : 0.0, context_error = rounds ? context.error : 0.0;
    const double sizes = (question.length + question_error) * (context.length + context_error);
    const double rounding = question_error * context.length + (question.length + question_error) * context_error;
    /* Products, sums and bfloat16 operands below the normal numbers may be flushed to zero. */
    const double underflow = (double)width * 0x1p-124 * (1.0 + question.length + context.length);

    if (!(sizes < (double)FLT_MAX / 4) || !(underflow < (double)FLT_MAX) || steps > 0.5)
        return INFINITY;
    return reserve * (rounding + steps / (1.0 - steps) * sizes + underflow);
}
