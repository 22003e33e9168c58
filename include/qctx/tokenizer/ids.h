/* Token ids, as tokenizers give them and transformers take them. */
#ifndef QCTX_TOKENIZER_IDS_H
#define QCTX_TOKENIZER_IDS_H

#include <stdint.h>

/* A growing list of ids; free(ids->items) when done. Start from {0}. */
typedef struct {
    int32_t *items;
    int64_t count;
    int64_t capacity;
} qctx_ids;

#endif
