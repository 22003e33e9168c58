#include "qctx/config/protocol.h"

#include <stddef.h>

const char *const qctx_pool_order_names[] = {
    [QCTX_POOLS_CONSECUTIVE] = "consecutive", [QCTX_POOLS_SHUFFLED] = "shuffled", NULL};
const char *const qctx_candidates_names[] = {
    [QCTX_CANDIDATES_POOLS] = "pools", [QCTX_CANDIDATES_SPLIT] = "split", [QCTX_CANDIDATES_CORPUS] = "corpus", NULL};

const char *const qctx_gain_names[] = {[QCTX_GAIN_LINEAR] = "linear", [QCTX_GAIN_EXPONENTIAL] = "exponential", NULL};

const char *const qctx_metric_names[] = {
    [QCTX_METRIC_TOP1] = "top1",
    [QCTX_METRIC_TOP5] = "top5",
    [QCTX_METRIC_TOP10] = "top10",
    [QCTX_METRIC_MRR] = "mrr@10",
    [QCTX_METRIC_NDCG] = "ndcg@10",
    [QCTX_METRIC_RECALL5] = "recall@5",
    [QCTX_METRIC_RECALL10] = "recall@10",
    [QCTX_METRIC_POSITION] = "mean_position",
    NULL,
};
const char *const qctx_metric_choices[] = {
    [QCTX_METRIC_TOP1] = "top1", [QCTX_METRIC_TOP5] = "top5", [QCTX_METRIC_TOP10] = "top10",
    [QCTX_METRIC_MRR] = "mrr",   [QCTX_METRIC_NDCG] = "ndcg", NULL,
};
