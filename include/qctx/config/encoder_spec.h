/*
 * What a configuration or a command line says of encoders, before anyone has looked whether these exist: which ones,
 * and the settings for model folders among them. dataset/encoders finds out what they are.
 */
#ifndef QCTX_CONFIG_ENCODER_SPEC_H
#define QCTX_CONFIG_ENCODER_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/linalg/product.h"

/* The word that leaves a prompt to the model's folder. */
#define QCTX_PROMPT_OF_MODEL "model"

/* In the words of the user. Borrows everything. */
typedef struct {
    bool command_line;     /* settings are options, "--question-prompt", and not keys, "encoder.question_prompt" */
    int64_t count;         /* 1 to QCTX_JOINED_MAX */
    char *const *encoders; /* [count] */
    int64_t weight_count;  /* `count`, or 0: all 1 */
    const double *weights;
    int64_t built_in_dim; /* of built-in encoders; 0: their default */
    /* Of model folders, refused where there is none. */
    qctx_precision precision;
    int64_t dim;
    const char *pooling;         /* "": the folder's own */
    const char *question_prompt; /* "model": the folder's own; "": none */
    const char *context_prompt;
    const char *context_model; /* "": the same */
} qctx_encoder_spec;

/* The first setting for model folders that is not at its default ("question_prompt"), or NULL. Local. */
const char *qctx_encoder_spec_model_setting(const qctx_encoder_spec *spec);

#endif
