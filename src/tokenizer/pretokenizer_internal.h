/* The stages of a pre-tokeniser, which pretokenizer_read.c reads and pretokenizer.c runs. */
#ifndef QCTX_TOKENIZER_PRETOKENIZER_INTERNAL_H
#define QCTX_TOKENIZER_PRETOKENIZER_INTERNAL_H

#include "pipeline.h"

typedef qctx_status pretokenizer_splitter(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

struct tokenizer_pretokenizer {
    pretokenizer_splitter **stages;
    int64_t count, capacity;
    bool byte_level;   /* the pieces are spelt in GPT-2's characters */
    bool prefix_space; /* byte level puts a space before each piece that has none, behind the first `count_before` */
    int64_t count_before;
};

/*
 * tokenizer_split_clip with <|startoftext|> and <|endoftext|> as pieces of their own, as the expression of newer files
 * has it. Local. Errors: MEMORY.
 */
qctx_status pretokenizer_split_clip_specials(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

#endif
