/*
 * Reads dropout masks through the public interface: a head whose weights are
 * zero, whose bias before the wanted activation is 1 and whose last layer is the
 * identity gives act(1) for a kept unit and 0 for a dropped one.
 */
#ifndef QCTX_TESTS_HEAD_PROBE_H
#define QCTX_TESTS_HEAD_PROBE_H

#include "qctx/model/head.h"

/* mask [rows, hidden]: 0 where layer `layer` drops a unit, else the factor of what is kept. */
void probe_mask(const qctx_head_config *config, qctx_side side, int64_t layer, int64_t rows,
                const qctx_dropout_key *key, double *mask);

#endif
