/* What files that are not opened for reading say of themselves: told by a child process, which may be all that dies. */
#include <stdlib.h>

#include "store_internal.h"

/* What is asked for. */
typedef struct {
    bool is_store;
    qctx_titles titles;
    uint64_t checksum;
} glance;

/* In the child. */
static qctx_status look(void *path, void *result, qctx_error *error)
{
    qctx_store store = {.path = path};
    glance *seen = result;

    (void)error;
    if (qctx_h5_open(path, &store.file, NULL) != QCTX_OK)
        return QCTX_OK;
    seen->is_store = qctx_h5_exists(store.file, qctx_store_vectors_of(QCTX_CONTEXT));
    /* An attribute that is no such text says nothing. */
    if (qctx_store_read_checksum(&store, NULL) == QCTX_OK)
        seen->checksum = store.checksum;
    qctx_store_read_titles(&store, NULL);
    seen->titles = store.titles;
    free(store.encoder_settings);
    qctx_h5_close(store.file, NULL);
    return QCTX_OK;
}

/* A head says it without a child. What is damaged counts as a store, too: opening it says what is wrong. */
static glance look_at(const char *path)
{
    qctx_cage_limits limits;
    qctx_store_head head;
    glance seen = {0};
    qctx_status status = qctx_h5_check_readable(path, NULL);

    if (status == QCTX_OK)
        status = qctx_store_head_read(path, &head, &seen.is_store, NULL);
    if (seen.is_store)
        return status == QCTX_OK ? (glance){true, head.titles, head.checksum} : seen;
    if (status != QCTX_OK || !qctx_h5_is(path))
        return seen;
    limits = qctx_store_cage_limits(path, false, -1);
    status = qctx_cage_run(path, "HDF5", &limits, look, (char *)path, &seen, sizeof seen, NULL);
    /* What the child died of counts, too. */
    return status == QCTX_OK ? seen : (glance){.is_store = true};
}

bool qctx_store_is(const char *path)
{
    return look_at(path).is_store;
}

qctx_titles qctx_store_titles_at(const char *path)
{
    return look_at(path).titles;
}

uint64_t qctx_store_checksum_at(const char *path)
{
    const glance seen = look_at(path);

    return seen.is_store ? seen.checksum : 0;
}
