#include "qctx/config/protocol.h"

#include <stddef.h>

const char *const qctx_pool_order_names[] = {
    [QCTX_POOLS_CONSECUTIVE] = "consecutive", [QCTX_POOLS_SHUFFLED] = "shuffled", NULL};
const char *const qctx_candidates_names[] = {
    [QCTX_CANDIDATES_POOLS] = "pools", [QCTX_CANDIDATES_SPLIT] = "split", [QCTX_CANDIDATES_CORPUS] = "corpus", NULL};
