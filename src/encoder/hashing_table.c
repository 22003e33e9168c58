/*
 * The fitted state as bytes, all numbers little-endian 64-bit words:
 *
 *   0   "QCTXHASH"
 *   1   version, 1
 *   2   hash of the settings' text
 *   3   contexts
 *   4   total length of the contexts in words
 *   5   M, as the bits of a double
 *   6   features kept, n
 *   7…  n hashes, ascending; then n document frequencies
 *   end hash of all bytes before it
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hashing_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

static const char magic[] = "QCTXHASH";
enum { VERSION = 1, WORD = 8, HEADER_WORDS = 7 };

static void put_word(unsigned char *table, int64_t index, uint64_t value)
{
    for (int i = 0; i < WORD; i++)
        table[index * WORD + i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_word(const unsigned char *table, int64_t index)
{
    uint64_t value = 0;

    for (int i = 0; i < WORD; i++)
        value |= (uint64_t)table[index * WORD + i] << (8 * i);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static qctx_status hash_settings(const hashing_state *state, uint64_t *hash, qctx_error *error)
{
    char *text = hashing_settings(state, error);

    if (text == NULL)
        return QCTX_ERR_MEMORY;
    *hash = qctx_hash_text(text, 0);
    free(text);
    return QCTX_OK;
}

qctx_status hashing_save(const void *opaque, void **table, size_t *bytes, qctx_error *error)
{
    const hashing_state *state = opaque;
    int64_t features = state->df.count;
    int64_t words = HEADER_WORDS + 2 * features + 1;
    unsigned char *out = qctx_alloc(words, WORD, "the table of the hashing encoder", error);
    uint64_t settings;

    if (out == NULL || hash_settings(state, &settings, error) != QCTX_OK) {
        free(out);
        return QCTX_ERR_MEMORY;
    }
    memcpy(out, magic, WORD);
    put_word(out, 1, VERSION);
    put_word(out, 2, settings);
    put_word(out, 3, (uint64_t)state->contexts);
    put_word(out, 4, (uint64_t)state->total_length);
    put_word(out, 5, bits_of(state->largest_norm));
    put_word(out, 6, (uint64_t)features);
    for (int64_t i = 0; i < features; i++) {
        put_word(out, HEADER_WORDS + i, state->df.items[i].hash);
        put_word(out, HEADER_WORDS + features + i, state->df.items[i].count);
    }
    put_word(out, words - 1, qctx_hash(out, (size_t)(words - 1) * WORD, 0));
    *table = out;
    *bytes = (size_t)words * WORD;
    return QCTX_OK;
}

static qctx_status refuse(qctx_error *error, const char *reason)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "table of the encoder 'hashing': %s", reason);
    return qctx_hint(error, "embed the corpus again");
}

/* What the checksum vouches for was written by hashing_save; the bounds are for tables that others write. */
static qctx_status check_table(const unsigned char *in, size_t bytes, uint64_t settings, qctx_error *error)
{
    int64_t words = (int64_t)(bytes / WORD);
    uint64_t contexts, features, total_length;

    if (bytes < WORD || memcmp(in, magic, WORD) != 0)
        return refuse(error, "it is not one (no magic at its beginning)");
    if (bytes < 2 * WORD || get_word(in, 1) != VERSION)
        return refuse(error, "its version is unknown to this program");
    if (bytes % WORD != 0 || words < HEADER_WORDS + 1)
        return refuse(error, "it is torn");
    contexts = get_word(in, 3);
    total_length = get_word(in, 4);
    features = get_word(in, 6);
    if (features > (uint64_t)words || (uint64_t)words != HEADER_WORDS + 2 * features + 1)
        return refuse(error, "its length is not what its header says; it is torn");
    if (get_word(in, words - 1) != qctx_hash(in, (size_t)(words - 1) * WORD, 0))
        return refuse(error, "its checksum does not match its contents");
    if (get_word(in, 2) != settings)
        return refuse(error, "it was made with other settings");
    if (contexts > INT64_MAX || total_length > INT64_MAX || !(isfinite(double_of(get_word(in, 5)))) ||
        double_of(get_word(in, 5)) < 0.0)
        return refuse(error, "a number in its header is out of range");
    for (uint64_t i = 0; i < features; i++) {
        int64_t at = HEADER_WORDS + (int64_t)i;
        uint64_t df = get_word(in, at + (int64_t)features);

        /* Twice a context at most: as a word, and as an n-gram whose hash is the same. */
        if (df < HASHING_LEAST_DF || df > 2 * contexts || (i > 0 && get_word(in, at - 1) >= get_word(in, at)))
            return refuse(error, "its features are out of order or out of range");
    }
    return QCTX_OK;
}

qctx_status hashing_restore(void *opaque, const void *table, size_t bytes, qctx_error *error)
{
    hashing_state *state = opaque;
    const unsigned char *in = table;
    hashing_count *items;
    uint64_t settings;
    int64_t features;
    qctx_status status = hash_settings(state, &settings, error);

    if (status == QCTX_OK)
        status = check_table(in, bytes, settings, error);
    if (status != QCTX_OK)
        return status;
    features = (int64_t)get_word(in, 6);
    items = qctx_alloc(features, sizeof *items, "the table of the hashing encoder", error);
    if (items == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < features; i++)
        items[i] = (hashing_count){get_word(in, HEADER_WORDS + i), get_word(in, HEADER_WORDS + features + i)};
    free(state->df.items);
    state->df = (hashing_counts){items, features, features};
    state->contexts = (int64_t)get_word(in, 3);
    state->total_length = (int64_t)get_word(in, 4);
    state->largest_norm = double_of(get_word(in, 5));
    return QCTX_OK;
}
