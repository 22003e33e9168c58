/* A tiny model folder as sentence-transformers writes it: a random BERT with a vocabulary of letters. */
#ifndef QCTX_TESTS_MADE_PRETRAINED_H
#define QCTX_TESTS_MADE_PRETRAINED_H

#include "made_model.h"

enum { MADE_MAX_TOKENS = 20 };

typedef struct {
    int64_t extra_tokens;     /* in the vocabulary beyond the embeddings */
    bool no_special;          /* the tokenizer puts no [CLS] and [SEP] around texts */
    const float *last_bias;   /* [MADE_D]: of the last layer normalisation, or NULL */
    const char *prompts;      /* a JSON object, or NULL */
    const char *pooling_mode; /* or NULL: mean */
} made_options;

void made_tokenizer(const char *folder, const made_options *options);

/* Writes the folder, whose name is `name` among the test's files; returns its path. */
const char *made_folder_write(const char *name, const made_options *options);

#endif
