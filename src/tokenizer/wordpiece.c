/* WordPiece: each word spelt by the longest tokens, from its beginning on. */
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"
#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"

struct tokenizer_wordpiece {
    const tokenizer_vocabulary *vocabulary;
    char *prefix;
    int64_t prefix_length, longest_word;
    int32_t unknown;
};

qctx_status tokenizer_wordpiece_create(const tokenizer_vocabulary *vocabulary,
                                       const tokenizer_wordpiece_settings *settings, const char *place,
                                       tokenizer_wordpiece **created, qctx_error *error)
{
    int32_t unknown = tokenizer_vocabulary_find(vocabulary, settings->unknown, (int64_t)strlen(settings->unknown));
    tokenizer_wordpiece *wordpiece;

    *created = NULL;
    if (unknown < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: the token of unknown words, '%.100s', is missing in the vocabulary, expected it there",
                         place, settings->unknown);
    wordpiece = qctx_alloc(1, sizeof *wordpiece, "a WordPiece model", error);
    if (wordpiece == NULL)
        return QCTX_ERR_MEMORY;
    wordpiece->prefix = qctx_strdup(settings->continuing_prefix, error);
    if (wordpiece->prefix == NULL) {
        tokenizer_wordpiece_destroy(wordpiece);
        return QCTX_ERR_MEMORY;
    }
    wordpiece->vocabulary = vocabulary;
    wordpiece->prefix_length = (int64_t)strlen(settings->continuing_prefix);
    wordpiece->longest_word = settings->longest_word;
    wordpiece->unknown = unknown;
    *created = wordpiece;
    return QCTX_OK;
}

void tokenizer_wordpiece_destroy(tokenizer_wordpiece *wordpiece)
{
    if (wordpiece == NULL)
        return;
    free(wordpiece->prefix);
    free(wordpiece);
}

/* Whether the word has more characters than `most`. */
static bool is_longer(const char *word, int64_t length, int64_t most)
{
    int64_t characters = 0;

    if (length <= most)
        return false;
    for (int64_t i = 0; i < length; i++)
        characters += qctx_unicode_begins(word[i]);
    return characters > most;
}

/* The longest token that `text` begins with, of at most `length` bytes: its bytes, or 0; whole characters only. */
static int64_t longest_token(const tokenizer_vocabulary *vocabulary, const char *text, int64_t length, int64_t least,
                             int32_t *id)
{
    int64_t longest = tokenizer_vocabulary_longest(vocabulary);
    int64_t bytes = length;

    if (bytes > longest) {
        bytes = longest;
        while (bytes > least && !qctx_unicode_begins(text[bytes]))
            bytes--;
    }
    while (bytes > least) {
        *id = tokenizer_vocabulary_find(vocabulary, text, bytes);
        if (*id >= 0)
            return bytes;
        do
            bytes--;
        while (bytes > least && !qctx_unicode_begins(text[bytes]));
    }
    return 0;
}

qctx_status tokenizer_wordpiece_encode(const tokenizer_wordpiece *wordpiece, tokenizer_text *word, const char *piece,
                                       int64_t length, qctx_ids *ids, qctx_error *error)
{
    int64_t first_id = ids->count, prefix = wordpiece->prefix_length, at = 0;
    int32_t id;
    qctx_status status;
    char *text;

    if (is_longer(piece, length, wordpiece->longest_word))
        return tokenizer_ids_append(ids, &wordpiece->unknown, 1, error);
    /* Most words are a token. */
    id = tokenizer_vocabulary_find(wordpiece->vocabulary, piece, length);
    if (id >= 0)
        return tokenizer_ids_append(ids, &id, 1, error);
    status = tokenizer_text_set(word, wordpiece->prefix, prefix, error);
    if (status == QCTX_OK)
        status = tokenizer_text_append(word, piece, length, error);
    text = word->bytes;
    while (status == QCTX_OK && at < length) {
        /* From the second token on, the prefix overwrites what stands before the rest and is not needed any more. */
        int64_t marked = at > 0 ? prefix : 0;
        int64_t found;

        memcpy(text + at, wordpiece->prefix, (size_t)prefix);
        found = longest_token(wordpiece->vocabulary, text + at + prefix - marked, length - at + marked, marked, &id);
        if (found == 0) {
            ids->count = first_id;
            return tokenizer_ids_append(ids, &wordpiece->unknown, 1, error);
        }
        status = tokenizer_ids_append(ids, &id, 1, error);
        at += found - marked;
    }
    return status;
}
