/* What encoders share that are created from settings in JSON. */
#ifndef QCTX_ENCODER_SETTINGS_H
#define QCTX_ENCODER_SETTINGS_H

#include "qctx/text/json.h"

/* The object that a text of settings is; `place` begins messages. The caller frees it. Local. Errors: CONFIG. */
qctx_status encoder_settings_parse(const char *text, const char *place, json_t **root, qctx_error *error);

#endif
