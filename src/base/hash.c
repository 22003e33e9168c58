#include "qctx/base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

uint64_t qctx_hash(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

uint64_t qctx_hash_text(const char *text, uint64_t seed)
{
    return qctx_hash(text, strlen(text), seed);
}

qctx_status qctx_hash_file(const char *path, uint64_t seed, uint64_t *hash, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    XXH3_state_t *state = XXH3_createState();
    FILE *file = fopen(path, "rb");
    char block[1 << 16];
    size_t got;

    if (file == NULL || state == NULL) {
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
        goto out;
    }
    XXH3_64bits_reset_withSeed(state, seed);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        XXH3_64bits_update(state, block, got);
    if (ferror(file)) {
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        goto out;
    }
    *hash = XXH3_64bits_digest(state);
out:
    if (file != NULL)
        fclose(file);
    XXH3_freeState(state);
    return status;
}
