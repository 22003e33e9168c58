/* The scores of known candidates and a block of a scan. */
#ifndef QCTX_RETRIEVAL_SCORES_BLOCK_H
#define QCTX_RETRIEVAL_SCORES_BLOCK_H

#include "scan.h"

/* scores [of the block's places] = those of each question of the block and places[offsets[i] … offsets[i + 1] − 1],
 * where i counts from the scan's first question. Collective. */
void scores_of_block(const qctx_query *query, const scan_block *block, const int64_t *offsets, const int64_t *places,
                     double *scores);

#endif
