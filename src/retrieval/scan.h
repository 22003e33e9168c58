/*
 * A scan: many questions held against all candidates, tile by tile, without ever keeping a row of scores.
 *
 * Questions are projected in rounds, the work shared by the ranks, and worked in blocks. The threads of a rank take
 * tiles of candidates; each multiplies the block with its tile into a buffer of its own and hands the scores on at
 * once. Scores are those of qctx_product: close to qctx_score, never more than scan_bound away from it.
 */
#ifndef QCTX_RETRIEVAL_SCAN_H
#define QCTX_RETRIEVAL_SCAN_H

#include "qctx/retrieval/query.h"

/* Questions of a scan that are worked together. */
typedef struct {
    int64_t first; /* questions first … first + count − 1 of the scan */
    int64_t count;
    const float *values;        /* [count, width] projected */
    const qctx_extent *extents; /* [count] */
} scan_block;

/* Scores of a block of questions and some of this rank's candidates, on one thread. */
typedef struct {
    const scan_block *block;
    const qctx_shard *shard;
    int64_t first; /* the shard's candidates first … first + count − 1 */
    int64_t count;
    const float *scores; /* [block->count, count] */
    qctx_precision precision;
    qctx_extent most; /* of the tile's candidates */
    int thread;       /* 0 … omp_get_max_threads() − 1 */
} scan_tile;

/* The score of question `question` of the block and candidate `candidate` of the shard. Local. Cannot fail. */
double scan_score(const scan_block *block, const qctx_shard *shard, int64_t question, int64_t candidate);

/* How far the tile's scores of question `question` of the block can be from scan_score. Local. Cannot fail. */
double scan_bound(const scan_tile *tile, int64_t question);

/*
 * found [count], of which n are filled = the places in scores [count], ascending, whose score is not below `threshold`
 * (so also those that are not a number); returns n. Local. Cannot fail.
 */
int64_t scan_find(const float *scores, int64_t count, float threshold, int32_t *found);

/*
 * Returns how many of scores [count] are above `high`; found [count], of which *found_count are filled = the places,
 * ascending, of those from `low` to `high` or not a number. Local. Cannot fail.
 */
int64_t scan_count(const float *scores, int64_t count, float low, float high, int32_t *found, int64_t *found_count);

/* The nearest floats not above and not below a number: thresholds that decide as the number would. Local. */
float scan_float_below(double value);
float scan_float_above(double value);

/* Candidates of a tile are at most this many. */
enum { SCAN_TILE = 1024 };

/* What is done with the scores. */
typedef struct {
    void *context;
    /* Before and after the tiles of a block; called for the same blocks on all ranks, so they may be collective, and
     * then return the same status everywhere. */
    qctx_status (*begin)(void *context, const scan_block *block, qctx_error *error);
    qctx_status (*end)(void *context, const scan_block *block, qctx_error *error);
    /*
     * Takes a tile; called by several threads at a time. Returns how many scores it had to settle by scan_score: a
     * block of which too many are settled goes on in float32. NULL: nothing is asked of the candidates at large, and
     * nothing is multiplied.
     */
    int64_t (*take)(void *context, const scan_tile *tile);
} scan_taker;

/*
 * Scans the questions in blocks of at most `most`, the same on all ranks. Collective. Errors: MEMORY, STOPPED and
 * those of the taker.
 */
qctx_status scan_run(const qctx_query *query, int64_t most, const scan_taker *taker, qctx_error *error);

#endif
