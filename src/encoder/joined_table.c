/* The fitted states of the parts as one table, and all that is saved of a joined encoder. */
#include <stdlib.h>
#include <string.h>

#include "joined_internal.h"
#include "qctx/base/mem.h"

enum { WORD = 8 };

qctx_status joined_table_write(const qctx_joined_part *parts, int64_t count, void **table, size_t *bytes,
                               qctx_error *error)
{
    unsigned char *out;

    *bytes = 0;
    for (int64_t i = 0; i < count; i++)
        *bytes += WORD + parts[i].bytes;
    *table = out = qctx_alloc((int64_t)*bytes, 1, "the table of the joined encoder", error);
    if (out == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        for (int byte = 0; byte < WORD; byte++)
            *out++ = (unsigned char)((uint64_t)parts[i].bytes >> (8 * byte));
        if (parts[i].bytes > 0)
            memcpy(out, parts[i].table, parts[i].bytes);
        out += parts[i].bytes;
    }
    return QCTX_OK;
}

qctx_status joined_table_read(const void *table, size_t bytes, int64_t count, const void **tables, size_t *lengths,
                              qctx_error *error)
{
    const unsigned char *in = table;

    for (int64_t i = 0; i < count; i++) {
        uint64_t length = 0;

        if (bytes < WORD)
            return qctx_fail(error, QCTX_ERR_FORMAT, "the table of the joined encoder ends before part %lld of %lld",
                             (long long)i + 1, (long long)count);
        for (int byte = 0; byte < WORD; byte++)
            length |= (uint64_t)in[byte] << (8 * byte);
        in += WORD;
        bytes -= WORD;
        if (length > bytes)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "the table of the joined encoder: part %lld has %llu bytes, but %zu are left",
                             (long long)i + 1, (unsigned long long)length, bytes);
        tables[i] = in;
        lengths[i] = (size_t)length;
        in += length;
        bytes -= (size_t)length;
    }
    if (bytes > 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "the table of the joined encoder has %zu bytes behind its last part",
                         bytes);
    return QCTX_OK;
}

qctx_status qctx_joined_restore_part(const char *settings, const void *table, size_t bytes, qctx_encoder **part,
                                     qctx_error *error)
{
    const void *tables[QCTX_JOINED_MAX];
    size_t lengths[QCTX_JOINED_MAX];
    joined_settings parsed;
    qctx_status status = joined_settings_parse(settings, &parsed, error);

    if (status != QCTX_OK)
        return status;
    status = joined_table_read(table, bytes, parsed.count, tables, lengths, error);
    if (status == QCTX_OK)
        status = qctx_encoder_restore(parsed.names[0], parsed.settings[0], tables[0], lengths[0], part, error);
    joined_settings_free(&parsed);
    return status;
}

void qctx_joined_saved_free(qctx_joined_saved *saved)
{
    free(saved->settings);
    free(saved->fingerprint);
    free(saved->table);
    *saved = (qctx_joined_saved){0};
}

qctx_status qctx_joined_save_parts(const qctx_joined_part *parts, const double *weights, int64_t count,
                                   qctx_joined_saved *saved, qctx_error *error)
{
    char *identity = joined_identity(parts, weights, count, error);
    qctx_status status = identity == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    *saved = (qctx_joined_saved){0};
    if (status == QCTX_OK)
        status = joined_table_write(parts, count, &saved->table, &saved->bytes, error);
    if (status == QCTX_OK) {
        saved->settings = qctx_joined_settings(parts, weights, count, error);
        saved->fingerprint = qctx_encoder_fingerprint_of(JOINED_NAME, identity, saved->table, saved->bytes, error);
        status = saved->settings == NULL || saved->fingerprint == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status != QCTX_OK)
        qctx_joined_saved_free(saved);
    free(identity);
    return status;
}
