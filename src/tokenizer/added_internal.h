/* What added_read.c reads and added.c looks for. */
#ifndef QCTX_TOKENIZER_ADDED_INTERNAL_H
#define QCTX_TOKENIZER_ADDED_INTERNAL_H

#include "pipeline.h"
#include "qctx/base/arena.h"
#include "qctx/base/mem.h"

typedef struct {
    const char *content;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
} added_token;

typedef struct {
    const char *text;
    int64_t length; /* at least 1 */
    int64_t token;  /* its number among the tokens */
} added_pattern;

/* Patterns in the order of their bytes, none twice; those that begin with byte b are begin[b] to begin[b + 1]. */
typedef struct {
    added_pattern *patterns;
    int64_t count;
    int64_t begin[257];
} added_matcher;

struct tokenizer_added {
    const tokenizer_vocabulary *vocabulary;
    qctx_arena texts;
    added_token *tokens; /* ascending by id */
    int64_t count;
    int64_t last; /* the highest id so far, or −1 */
    added_matcher raw, normalized;
    bool split_special; /* special tokens are found, and left in the text */
};

#endif
