/* What the files of dataset/encoders share. */
#ifndef QCTX_DATASET_ENCODERS_INTERNAL_H
#define QCTX_DATASET_ENCODERS_INTERNAL_H

#include "qctx/dataset/encoders.h"

/* What a text that is to name an encoder turns out to be. */
typedef enum { ENCODER_BUILT_IN, ENCODER_MODEL, ENCODER_STORE } encoder_kind;

/*
 * Finds out what `given` is, by its name, then by what stands under that path, then in the folders of QCTX_MODELS.
 * Local; for rank 0. Errors: CONFIG (nothing of these, and what was looked for), MEMORY.
 */
qctx_status encoders_find_kind(const qctx_encoder_spec *spec, const char *given, encoder_kind *kind, qctx_error *error);

/* The name of a setting as the user writes it. Returns `buffer`. Local. */
const char *encoders_setting_name(const qctx_encoder_spec *spec, const char *setting, char buffer[64]);

/* Settings of the class "pretrained" as JSON, freshly allocated; `precision` is not auto. Local. Errors: CONFIG,
 * MEMORY.
 */
qctx_status encoders_model_settings(const qctx_encoder_spec *spec, const char *model, qctx_precision precision,
                                    char **settings, qctx_error *error);

#endif
