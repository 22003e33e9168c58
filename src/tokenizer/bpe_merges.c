/* The merges of byte pair encoding: read from a file or an array, and found by the ids of two neighbours. */
#include "bpe_internal.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* The tokens of one merge, borrowed. */
typedef struct {
    const char *left;
    int64_t left_length;
    const char *right;
    int64_t right_length;
} merge_parts;

/* Finalizer of MurmurHash3 (Appleby): every bit of both ids decides the slot. */
static uint64_t slot_of(const bpe_merges *merges, int32_t left, int32_t right)
{
    uint64_t hash = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return hash & ((uint64_t)merges->capacity - 1);
}

/* The slot that holds the pair, or the free one where it belongs. */
static bpe_merge *locate(const bpe_merges *merges, int32_t left, int32_t right)
{
    uint64_t at = slot_of(merges, left, right);

    while (merges->slots[at].left >= 0 && (merges->slots[at].left != left || merges->slots[at].right != right))
        at = (at + 1) & ((uint64_t)merges->capacity - 1);
    return &merges->slots[at];
}

const bpe_merge *bpe_merges_find(const bpe_merges *merges, int32_t left, int32_t right)
{
    const bpe_merge *slot = locate(merges, left, right);

    return slot->left >= 0 ? slot : NULL;
}

static bool is_version_line(const char *line, int64_t length)
{
    const char *version = "#version";

    return length >= (int64_t)strlen(version) && memcmp(line, version, strlen(version)) == 0;
}

/* "left right": exactly one space, and something on both sides of it. */
static bool divide(const char *line, int64_t length, merge_parts *parts)
{
    const char *space = memchr(line, ' ', (size_t)length);
    int64_t left = space == NULL ? 0 : space - line;

    if (left == 0 || left + 1 == length || memchr(space + 1, ' ', (size_t)(length - left - 1)) != NULL)
        return false;
    *parts = (merge_parts){line, left, space + 1, length - left - 1};
    return true;
}

static bool parts_of(const json_t *value, merge_parts *parts)
{
    const json_t *left = json_array_get(value, 0);
    const json_t *right = json_array_get(value, 1);

    if (json_is_string(value))
        return divide(json_string_value(value), (int64_t)json_string_length(value), parts);
    if (json_array_size(value) != 2 || !json_is_string(left) || !json_is_string(right))
        return false;
    *parts = (merge_parts){json_string_value(left), (int64_t)json_string_length(left), json_string_value(right),
                           (int64_t)json_string_length(right)};
    return true;
}

static qctx_status lacks(const char *place, const bpe_merge *merge, const char *token, int64_t length,
                         qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: merge %lld: the vocabulary has no token '%.*s'", place,
                     (long long)merge->rank + 1, (int)(length < 99 ? length : 99), token);
}

/* The ids of a merge's tokens and of what they become. The result is spelt in `token`. */
static qctx_status resolve(const tokenizer_vocabulary *vocabulary, const merge_parts *parts, int64_t prefix_length,
                           const char *place, char *token, bpe_merge *merge, qctx_error *error)
{
    /* Tokens within a word begin with the prefix, and what two become has it once. */
    int64_t rest = parts->right_length - prefix_length;
    int64_t length = parts->left_length + rest;

    if (rest < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: merge %lld: '%s' is shorter than the prefix of tokens within a word", place,
                         (long long)merge->rank + 1, parts->right);
    memcpy(token, parts->left, (size_t)parts->left_length);
    memcpy(token + parts->left_length, parts->right + parts->right_length - rest, (size_t)rest);
    token[length] = '\0';
    merge->left = tokenizer_vocabulary_find(vocabulary, parts->left, parts->left_length);
    merge->right = tokenizer_vocabulary_find(vocabulary, parts->right, parts->right_length);
    merge->merged = tokenizer_vocabulary_find(vocabulary, token, length);
    if (merge->left < 0)
        return lacks(place, merge, parts->left, parts->left_length, error);
    if (merge->right < 0)
        return lacks(place, merge, parts->right, parts->right_length, error);
    if (merge->merged < 0)
        return lacks(place, merge, token, length, error);
    return QCTX_OK;
}

static qctx_status fill(const tokenizer_vocabulary *vocabulary, const json_t *array, int64_t prefix_length,
                        const char *place, bpe_merges *merges, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    char *token = NULL;
    int64_t capacity = 0;
    int32_t rank = 0;
    const json_t *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        merge_parts parts;
        bpe_merge merge = {.rank = rank};

        if (json_is_string(value) && is_version_line(json_string_value(value), (int64_t)json_string_length(value)))
            continue;
        if (!parts_of(value, &parts)) {
            status = qctx_fail(error, QCTX_ERR_FORMAT,
                               "%s: merge %zu is %s%.99s; expected \"left right\" or [\"left\", \"right\"]", place,
                               i + 1, json_is_string(value) ? "" : qctx_json_type(value),
                               json_is_string(value) ? json_string_value(value) : "");
            goto out;
        }
        status = qctx_grow((void **)&token, &capacity, parts.left_length + parts.right_length + 1, 1, "a token", error);
        if (status != QCTX_OK)
            goto out;
        status = resolve(vocabulary, &parts, prefix_length, place, token, &merge, error);
        if (status != QCTX_OK)
            goto out;
        *locate(merges, merge.left, merge.right) = merge;
        rank++;
    }
out:
    free(token);
    return status;
}

qctx_status bpe_merges_create(const tokenizer_vocabulary *vocabulary, const json_t *array,
                              const char *continuing_prefix, const char *place, bpe_merges *merges, qctx_error *error)
{
    size_t count = json_array_size(array);
    qctx_status status;

    *merges = (bpe_merges){.capacity = 2};
    if (!json_is_array(array) || count >= INT32_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the merges are %s of %zu; expected an array of fewer than 2^31",
                         place, qctx_json_type(array), count);
    while (merges->capacity < 2 * (int64_t)count)
        merges->capacity *= 2;
    merges->slots = qctx_alloc(merges->capacity, sizeof *merges->slots, "the merges of a tokenizer", error);
    if (merges->slots == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < merges->capacity; i++)
        merges->slots[i].left = -1;
    status = fill(vocabulary, array, (int64_t)strlen(continuing_prefix), place, merges, error);
    if (status != QCTX_OK)
        bpe_merges_free(merges);
    return status;
}

void bpe_merges_free(bpe_merges *merges)
{
    free(merges->slots);
    *merges = (bpe_merges){0};
}

/* Appends one line to the merges. */
static qctx_status take_line(json_t *merges, const char *line, int64_t length, const char *path, int64_t number,
                             qctx_error *error)
{
    merge_parts parts;
    json_t *value;

    if (!divide(line, length, &parts))
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s:%lld: found '%.*s'; expected two tokens with one space between them", path,
                         (long long)number, (int)(length < 99 ? length : 99), line);
    value = json_stringn(line, (size_t)length);
    if (value == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s:%lld: not a text in UTF-8", path, (long long)number);
    if (json_array_append_new(merges, value) != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "%s: cannot allocate the merges", path);
    return QCTX_OK;
}

qctx_status tokenizer_bpe_read_merges(const char *path, json_t **merges, qctx_error *error)
{
    json_t *array = json_array();
    char *text = NULL;
    size_t bytes = 0;
    int64_t number = 0;
    qctx_status status = qctx_file_read(path, &text, &bytes, error);

    *merges = NULL;
    if (status != QCTX_OK)
        goto out;
    /* Empty lines at the end are no merges. */
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
        bytes--;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t next = end == NULL ? bytes : (size_t)(end - text);
        int64_t length = (int64_t)(next - at);

        number++;
        if (length > 0 && text[next - 1] == '\r')
            length--;
        if (!is_version_line(text + at, length))
            status = take_line(array, text + at, length, path, number, error);
        if (status != QCTX_OK)
            goto out;
        at = next + 1;
    }
    *merges = array;
    array = NULL;
out:
    json_decref(array);
    free(text);
    return status;
}
