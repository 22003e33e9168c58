/* Tokens and their ids: found by text through a hash table, by id through their order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/arena.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "stages.h"

typedef struct {
    const char *token; /* NUL-terminated, in the arena */
    int64_t length;
    int32_t id;
} entry;

/* Entries ascend by id; the slots are an open-addressed table of their numbers plus 1, by the hash of the token. */
struct tokenizer_vocabulary {
    qctx_arena tokens;
    entry *entries;
    int64_t count;
    struct {
        uint32_t hash;
        int32_t entry; /* 0: free */
    } * slots;
    uint64_t mask;
    int64_t longest;
};

static qctx_status add(tokenizer_vocabulary *vocabulary, const char *token, const json_t *id, const char *place,
                       qctx_error *error)
{
    int64_t length = (int64_t)strlen(token);
    entry *added = &vocabulary->entries[vocabulary->count];

    if (!json_is_integer(id))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the id of '%.100s' is %s, expected an integer", place, token,
                         qctx_json_type(id));
    if (json_integer_value(id) < 0 || json_integer_value(id) >= INT32_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: the id of '%.100s' is %" JSON_INTEGER_FORMAT ", expected 0 to %" PRId32, place, token,
                         json_integer_value(id), INT32_MAX - 1);
    added->token = qctx_arena_text(&vocabulary->tokens, token, (size_t)length, error);
    if (added->token == NULL)
        return QCTX_ERR_MEMORY;
    added->length = length;
    added->id = (int32_t)json_integer_value(id);
    vocabulary->count++;
    if (length > vocabulary->longest)
        vocabulary->longest = length;
    return QCTX_OK;
}

static int by_id(const void *a, const void *b)
{
    int32_t left = ((const entry *)a)->id, right = ((const entry *)b)->id;

    return (left > right) - (left < right);
}

static qctx_status check_unique(const tokenizer_vocabulary *vocabulary, const char *place, qctx_error *error)
{
    const entry *entries = vocabulary->entries;

    for (int64_t i = 1; i < vocabulary->count; i++)
        if (entries[i].id == entries[i - 1].id)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: '%.100s' and '%.100s' have the same id %" PRId32 ", expected an id for each", place,
                             entries[i - 1].token, entries[i].token, entries[i].id);
    return QCTX_OK;
}

/* The slots are at most half full, so that probes stay short. */
static qctx_status fill_slots(tokenizer_vocabulary *vocabulary, qctx_error *error)
{
    int64_t capacity = 16;

    while (capacity < 2 * vocabulary->count)
        capacity *= 2;
    vocabulary->slots = qctx_alloc(capacity, sizeof *vocabulary->slots, "the table of a vocabulary", error);
    if (vocabulary->slots == NULL)
        return QCTX_ERR_MEMORY;
    vocabulary->mask = (uint64_t)capacity - 1;
    for (int64_t i = 0; i < vocabulary->count; i++) {
        uint64_t hash = qctx_hash(vocabulary->entries[i].token, (size_t)vocabulary->entries[i].length, 0);
        uint64_t at = hash & vocabulary->mask;

        while (vocabulary->slots[at].entry != 0)
            at = (at + 1) & vocabulary->mask;
        vocabulary->slots[at].hash = (uint32_t)(hash >> 32);
        vocabulary->slots[at].entry = (int32_t)(i + 1);
    }
    return QCTX_OK;
}

qctx_status tokenizer_vocabulary_from_json(const json_t *object, const char *place, tokenizer_vocabulary **created,
                                           qctx_error *error)
{
    tokenizer_vocabulary *vocabulary = NULL;
    const char *token;
    const json_t *id;
    qctx_status status = QCTX_OK;

    *created = NULL;
    if (!json_is_object(object))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object of tokens and their ids", place,
                         qctx_json_type(object));
    if (json_object_size(object) == 0 || json_object_size(object) >= INT32_MAX / 2)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %zu tokens, expected 1 to %d", place,
                         json_object_size(object), INT32_MAX / 2 - 1);
    vocabulary = qctx_alloc(1, sizeof *vocabulary, "a vocabulary", error);
    if (vocabulary == NULL)
        return QCTX_ERR_MEMORY;
    vocabulary->entries =
        qctx_alloc((int64_t)json_object_size(object), sizeof *vocabulary->entries, "a vocabulary", error);
    if (vocabulary->entries == NULL) {
        status = QCTX_ERR_MEMORY;
        goto out;
    }
    json_object_foreach((json_t *)object, token, id)
    {
        status = add(vocabulary, token, id, place, error);
        if (status != QCTX_OK)
            goto out;
    }
    qsort(vocabulary->entries, (size_t)vocabulary->count, sizeof *vocabulary->entries, by_id);
    status = check_unique(vocabulary, place, error);
    if (status == QCTX_OK)
        status = fill_slots(vocabulary, error);
out:
    if (status == QCTX_OK)
        *created = vocabulary;
    else
        tokenizer_vocabulary_destroy(vocabulary);
    return status;
}

void tokenizer_vocabulary_destroy(tokenizer_vocabulary *vocabulary)
{
    if (vocabulary == NULL)
        return;
    qctx_arena_free(&vocabulary->tokens);
    free(vocabulary->entries);
    free(vocabulary->slots);
    free(vocabulary);
}

int32_t tokenizer_vocabulary_find(const tokenizer_vocabulary *vocabulary, const char *token, int64_t length)
{
    uint64_t hash, at;

    if (length > vocabulary->longest)
        return -1;
    hash = qctx_hash(token, (size_t)length, 0);
    at = hash & vocabulary->mask;
    for (; vocabulary->slots[at].entry != 0; at = (at + 1) & vocabulary->mask) {
        const entry *candidate = &vocabulary->entries[vocabulary->slots[at].entry - 1];

        if (vocabulary->slots[at].hash == (uint32_t)(hash >> 32) && candidate->length == length &&
            memcmp(candidate->token, token, (size_t)length) == 0)
            return candidate->id;
    }
    return -1;
}

const char *tokenizer_vocabulary_token(const tokenizer_vocabulary *vocabulary, int32_t id)
{
    entry key = {.id = id};
    const entry *found =
        bsearch(&key, vocabulary->entries, (size_t)vocabulary->count, sizeof *vocabulary->entries, by_id);

    return found == NULL ? NULL : found->token;
}

int64_t tokenizer_vocabulary_count(const tokenizer_vocabulary *vocabulary)
{
    return vocabulary->count;
}

int64_t tokenizer_vocabulary_size(const tokenizer_vocabulary *vocabulary)
{
    return (int64_t)vocabulary->entries[vocabulary->count - 1].id + 1;
}

int64_t tokenizer_vocabulary_longest(const tokenizer_vocabulary *vocabulary)
{
    return vocabulary->longest;
}
