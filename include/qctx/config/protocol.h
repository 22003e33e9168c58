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

#endif
