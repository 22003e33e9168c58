/* ranks: 1 2 3 */
#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "qctx/base/fileio.h"
#include "qctx/dataset/documents.h"
#include "small_store.h"

static qctx_error error;

/* The one text of `source` as it is found in the cache, or embedded into it; its store's path goes to `path`. */
static void assert_embedded(qctx_documents source, qctx_encoder *encoder, const char *expected, char path[256])
{
    const qctx_documents_cache cache = {.folder = test_path("cache"), .titles = true};
    const int64_t row = 0;
    char *text = NULL;

    assert_status(qctx_documents_read(test_comm, &source, 1, false, &error), QCTX_OK, &error);
    assert_null(source.store);
    assert_status(qctx_documents_embed(test_comm, &source, 1, encoder, &cache, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_count(source.store, QCTX_CONTEXT), 1);
    assert_int_equal(qctx_store_count(source.store, QCTX_QUESTION), 0);
    assert_status(qctx_store_texts(source.store, QCTX_CONTEXT, QCTX_FIELD_TEXT, &row, 1, &text, &error), QCTX_OK,
                  &error);
    assert_string_equal(text, expected);
    snprintf(path, 256, "%s", qctx_store_path(source.store));
    free(text);
    qctx_documents_free(&source, 1);
}

static void texts_are_embedded_once(void **state)
{
    small_store *small = small_open();
    const qctx_documents notes = {.kind = QCTX_DOCUMENTS_TEXT, .path = test_path("notes.txt")};
    char first[256], second[256], path[256];
    struct stat before, after;

    (void)state;
    test_write(notes.path, "The lamp burns.\n");
    assert_embedded(notes, small->encoder, "The lamp burns.", first);
    assert_int_equal(stat(first, &before), 0);
    qctx_comm_barrier(test_comm);
    assert_embedded(notes, small->encoder, "The lamp burns.", path);
    assert_string_equal(path, first);
    assert_int_equal(stat(first, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    /* Another text under the same name is another store. */
    test_write(notes.path, "The gate is shut.\n");
    assert_embedded(notes, small->encoder, "The gate is shut.", second);
    assert_string_not_equal(second, first);
    /* One that lies under the other's name is not believed. */
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(rename(first, second), 0);
    qctx_comm_barrier(test_comm);
    assert_embedded(notes, small->encoder, "The gate is shut.", path);
    assert_string_equal(path, second);
    small_close(small);
}

static void a_corpus_needs_its_contexts_alone(void **state)
{
    small_store *small = small_open();
    const qctx_documents corpus = {.kind = QCTX_DOCUMENTS_CORPUS, .path = test_path("corpus")};
    char path[256];

    (void)state;
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(mkdir(corpus.path, 0755), 0);
    qctx_comm_barrier(test_comm);
    test_write(test_path("corpus/corpus.jsonl"), "{\"_id\": \"a\", \"title\": \"\", \"text\": \"A lamp.\"}\n");
    assert_embedded(corpus, small->encoder, "A lamp.", path);
    assert_contains(path, "cache/corpus-");
    small_close(small);
}

static void stores_of_other_encoders_are_refused(void **state)
{
    small_store *small = small_open();
    qctx_documents store = {.kind = QCTX_DOCUMENTS_STORE, .path = qctx_store_path(small->store)};
    char *fingerprint = qctx_encoder_fingerprint(small->encoder, &error);

    (void)state;
    assert_status(qctx_documents_read(test_comm, &store, 1, false, &error), QCTX_OK, &error);
    assert_non_null(store.store);
    assert_status(qctx_documents_check(&store, 1, fingerprint, &error), QCTX_OK, &error);
    assert_status(qctx_documents_check(&store, 1, "hashing-0000000000000000", &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, fingerprint);
    assert_contains(error.message, "hashing-0000000000000000");
    qctx_documents_free(&store, 1);
    free(fingerprint);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(texts_are_embedded_once),
    cmocka_unit_test(a_corpus_needs_its_contexts_alone),
    cmocka_unit_test(stores_of_other_encoders_are_refused),
};
TEST_MAIN(tests)
