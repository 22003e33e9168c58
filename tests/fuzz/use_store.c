#include "use.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"
#include "qctx/encoder/encoder.h"
#include "qctx/store/store.h"
#include "tiny_store.h"

static void check_splits(const qctx_store *store)
{
    for (int64_t s = 0; s < qctx_store_split_count(store); s++) {
        const qctx_split *split = qctx_store_split_at(store, s);

        fuzz_holds(split->name[0] != '\0');
        for (int64_t k = 0; k < split->count; k++) {
            fuzz_holds(split->questions[k] >= 0 && split->questions[k] < qctx_store_count(store, QCTX_QUESTION));
            fuzz_holds(split->offsets[k] < split->offsets[k + 1]);
            for (int64_t a = split->offsets[k]; a < split->offsets[k + 1]; a++)
                fuzz_holds(split->contexts[a] >= QCTX_ABSENT &&
                           split->contexts[a] < qctx_store_count(store, QCTX_CONTEXT));
        }
    }
}

/* Rows that are read are those that are mapped, and none is zero or not a number. */
static void check_rows(qctx_store *store, qctx_side side)
{
    const int64_t count = qctx_store_count(store, side), dim = qctx_store_dim(store);
    const int64_t last = count - 1;
    float *read, *mapped;

    if (count == 0)
        return;
    read = malloc((size_t)(count * dim) * sizeof *read);
    mapped = malloc((size_t)dim * sizeof *mapped);
    assert_true(read != NULL && mapped != NULL);
    if (fuzz_opened(qctx_store_read(store, side, 0, count, read, &fuzz_error))) {
        qctx_store_gather(store, side, &last, 1, mapped);
        fuzz_holds(memcmp(mapped, read + last * dim, (size_t)dim * sizeof *mapped) == 0);
        for (int64_t i = 0; i < count * dim; i++)
            fuzz_holds(read[i] - read[i] == 0);
    }
    free(read);
    free(mapped);
}

static void read_texts(qctx_store *store, qctx_side side)
{
    const int64_t row = qctx_store_count(store, side) - 1;
    char *text;

    for (qctx_field field = QCTX_FIELD_ID; row >= 0 && field <= QCTX_FIELD_TITLE; field++)
        if (fuzz_opened(qctx_store_texts(store, side, field, &row, 1, &text, &fuzz_error)))
            free(text);
}

static void read_groups(qctx_store *store)
{
    uint64_t *values = malloc((size_t)(qctx_store_count(store, QCTX_CONTEXT) + 1) * sizeof *values);
    const int64_t *own;

    assert_non_null(values);
    fuzz_opened(qctx_store_content(store, QCTX_CONTEXT, values, &fuzz_error));
    fuzz_opened(qctx_store_groups(store, values, &fuzz_error));
    if (fuzz_opened(qctx_store_own_contexts(store, &own, &fuzz_error)) && own != NULL)
        for (int64_t i = 0; i < qctx_store_count(store, QCTX_QUESTION); i++)
            fuzz_holds(own[i] >= QCTX_ABSENT && own[i] < qctx_store_count(store, QCTX_CONTEXT));
    free(values);
}

static void restore_encoder(qctx_store *store)
{
    void *table;
    size_t bytes;
    qctx_encoder *encoder;

    if (!fuzz_opened(qctx_store_encoder_table(store, &table, &bytes, &fuzz_error)))
        return;
    if (fuzz_opened(qctx_encoder_restore(qctx_store_encoder(store), qctx_store_encoder_settings(store), table, bytes,
                                         &encoder, &fuzz_error)))
        qctx_encoder_destroy(encoder);
    free(table);
}

bool fuzz_use_store(const fuzz_target *target, uint64_t draw)
{
    qctx_store *store;
    qctx_status status = draw % 4 == 1 ? qctx_store_open_contexts(fuzz_alone, target->path, &store, &fuzz_error)
                                       : qctx_store_open(fuzz_alone, target->path, &store, &fuzz_error);

    if (!fuzz_opened(status))
        return false;
    fuzz_holds(qctx_store_is(target->path));
    fuzz_holds(qctx_store_dim(store) > 0 && qctx_store_count(store, QCTX_CONTEXT) > 0);
    check_splits(store);
    for (qctx_side side = QCTX_QUESTION; side <= QCTX_CONTEXT; side++) {
        check_rows(store, side);
        read_texts(store, side);
    }
    read_groups(store);
    restore_encoder(store);
    qctx_store_close(store);
    return true;
}

static void copy(const char *from, const char *folder, const char *name)
{
    char path[FUZZ_PATH_MAX];
    char *bytes;
    size_t size;

    assert_status(qctx_file_read(from, &bytes, &size, &fuzz_error), QCTX_OK, &fuzz_error);
    fuzz_path(path, folder, name);
    fuzz_write(path, bytes, size);
    free(bytes);
}

/* A store that is finished is the one that was written at one go, byte for byte. */
static void compare(const char *path)
{
    static char *whole;
    static size_t whole_size;
    char *bytes;
    size_t size;

    if (whole == NULL) {
        tiny_store_write("whole.h5");
        assert_status(qctx_file_read("whole.h5", &whole, &whole_size, &fuzz_error), QCTX_OK, &fuzz_error);
    }
    assert_status(qctx_file_read(path, &bytes, &size, &fuzz_error), QCTX_OK, &fuzz_error);
    fuzz_holds(size == whole_size && memcmp(bytes, whole, size) == 0);
    free(bytes);
}

static bool finish(const char *path, bool force)
{
    qctx_store_writer *writer;
    qctx_status status = qctx_store_writer_open(fuzz_alone, path, force, tiny_store_description(), tiny_store_batches(),
                                                &writer, &fuzz_error);

    if (!fuzz_opened(status))
        return false;
    status = tiny_store_put(writer, ~0u, &fuzz_error);
    fuzz_holds(qctx_store_writer_close(writer, status, &fuzz_error) == QCTX_OK);
    compare(path);
    return true;
}

/* The case's partial store and its journal, of which one is mutated, in a folder of their own. */
bool fuzz_use_partial(const fuzz_target *target, uint64_t draw)
{
    char from[FUZZ_PATH_MAX], work[FUZZ_PATH_MAX], path[FUZZ_PATH_MAX];
    bool served;

    fuzz_path(work, target->folder, "work");
    fuzz_path(path, work, "store.h5");
    assert_status(qctx_folder_make(work, &fuzz_error), QCTX_OK, &fuzz_error);
    fuzz_path(from, target->folder, "store.h5.partial");
    copy(from, work, "store.h5.partial");
    fuzz_path(from, target->folder, "store.h5.journal");
    copy(from, work, "store.h5.journal");
    served = finish(path, draw % 4 == 1);
    assert_status(qctx_folder_remove(work, &fuzz_error), QCTX_OK, &fuzz_error);
    return served;
}
