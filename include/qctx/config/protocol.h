/*
 * How a ranking is measured, in the words of the configuration's `eval` section; evaluation/evaluate.h says what they
 * mean for the candidates, evaluation/metrics.h for the figures.
 */
#ifndef QCTX_CONFIG_PROTOCOL_H
#define QCTX_CONFIG_PROTOCOL_H

typedef enum { QCTX_POOLS_CONSECUTIVE, QCTX_POOLS_SHUFFLED } qctx_pool_order;
extern const char *const qctx_pool_order_names[];
typedef enum { QCTX_CANDIDATES_POOLS, QCTX_CANDIDATES_SPLIT, QCTX_CANDIDATES_CORPUS } qctx_candidates;
extern const char *const qctx_candidates_names[];

/* What a context of a grade is worth to nDCG: the grade itself, as trec_eval has it, or 2^grade − 1. */
typedef enum { QCTX_GAIN_LINEAR, QCTX_GAIN_EXPONENTIAL } qctx_gain;
extern const char *const qctx_gain_names[];

/*
 * In the order of the table. Right is a context whose grade reaches eval.relevant; a question that none answers so well
 * counts 0, and with all its candidates in the mean position. top-k: a right context among the first k. Mean position:
 * of the best right one, from 1.
 */
typedef enum {
    QCTX_METRIC_TOP1,
    QCTX_METRIC_TOP5,
    QCTX_METRIC_TOP10,
    QCTX_METRIC_MRR,      /* MRR@10: 1/(1 + best position), 0 beyond 10 */
    QCTX_METRIC_NDCG,     /* nDCG@10 of all grades, by eval.gain (Järvelin and Kekäläinen 2002) */
    QCTX_METRIC_RECALL5,  /* share of all right contexts among the first 5 */
    QCTX_METRIC_RECALL10, /* … 10 */
    QCTX_METRIC_POSITION, /* mean position; the only one where less is better */
    QCTX_METRIC_COUNT
} qctx_metric;
extern const char *const qctx_metric_names[]; /* of results: "mrr@10" */

/* The first of them, by which `eval.metric` may choose an epoch; it calls mrr and ndcg without their 10. */
extern const char *const qctx_metric_choices[];

#endif
