/* The steps of a normaliser, which normalizer_read.c reads and normalizer.c takes. */
#ifndef QCTX_TOKENIZER_NORMALIZER_INTERNAL_H
#define QCTX_TOKENIZER_NORMALIZER_INTERNAL_H

#include "pipeline.h"
#include "qctx/text/unicode.h"

typedef enum {
    NORMALIZER_BERT,
    NORMALIZER_FORM,
    NORMALIZER_LOWER,
    NORMALIZER_STRIP_MARKS,
    NORMALIZER_STRIP_ENDS,
    NORMALIZER_REPLACE_TEXT,
    NORMALIZER_REPLACE_SPACES, /* each run of white space */
} normalizer_kind;

typedef struct {
    normalizer_kind kind;
    tokenizer_bert_settings bert;
    qctx_normal_form form;
    bool left, right;        /* of STRIP_ENDS */
    char *pattern, *content; /* of REPLACE_TEXT; of REPLACE_SPACES the content alone */
} normalizer_step;

struct tokenizer_normalizer {
    normalizer_step *steps;
    int64_t count, capacity;
};

#endif
