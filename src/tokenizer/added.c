/* Added tokens: looked for as the tokenizers library does it, leftmost first, and the longest of those. */
#include <stdlib.h>

#include "added_internal.h"
#include "qctx/base/order.h"
#include "qctx/text/unicode.h"

void tokenizer_added_destroy(tokenizer_added *added)
{
    if (added == NULL)
        return;
    qctx_arena_free(&added->texts);
    free(added->tokens);
    free(added->raw.patterns);
    free(added->normalized.patterns);
    free(added);
}

static int compare_id(const void *key, const void *token)
{
    int32_t left = *(const int32_t *)key, right = ((const added_token *)token)->id;

    return (left > right) - (left < right);
}

const char *tokenizer_added_token(const tokenizer_added *added, int32_t id)
{
    const added_token *token = NULL;

    if (added->count > 0)
        token = bsearch(&id, added->tokens, (size_t)added->count, sizeof *added->tokens, compare_id);
    return token == NULL ? tokenizer_vocabulary_token(added->vocabulary, id) : token->content;
}

int64_t tokenizer_added_size(const tokenizer_added *added)
{
    int64_t vocabulary = tokenizer_vocabulary_size(added->vocabulary);
    int64_t last = added->count == 0 ? 0 : (int64_t)added->tokens[added->count - 1].id + 1;

    return last > vocabulary ? last : vocabulary;
}

/* A byte sought at a depth of sorted patterns. */
typedef struct {
    const added_pattern *patterns;
    int64_t depth;
    unsigned byte;
} sought_byte;

static bool is_before(const void *sought, int64_t at)
{
    const sought_byte *wanted = sought;

    return (unsigned char)wanted->patterns[at].text[wanted->depth] < wanted->byte;
}

/* The first of patterns [first, end) whose byte at `depth` is at least `byte`; all of them are longer than that. */
static int64_t lower_bound(const added_pattern *patterns, int64_t first, int64_t end, int64_t depth, unsigned byte)
{
    return qctx_first_not_before(first, end, is_before, &(sought_byte){patterns, depth, byte});
}

/* The longest pattern that the text begins with, or NULL: the sorted patterns are narrowed byte by byte. */
static const added_pattern *longest_match(const added_matcher *matcher, const char *text, int64_t length)
{
    const added_pattern *patterns = matcher->patterns, *best = NULL;
    unsigned byte = (unsigned char)text[0];
    int64_t first = matcher->begin[byte], end = matcher->begin[byte + 1];

    for (int64_t depth = 1; first < end; depth++) {
        /* A pattern that ends here sorts before those that go on. */
        if (patterns[first].length == depth)
            best = &patterns[first++];
        if (depth == length)
            break;
        byte = (unsigned char)text[depth];
        first = lower_bound(patterns, first, end, depth, byte);
        end = lower_bound(patterns, first, end, depth, byte + 1);
    }
    return best;
}

static bool ends_in_word(const char *text, int64_t end)
{
    uint32_t point;

    if (end == 0)
        return false;
    qctx_unicode_before(text, end, &point);
    return qctx_unicode_is_word(point);
}

static bool begins_with_word(const char *text, int64_t length, int64_t at)
{
    uint32_t point;

    if (at == length)
        return false;
    qctx_unicode_next(text, length, at, &point);
    return qctx_unicode_is_word(point);
}

static qctx_status append_part(tokenizer_parts *parts, int64_t first, int64_t end, int32_t id, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&parts->items, &parts->capacity, parts->count + 1, sizeof *parts->items,
                                   "the parts of a text", error);

    if (status == QCTX_OK)
        parts->items[parts->count++] = (tokenizer_part){first, end, id};
    return status;
}

/* The text between the last token and this one, then the token. */
static qctx_status append_match(const added_token *token, const char *text, int64_t length, int64_t first, int64_t end,
                                int64_t *done, tokenizer_parts *parts, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (token->lstrip) {
        int64_t stripped = tokenizer_spaces_begin(text, first);

        first = stripped > *done ? stripped : *done;
    }
    if (token->rstrip)
        end = tokenizer_spaces_end(text, length, end);
    if (*done < first)
        status = append_part(parts, *done, first, -1, error);
    if (status == QCTX_OK)
        status = append_part(parts, first, end, token->id, error);
    *done = end;
    return status;
}

qctx_status tokenizer_added_cut(const tokenizer_added *added, bool normalized, const char *text, int64_t length,
                                tokenizer_parts *parts, qctx_error *error)
{
    const added_matcher *matcher = normalized ? &added->normalized : &added->raw;
    int64_t done = 0, at = 0;
    qctx_status status = QCTX_OK;

    parts->count = 0;
    while (matcher->count > 0 && at < length && status == QCTX_OK) {
        const added_pattern *match = longest_match(matcher, text + at, length - at);
        const added_token *token;
        int64_t first = at;

        at += match == NULL ? 1 : match->length;
        if (match == NULL)
            continue;
        token = &added->tokens[match->token];
        if (token->single_word && (ends_in_word(text, first) || begins_with_word(text, length, at)))
            continue;
        if (token->special && added->split_special)
            continue;
        status = append_match(token, text, length, first, at, &done, parts, error);
    }
    if (done < length && status == QCTX_OK)
        status = append_part(parts, done, length, -1, error);
    return status;
}
