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

/* One encoder, and what of contexts it takes. Several entries of one encoder with different fields are one of its. */
typedef struct {
    char *model;   /* "hashing", a model folder, or a store */
    char *field;   /* of contexts (data/context_texts); NULL: the text, with its title in front where `titles` */
    double weight; /* of the encoder, or of this field of it */
} qctx_encoder_entry;

/* In the words of the user. Borrows everything. */
typedef struct {
    bool command_line; /* settings are options, "--question-prompt", and not keys, "encoder.question_prompt" */
    int64_t count;     /* 1 to QCTX_JOINED_MAX */
    const qctx_encoder_entry *encoders; /* [count] */
    int64_t weight_count;               /* `count`, in the place of the entries' own; or 0 */
    const double *weights;
    bool titles;          /* contexts without a field are encoded with their titles in front */
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

/*
 * The field that an entry takes where it is another than that of contexts without one; else NULL, also where it names
 * just that one. Local.
 */
const char *qctx_encoder_entry_field(const qctx_encoder_entry *entry, bool titles);

/* Whether two entries are of one encoder: their models differ in slashes at their ends at most. Local. */
bool qctx_encoder_entries_match(const qctx_encoder_entry *one, const qctx_encoder_entry *other);

#endif
