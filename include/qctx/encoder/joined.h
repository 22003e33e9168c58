/*
 * The encoder "joined": the rows of several encoders side by side, each scaled by √(wᵢ / Σw), so that rows have unit
 * length again and a dot product is the weighted mean of the encoders' own.
 *
 * Settings, as a JSON object: parts, a list of {"name": …, "settings": {…}}, two or more; weights, a list of as many
 * numbers ≥ 0, not all 0 (default: all 1). Its table is those of the parts, one after the other, each with its length.
 */
#ifndef QCTX_ENCODER_JOINED_H
#define QCTX_ENCODER_JOINED_H

#include "qctx/encoder/encoder.h"

extern const qctx_encoder_class qctx_joined_encoder;

#endif
