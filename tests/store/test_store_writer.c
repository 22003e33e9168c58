/* ranks: 1 2 3 5 */
#include "harness.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/h5.h"
#include "qctx/store/store_writer.h"

/* 20 vectors of two questions each, in 4 batches; 30 contexts from the last to the first, in 3. */
enum { PAIRS = 20, QUESTIONS = 40, CONTEXTS = 30, VECTORS = PAIRS + CONTEXTS, BATCHES = 7, DIM = 3 };

/* Where the journal says what, and how long its head and a slot are. */
enum { PLACE_AT = 16, HEAD_BYTES = 64, SLOT_BYTES = 16 };

static qctx_error error;
static qctx_context contexts[CONTEXTS];
static qctx_question questions[QUESTIONS];
static int64_t split_questions[] = {0, 39};
static int64_t split_offsets[] = {0, 1, 2};
static int64_t split_contexts[] = {29, 3};
static qctx_split split = {
    .name = "train", .count = 2, .questions = split_questions, .offsets = split_offsets, .contexts = split_contexts};
static qctx_corpus corpus = {.context_count = CONTEXTS,
                             .contexts = contexts,
                             .question_count = QUESTIONS,
                             .questions = questions,
                             .split_count = 1,
                             .splits = &split,
                             .fingerprint = 77,
                             .folder = "made up"};
static int64_t batch_firsts[BATCHES + 1] = {0, 5, 10, 15, 20, 30, 40, 50};
static qctx_side batch_sides[BATCHES] = {0, 0, 0, 0, 1, 1, 1};
static int64_t vector_firsts[VECTORS + 1];
static int64_t rows[QUESTIONS + CONTEXTS];
static qctx_store_batches batches = {BATCHES, batch_firsts, batch_sides, vector_firsts, rows};

static void make_up(void)
{
    static char ids[QUESTIONS][16];

    for (int i = 0; i < QUESTIONS; i++) {
        snprintf(ids[i], sizeof ids[i], "id%d", i);
        questions[i] = (qctx_question){ids[i], "what?"};
        if (i < CONTEXTS)
            contexts[i] = (qctx_context){ids[i], "", "that."};
    }
    for (int v = 0; v < PAIRS; v++) {
        rows[2 * v] = v;
        rows[2 * v + 1] = v + PAIRS;
        vector_firsts[v] = 2 * (int64_t)v;
    }
    for (int v = 0; v < CONTEXTS; v++) {
        rows[QUESTIONS + v] = CONTEXTS - 1 - v;
        vector_firsts[PAIRS + v] = QUESTIONS + v;
    }
    vector_firsts[VECTORS] = QUESTIONS + CONTEXTS;
}

static qctx_store_description description(qctx_dtype dtype)
{
    return (qctx_store_description){&corpus, dtype, DIM, "toy", "toy-1", "{}", "table", 5, false, 0, NULL};
}

static float element(int64_t vector, int64_t column)
{
    return (float)sin((double)(vector * DIM + column + 1));
}

static bool speaks(void)
{
    return qctx_comm_rank(test_comm) == 0;
}

static qctx_status put(qctx_store_writer *writer, int64_t batch)
{
    float vectors[10 * DIM];

    for (int64_t v = batch_firsts[batch]; v < batch_firsts[batch + 1]; v++)
        for (int64_t j = 0; j < DIM; j++)
            vectors[(v - batch_firsts[batch]) * DIM + j] = element(v, j);
    return qctx_store_writer_put(writer, batch, vectors, &error);
}

static bool forced; /* whether a partial store of another job may be begun anew */

/* Opens the writer, expects that just the batches of `there` (a bit each) are done, puts those of `wanted`, closes. */
static void write_batches(const char *path, const qctx_store_description *what, unsigned there, unsigned wanted,
                          qctx_status end)
{
    qctx_store_writer *writer = NULL;
    qctx_status status = QCTX_OK;

    assert_status(qctx_store_writer_open(test_comm, path, forced, what, &batches, &writer, &error), QCTX_OK, &error);
    for (int b = 0; b < BATCHES; b++)
        assert_int_equal(qctx_store_writer_done(writer)[b], there >> b & 1);
    for (int b = 0; b < BATCHES && status == QCTX_OK; b++)
        if ((wanted >> b & 1) && b % qctx_comm_size(test_comm) == qctx_comm_rank(test_comm))
            status = put(writer, b);
    assert_status(status, QCTX_OK, &error);
    if (end != QCTX_OK)
        status = qctx_fail(&error, end, "stopped");
    assert_status(qctx_store_writer_close(writer, status, &error), end, &error);
    qctx_comm_barrier(test_comm);
}

/* Opens the writer, puts what is not there yet, and publishes. */
static void write_what_is_missing(const char *path, const qctx_store_description *what)
{
    qctx_store_writer *writer = NULL;
    qctx_status status = QCTX_OK;

    assert_status(qctx_store_writer_open(test_comm, path, false, what, &batches, &writer, &error), QCTX_OK, &error);
    for (int b = 0; b < BATCHES && status == QCTX_OK; b++)
        if (!qctx_store_writer_done(writer)[b] && b % qctx_comm_size(test_comm) == qctx_comm_rank(test_comm))
            status = put(writer, b);
    assert_status(qctx_store_writer_close(writer, status, &error), QCTX_OK, &error);
    qctx_comm_barrier(test_comm);
}

enum { ALL = (1 << BATCHES) - 1 };

static char *read_all(const char *path, size_t *bytes)
{
    char *text = NULL;

    assert_status(qctx_file_read(path, &text, bytes, &error), QCTX_OK, &error);
    return text;
}

/* Expects that `path` has the bytes of a store that was written at one go, and that nothing else is left of it. */
static void expect_whole(const char *name, qctx_dtype dtype)
{
    qctx_store_description what = description(dtype);
    char left[64];
    size_t bytes, expected_bytes;
    char *text, *expected;

    if (speaks())
        unlink(test_path("unbroken.h5"));
    qctx_comm_barrier(test_comm);
    write_batches(test_path("unbroken.h5"), &what, 0, ALL, QCTX_OK);
    text = read_all(test_path(name), &bytes);
    expected = read_all(test_path("unbroken.h5"), &expected_bytes);
    assert_int_equal(bytes, expected_bytes);
    assert_memory_equal(text, expected, bytes);
    free(text);
    free(expected);
    snprintf(left, sizeof left, "%s.partial", name);
    assert_false(qctx_path_exists(test_path(left)));
    snprintf(left, sizeof left, "%s.journal", name);
    assert_false(qctx_path_exists(test_path(left)));
    qctx_comm_barrier(test_comm);
}

static void puts_each_vector_into_all_its_rows(void **state)
{
    qctx_dtype dtypes[] = {QCTX_FLOAT32, QCTX_FLOAT16};
    float row[DIM];
    qctx_store *store;

    (void)state;
    for (int k = 0; k < 2; k++) {
        qctx_store_description what = description(dtypes[k]);
        const char *path = test_path(k == 0 ? "float.h5" : "half.h5");

        write_batches(path, &what, 0, ALL, QCTX_OK);
        assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
        for (int64_t v = 0; v < VECTORS; v++)
            for (int64_t i = vector_firsts[v]; i < vector_firsts[v + 1]; i++) {
                qctx_store_gather(store, v < PAIRS ? QCTX_QUESTION : QCTX_CONTEXT, &rows[i], 1, row);
                for (int64_t j = 0; j < DIM; j++)
                    assert_close(row[j], element(v, j), k == 0 ? 0 : 1e-3);
            }
        qctx_store_close(store);
    }
}

static void goes_on_where_it_was(void **state)
{
    unsigned there = 0;

    (void)state;
    for (int k = 0; k < 2; k++) {
        qctx_store_description what = description(k == 0 ? QCTX_FLOAT32 : QCTX_FLOAT16);
        const unsigned steps[] = {0, 1 << 5, 1 << 0 | 1 << 6, 0, 1 << 3};
        const qctx_status ends[] = {QCTX_ERR_IO, QCTX_ERR_MEMORY, QCTX_ERR_INTERNAL, QCTX_ERR_IO, QCTX_ERR_IO};
        const char *name = k == 0 ? "float_on.h5" : "half_on.h5";

        there = 0;
        for (int i = 0; i < 5; i++) {
            write_batches(test_path(name), &what, there, steps[i], ends[i]);
            there |= steps[i];
        }
        write_batches(test_path(name), &what, there, ALL & ~there, QCTX_OK);
        expect_whole(name, what.dtype);
    }
}

/* Some ranks of the job are gone, or there are more: a group of one writes on what all began. */
static void goes_on_with_other_ranks(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    qctx_comm *world = test_comm;
    qctx_comm *group = qctx_comm_groups(world, 1);

    (void)state;
    write_batches(test_path("ranks.h5"), &what, 0, 1 << 1 | 1 << 4, QCTX_ERR_IO);
    if (speaks()) {
        test_comm = group;
        write_batches(test_path("ranks.h5"), &what, 1 << 1 | 1 << 4, 1 << 6, QCTX_ERR_IO);
        test_comm = world;
    }
    qctx_comm_barrier(world);
    write_batches(test_path("ranks.h5"), &what, 1 << 1 | 1 << 4 | 1 << 6, ALL & ~(1 << 1 | 1 << 4 | 1 << 6), QCTX_OK);
    expect_whole("ranks.h5", QCTX_FLOAT32);
    qctx_comm_close_group(group);
}

static void change(const char *path, int64_t offset, const void *bytes, size_t count)
{
    int handle = open(path, O_WRONLY);

    assert_int_equal(pwrite(handle, bytes, count, (off_t)offset), count);
    close(handle);
}

static int64_t vectors_at(const char *path, const char *dataset)
{
    qctx_h5_shape shape;
    qctx_h5 *file;

    assert_status(qctx_h5_open(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, dataset, &shape, &error), QCTX_OK, &error);
    qctx_h5_close(file, NULL);
    return shape.file_offset;
}

/* Nothing the journal says is believed: a row, a slot, a slot of another batch, a journal cut short. */
static void notices_what_was_lost(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    const char *path = test_path("lost.h5");
    const float wrong = 0.25f;
    char slot[SLOT_BYTES];
    int64_t at;
    char *journal;
    size_t bytes;

    (void)state;
    write_batches(path, &what, 0, ALL, QCTX_ERR_IO);
    if (speaks()) {
        /* The second of the two rows of a vector of batch 2; and the first row of the contexts, which is in batch 6. */
        at = vectors_at(test_path("lost.h5.partial"), "questions/vectors");
        change(test_path("lost.h5.partial"), at + (12 + PAIRS) * DIM * 4 + 8, &wrong, 4);
        at = vectors_at(test_path("lost.h5.partial"), "contexts/vectors");
        change(test_path("lost.h5.partial"), at, &wrong, 4);
        journal = read_all(test_path("lost.h5.journal"), &bytes);
        assert_int_equal(bytes, HEAD_BYTES + BATCHES * SLOT_BYTES);
        memcpy(slot, journal + HEAD_BYTES, SLOT_BYTES);
        change(test_path("lost.h5.journal"), HEAD_BYTES + 4 * SLOT_BYTES, slot, SLOT_BYTES);
        slot[3] ^= 1;
        change(test_path("lost.h5.journal"), HEAD_BYTES, slot, SLOT_BYTES);
        free(journal);
    }
    qctx_comm_barrier(test_comm);
    write_batches(path, &what, 1 << 1 | 1 << 3 | 1 << 5, 0, QCTX_ERR_IO);
    if (speaks())
        assert_int_equal(truncate(test_path("lost.h5.journal"), HEAD_BYTES + 3 * SLOT_BYTES + 5), 0);
    qctx_comm_barrier(test_comm);
    write_batches(path, &what, 1 << 1, ALL & ~(1 << 1), QCTX_OK);
    expect_whole("lost.h5", QCTX_FLOAT32);
}

/* What a kill leaves between the checksum and the file's name. */
static void publishes_again(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    int64_t place;
    size_t bytes;
    char *journal;

    (void)state;
    write_batches(test_path("named.h5"), &what, 0, ALL, QCTX_ERR_IO);
    if (speaks()) {
        journal = read_all(test_path("named.h5.journal"), &bytes);
        memcpy(&place, journal + PLACE_AT, sizeof place);
        free(journal);
        change(test_path("named.h5.partial"), place, "0123456789abcdef", 16);
    }
    qctx_comm_barrier(test_comm);
    write_batches(test_path("named.h5"), &what, ALL, 0, QCTX_OK);
    expect_whole("named.h5", QCTX_FLOAT32);
}

static void spoil(const char *name, int kind)
{
    char partial[64], journal[64];
    char byte = 'x';

    snprintf(partial, sizeof partial, "%s.partial", name);
    snprintf(journal, sizeof journal, "%s.journal", name);
    switch (kind) {
    case 0:
        assert_int_equal(unlink(test_path(journal)), 0);
        break;
    case 1:
        assert_int_equal(truncate(test_path(journal), 7), 0);
        break;
    case 2:
        change(test_path(journal), PLACE_AT, &byte, 1);
        break;
    case 3:
        assert_int_equal(truncate(test_path(partial), 3000), 0);
        break;
    case 4:
        assert_int_equal(qctx_file_write(test_path(partial), "no store", 8, &error), QCTX_OK);
        break;
    case 5:
        assert_int_equal(unlink(test_path(partial)), 0);
        break;
    /* Killed while the partial store was made: nothing of it was written yet, or the journal has its name alone. */
    case 6:
        assert_int_equal(truncate(test_path(partial), 0), 0);
        assert_int_equal(truncate(test_path(journal), 0), 0);
        break;
    case 7:
        assert_int_equal(qctx_file_write(test_path(partial), "no store", 8, &error), QCTX_OK);
        assert_int_equal(truncate(test_path(journal), 8), 0);
        break;
    default:
        break;
    }
}

static void begins_anew_where_it_cannot_go_on(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);

    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        write_batches(test_path("spoilt.h5"), &what, 0, 1 << 2 | 1 << 5, QCTX_ERR_IO);
        if (speaks())
            spoil("spoilt.h5", kind);
        qctx_comm_barrier(test_comm);
        write_batches(test_path("spoilt.h5"), &what, 0, ALL, QCTX_OK);
        expect_whole("spoilt.h5", QCTX_FLOAT32);
        if (speaks())
            unlink(test_path("spoilt.h5"));
        qctx_comm_barrier(test_comm);
    }
}

/* Any byte of the partial store, and any of its journal: what is published is the good one. */
static void one_changed_byte_is_never_published(void **state)
{
    enum { PLACES = 60 };
    static const char *const files[] = {"hurt.h5.partial", "hurt.h5.journal"};
    qctx_store_description what = description(QCTX_FLOAT32);

    (void)state;
    for (int i = 0; i < PLACES; i++) {
        write_batches(test_path("hurt.h5"), &what, 0, 1 << 2 | 1 << 5, QCTX_ERR_IO);
        if (speaks()) {
            const char *path = test_path(files[i % 2]);
            size_t bytes;
            char *whole = read_all(path, &bytes);
            size_t at = (size_t)i * (bytes - 1) / (PLACES - 1);

            whole[at] = (char)(whole[at] ^ (1 << i % 8));
            change(path, (int64_t)at, whole + at, 1);
            free(whole);
        }
        qctx_comm_barrier(test_comm);
        write_what_is_missing(test_path("hurt.h5"), &what);
        expect_whole("hurt.h5", QCTX_FLOAT32);
        if (speaks())
            unlink(test_path("hurt.h5"));
        qctx_comm_barrier(test_comm);
    }
}

/* A file of somebody else under the name of the partial store, and a link that was planted there. */
static void what_is_in_the_way_stays(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    qctx_store_writer *writer = NULL;
    char *text;
    size_t bytes;

    (void)state;
    test_write(test_path("way.h5.partial"), "years of work");
    test_write(test_path("victim"), "precious");
    assert_status(qctx_store_writer_open(test_comm, test_path("way.h5"), true, &what, &batches, &writer, &error),
                  QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, "way.h5.partial: is in the way, and no store that was begun");
    if (speaks()) {
        text = read_all(test_path("way.h5.partial"), &bytes);
        assert_int_equal(bytes, strlen("years of work"));
        free(text);
        assert_int_equal(symlink(test_path("victim"), test_path("planted.h5.partial")), 0);
    }
    qctx_comm_barrier(test_comm);
    assert_status(qctx_store_writer_open(test_comm, test_path("planted.h5"), true, &what, &batches, &writer, &error),
                  QCTX_ERR_EXISTS, &error);
    if (speaks()) {
        assert_false(qctx_path_exists(test_path("way.h5.journal")) ||
                     qctx_path_exists(test_path("planted.h5.journal")));
        text = read_all(test_path("victim"), &bytes);
        assert_int_equal(bytes, strlen("precious"));
        free(text);
    }
}

static void begins_anew_for_another_job(void **state)
{
    qctx_store_description first = description(QCTX_FLOAT32), what;

    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        write_batches(test_path("other.h5"), &first, 0, 1 << 2, QCTX_ERR_IO);
        what = first;
        if (kind == 0)
            what.encoder_fingerprint = "toy-2";
        if (kind == 1)
            what.dtype = QCTX_FLOAT16;
        if (kind == 2)
            what.encoder = "other";
        corpus.fingerprint += kind == 3;
        rows[0] += kind == 4 ? PAIRS : 0;
        rows[1] -= kind == 4 ? PAIRS : 0;
        assert_status(qctx_store_writer_open(test_comm, test_path("other.h5"), false, &what, &batches,
                                             &(qctx_store_writer *){NULL}, &error),
                      QCTX_ERR_EXISTS, &error);
        assert_contains(error.message, "other.h5.partial: is what another command has done");
        forced = true;
        write_batches(test_path("other.h5"), &what, 0, 1 << 4, QCTX_ERR_IO);
        forced = false;
        write_batches(test_path("other.h5"), &what, 1 << 4, 0, QCTX_ERR_DATA);
        assert_false(qctx_path_exists(test_path("other.h5.partial")) ||
                     qctx_path_exists(test_path("other.h5.journal")));
        qctx_comm_barrier(test_comm);
        corpus.fingerprint -= kind == 3;
        rows[0] -= kind == 4 ? PAIRS : 0;
        rows[1] += kind == 4 ? PAIRS : 0;
    }
}

static void refuses_two_at_a_time(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    qctx_store_writer *writer = NULL;
    const int kinds[] = {LOCK_SH, LOCK_EX};
    int handle = -1;

    (void)state;
    write_batches(test_path("two.h5"), &what, 0, 1 << 2, QCTX_ERR_IO);
    for (int i = 0; i < 2; i++) {
        /* A rank of the other job, the first or one of the rest. */
        if (speaks()) {
            handle = open(test_path("two.h5.journal"), O_RDWR);
            assert_int_equal(flock(handle, kinds[i]), 0);
        }
        assert_status(qctx_store_writer_open(test_comm, test_path("two.h5"), true, &what, &batches, &writer, &error),
                      QCTX_ERR_EXISTS, &error);
        assert_contains(error.message, "two.h5.journal: another process is writing this store");
        assert_null(writer);
        if (speaks())
            close(handle);
        qctx_comm_barrier(test_comm);
    }
    write_batches(test_path("two.h5"), &what, 1 << 2, ALL & ~(1 << 2), QCTX_OK);
    expect_whole("two.h5", QCTX_FLOAT32);
}

static void says_when_a_batch_is_missing(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    qctx_store_writer *writer = NULL;

    (void)state;
    assert_status(qctx_store_writer_open(test_comm, test_path("gap.h5"), false, &what, &batches, &writer, &error),
                  QCTX_OK, &error);
    assert_status(qctx_store_writer_close(writer, QCTX_OK, &error), QCTX_ERR_INTERNAL, &error);
    assert_contains(error.message, "0 of 7 batches were written");
    assert_false(qctx_path_exists(test_path("gap.h5")));
    qctx_comm_barrier(test_comm);
    write_batches(test_path("gap.h5"), &what, 0, ALL, QCTX_OK);
    assert_status(qctx_store_writer_open(test_comm, test_path("gap.h5"), false, &what, &batches, &writer, &error),
                  QCTX_ERR_EXISTS, &error);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_each_vector_into_all_its_rows),
        cmocka_unit_test(goes_on_where_it_was),
        cmocka_unit_test(goes_on_with_other_ranks),
        cmocka_unit_test(notices_what_was_lost),
        cmocka_unit_test(publishes_again),
        cmocka_unit_test(begins_anew_where_it_cannot_go_on),
        cmocka_unit_test(one_changed_byte_is_never_published),
        cmocka_unit_test(what_is_in_the_way_stays),
        cmocka_unit_test(begins_anew_for_another_job),
        cmocka_unit_test(refuses_two_at_a_time),
        cmocka_unit_test(says_when_a_batch_is_missing),
    };

    make_up();
    return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
}
