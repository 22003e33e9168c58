/* ranks: 1 3 */
#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/platform/comm.h"
#include "qctx/store/store.h"
#include "qctx/store/store_writer.h"

/* What a store says of its contexts: with their titles or without, and contexts without any questions. */
enum { DIM = 2, CONTEXTS = 3 };

static qctx_error error;
static qctx_question questions[] = {{"q", "who"}};
static int64_t rows[] = {0};
static int64_t offsets[] = {0, 1};
static int64_t answers[] = {0};
static qctx_split splits[] = {{.name = "dev", .count = 1, .questions = rows, .offsets = offsets, .contexts = answers}};

static qctx_corpus made(void)
{
    const qctx_corpus corpus = {
        .question_count = 1, .questions = questions, .split_count = 1, .splits = splits, .folder = "made"};

    return corpus;
}

static qctx_store_description description(qctx_dtype dtype)
{
    const qctx_store_description value = {.dtype = dtype,
                                          .dim = DIM,
                                          .encoder = "toy",
                                          .encoder_fingerprint = "toy-1",
                                          .encoder_settings = "{}",
                                          .encoder_table = "table",
                                          .encoder_table_bytes = 5};

    return value;
}

static qctx_status fill(void *context, qctx_side side, int64_t first, int64_t count, float *values, qctx_error *failure)
{
    (void)context;
    (void)failure;
    for (int64_t i = 0; i < count * DIM; i++)
        values[i] = (float)(first + i + (int64_t)side + 1);
    return QCTX_OK;
}

/* Equal texts under different titles are different contexts to an encoder that saw the titles, and only to such a one.
 */
static void content_is_what_the_encoder_saw(void **state)
{
    qctx_context titled[] = {{"a", "Aldbrook", "A town."}, {"b", "Bexmoor", "A town."}, {"c", "", "Aldbrook A town."},
                             {"d", "Aldbrook", "A town."}, {"e", "Only", "Only"},       {"f", "", "A town."}};
    qctx_corpus other = made();

    (void)state;
    other.contexts = titled;
    other.context_count = 6;
    for (int joined = 0; joined < 2; joined++) {
        qctx_store_description what = description(QCTX_FLOAT32);
        uint64_t content[6], groups[6];
        qctx_store *store = NULL;

        what.corpus = &other;
        what.titles = joined != 0;
        assert_status(qctx_store_write(test_comm, test_path("titled.h5"), true, &what, fill, NULL, &error), QCTX_OK,
                      &error);
        assert_status(qctx_store_open(test_comm, test_path("titled.h5"), &store, &error), QCTX_OK, &error);
        assert_int_equal(qctx_store_titles(store), joined ? QCTX_TITLES_JOINED : QCTX_TITLES_LEFT_OUT);
        assert_int_equal(qctx_store_titles_at(test_path("titled.h5")), qctx_store_titles(store));
        assert_status(qctx_store_content(store, QCTX_CONTEXT, content, &error), QCTX_OK, &error);
        assert_status(qctx_store_groups(store, groups, &error), QCTX_OK, &error);
        assert_int_equal(content[0] == content[1], !joined);
        assert_int_equal(content[0] == content[2], joined);
        assert_int_equal(content[1] == content[5], !joined);
        assert_true(content[0] == content[3]);
        assert_true(content[4] != content[0] && content[4] != content[5]);
        assert_true(groups[0] == groups[3] && groups[0] != groups[1]);
        qctx_store_close(store);
    }
    assert_int_equal(qctx_store_titles_at(test_path("absent.h5")), QCTX_TITLES_NONE);
}

/* A store of contexts alone is for a search, and for nothing else. */
static void contexts_alone_are_for_searches(void **state)
{
    const char *const texts[] = {"one", "two", "three"};
    qctx_store_description what = description(QCTX_FLOAT32);
    qctx_corpus *corpus = NULL;
    qctx_store *store = NULL;
    float row[DIM];

    (void)state;
    assert_status(qctx_corpus_of_texts("notes.txt", texts, 3, &corpus, &error), QCTX_OK, &error);
    what.corpus = corpus;
    assert_status(qctx_store_write(test_comm, test_path("notes.h5"), true, &what, fill, NULL, &error), QCTX_OK, &error);
    assert_true(qctx_store_is(test_path("notes.h5")));
    assert_status(qctx_store_open(test_comm, test_path("notes.h5"), &store, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "questions/vectors");
    assert_status(qctx_store_open_contexts(test_comm, test_path("notes.h5"), &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_count(store, QCTX_QUESTION), 0);
    assert_int_equal(qctx_store_count(store, QCTX_CONTEXT), 3);
    assert_int_equal(qctx_store_split_count(store), 0);
    assert_status(qctx_store_read(store, QCTX_CONTEXT, 2, 1, row, &error), QCTX_OK, &error);
    assert_close((double)row[1], 2 + 1 + QCTX_CONTEXT + 1, 0);
    qctx_store_close(store);
    qctx_corpus_destroy(corpus);
}

/* Opens a store, of which the first rank then leaves `bytes` zeros. */
static qctx_store *emptied(off_t bytes)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    static qctx_context contexts[CONTEXTS] = {{"a", "", "A"}, {"b", "", "B"}, {"q", "", "C"}};
    qctx_store_description what = description(QCTX_FLOAT32);
    const char *path = test_path("emptied.h5");
    qctx_corpus corpus = made();
    qctx_store *store = NULL;
    struct stat found;

    corpus.contexts = contexts;
    corpus.context_count = CONTEXTS;
    what.corpus = &corpus;
    assert_status(qctx_store_write(test_comm, path, true, &what, fill, NULL, &error), QCTX_OK, &error);
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_status(qctx_agree(test_comm, QCTX_OK, &error), QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
    if (qctx_comm_rank(test_comm) == 0) {
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(truncate(path, bytes < 0 ? found.st_size : bytes), 0);
    }
    assert_status(qctx_agree(test_comm, QCTX_OK, &error), QCTX_OK, &error);
    return store;
}

/* What HDF5 makes of a file that changed after its opening is not what is wrong with it. */
static void names_a_change_where_texts_are_read(void **state)
{
    const off_t left[] = {0, 5000, -1}; /* −1: as many as there were */

    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        qctx_store *store = emptied(left[i]);
        const int64_t *own, row = 1;
        uint64_t content[CONTEXTS];
        char *text = NULL;
        size_t bytes;
        void *table;

        assert_status(qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TEXT, &row, 1, &text, &error), QCTX_ERR_MISMATCH,
                      &error);
        assert_contains(error.message, "emptied.h5: was written to while it was read");
        assert_null(text);
        assert_status(qctx_store_content(store, QCTX_CONTEXT, content, &error), QCTX_ERR_MISMATCH, &error);
        assert_status(qctx_store_own_contexts(store, &own, &error), QCTX_ERR_MISMATCH, &error);
        assert_status(qctx_store_encoder_table(store, &table, &bytes, &error), QCTX_ERR_MISMATCH, &error);
        assert_contains(error.message, "emptied.h5: was written to while it was read");
        assert_null(table);
        qctx_store_close(store);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(content_is_what_the_encoder_saw),
    cmocka_unit_test(contexts_alone_are_for_searches),
    cmocka_unit_test(names_a_change_where_texts_are_read),
};
TEST_MAIN(tests)
