#include "qctx/base/tree_sum.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

enum {
    LEAF_ROWS = 512,     /* a product over fewer rows is slower than its FLOPs need */
    LEAVES_LEAST = 8,    /* so that 8 ranks can share any batch */
    LEAVES_MOST = 64,    /* each leaf costs an addition of a whole gradient */
    ALIGNED_FLOATS = 16, /* 64 bytes: a vector begins where a cache line does */
    BLOCK = 4096         /* floats added through all levels at a time: they stay in the nearest cache */
};

struct qctx_tree_sum {
    float *held;      /* [vectors, pitch], the sums of finished subtrees, the largest and earliest first */
    int64_t length;   /* floats of a vector */
    int64_t pitch;    /* floats from one vector to the next */
    int64_t pushed;   /* leaves so far; its bits of 1 are the sizes of the subtrees that are held */
    int64_t subtrees; /* how many are held */
};

int64_t qctx_leaf_count(int64_t batch)
{
    int64_t leaves = LEAVES_LEAST;

    while (leaves < LEAVES_MOST && batch / (2 * leaves) >= LEAF_ROWS)
        leaves *= 2;
    return leaves;
}

bool qctx_leaf_is_invariant(int64_t leaves, int size)
{
    return size > 0 && (size & (size - 1)) == 0 && size <= leaves;
}

/* A binary counter up to leaves − 1 holds a vector for each of its bits, beside the leaf that is being filled. */
static int64_t vectors_for(int64_t leaves)
{
    int64_t vectors = 1;

    for (int64_t most = leaves - 1; most > 0; most /= 2)
        vectors++;
    return vectors;
}

static int64_t pitch_for(int64_t length)
{
    return qctx_divide_up(length, ALIGNED_FLOATS) * ALIGNED_FLOATS;
}

int64_t qctx_tree_sum_memory(int64_t length, int64_t leaves)
{
    return vectors_for(leaves) * pitch_for(length) * (int64_t)sizeof(float);
}

qctx_status qctx_tree_sum_create(int64_t length, int64_t leaves, qctx_tree_sum **created, qctx_error *error)
{
    int64_t pitch = pitch_for(length);
    qctx_tree_sum *sum = qctx_alloc(1, sizeof *sum, "a sum over leaves", error);

    if (sum == NULL)
        return QCTX_ERR_MEMORY;
    sum->length = length;
    sum->pitch = pitch;
    sum->held = qctx_alloc(vectors_for(leaves), (size_t)pitch * sizeof *sum->held, "sums over leaves", error);
    if (sum->held == NULL) {
        qctx_tree_sum_destroy(sum);
        return QCTX_ERR_MEMORY;
    }
    *created = sum;
    return QCTX_OK;
}

void qctx_tree_sum_destroy(qctx_tree_sum *sum)
{
    if (sum == NULL)
        return;
    free(sum->held);
    free(sum);
}

void qctx_tree_sum_reset(qctx_tree_sum *sum)
{
    sum->pushed = 0;
    sum->subtrees = 0;
}

float *qctx_tree_sum_leaf(qctx_tree_sum *sum)
{
    return sum->held + sum->subtrees * sum->pitch;
}

QCTX_MULTIVERSION
static void add(float *restrict left, const float *restrict right, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        left[i] += right[i];
}

/* vector 0 += (vector 1 + (… + vector `last`)), for floats from `from` on of vectors that lie `pitch` apart. */
static void fold(float *vectors, int64_t last, int64_t pitch, int64_t from, int64_t count)
{
    for (int64_t v = last; v > 0; v--)
        add(vectors + (v - 1) * pitch + from, vectors + v * pitch + from, count);
}

void qctx_tree_sum_push(qctx_tree_sum *sum)
{
    int64_t finished = 0;
    float *vectors;

    /* As in counting, every trailing 1 is a subtree as large as the one that just ended: together they are one. */
    for (int64_t bits = sum->pushed; bits & 1; bits >>= 1)
        finished++;
    vectors = sum->held + (sum->subtrees - finished) * sum->pitch;
    if (finished > 0) {
#pragma omp parallel for schedule(static) if (sum->length > BLOCK)
        for (int64_t from = 0; from < sum->length; from += BLOCK)
            fold(vectors, finished, sum->pitch, from, sum->length - from < BLOCK ? sum->length - from : BLOCK);
    }
    sum->subtrees += 1 - finished;
    sum->pushed++;
}

void qctx_tree_sum_result(qctx_tree_sum *sum, float *out)
{
    size_t bytes = (size_t)sum->length * sizeof *out;

    if (sum->subtrees == 0) {
        memset(out, 0, bytes);
        return;
    }
    memcpy(out, sum->held + (sum->subtrees - 1) * sum->pitch, bytes);
    /* Subtrees of several sizes are left over only where the number of leaves is no power of two. */
    for (int64_t v = sum->subtrees - 2; v >= 0; v--)
        add(out, sum->held + v * sum->pitch, sum->length);
}

/* Pairs a distance apart, and the distance doubled: the tree level by level. */
void qctx_tree_sum_rows(double *values, int64_t rows, int64_t width, int64_t pitch)
{
    for (int64_t distance = 1; distance < rows; distance *= 2)
        for (int64_t row = 0; row + distance < rows; row += 2 * distance)
            for (int64_t i = 0; i < width; i++)
                values[row * pitch + i] += values[(row + distance) * pitch + i];
}
