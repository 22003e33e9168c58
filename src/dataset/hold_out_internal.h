/* What hold_out.c (which questions are held out) and hold_out_sets.c (as sets to be evaluated) share. */
#ifndef QCTX_DATASET_HOLD_OUT_INTERNAL_H
#define QCTX_DATASET_HOLD_OUT_INTERNAL_H

#include "qctx/dataset/hold_out.h"

/* The questions that a division marks. Local. Errors: MEMORY. */
qctx_status hold_out_share_sets(const qctx_division *work, qctx_held_out *held_out, qctx_error *error);

/* Those of the split eval.tune_split of every training source. Local. Errors: DATA (no such split), MEMORY. */
qctx_status hold_out_named_sets(const qctx_division *work, qctx_held_out *held_out, qctx_error *error);

#endif
