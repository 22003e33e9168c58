/* ranks: 1 2 5 */
#include "h5_edit.h"
#include "opened_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/data/corpus.h"
#include "qctx/dataset/embed.h"

static qctx_error error;

/* Five contexts of which c3 answers nothing in train, and three questions, one of them in dev. */
static const char contexts[] =
    "{\"_id\": \"c0\", \"title\": \"\", \"text\": \"the tower was designed by an engineer\"}\n"
    "{\"_id\": \"c1\", \"title\": \"\", \"text\": \"rivers carry water to the sea\"}\n"
    "{\"_id\": \"c2\", \"title\": \"\", \"text\": \"engineers build bridges over rivers\"}\n"
    "{\"_id\": \"c3\", \"title\": \"\", \"text\": \"cats sleep all day\"}\n"
    "{\"_id\": \"c4\", \"title\": \"\", \"text\": \"the old town has a wall\"}\n";
static const char questions[] = "{\"_id\": \"q0\", \"text\": \"who designed the tower?\"}\n"
                                "{\"_id\": \"q1\", \"text\": \"what do rivers carry?\"}\n"
                                "{\"_id\": \"q2\", \"text\": \"who sleeps all day?\"}\n";
static const char train[] = "query-id\tcorpus-id\tscore\nq0\tc0\t1\nq1\tc1\t1\nq1\tc2\t1\n";
static const char dev[] = "query-id\tcorpus-id\tscore\nq2\tc3\t1\n";

static void write_corpus(const char *name, const char *more_contexts)
{
    char path[1024];
    char all[4096];

    if (qctx_comm_rank(test_comm) == 0) {
        snprintf(path, sizeof path, "%s/%s/qrels", test_folder(), name);
        assert_int_equal(qctx_folder_make(path, &error), QCTX_OK);
    }
    snprintf(all, sizeof all, "%s%s", contexts, more_contexts);
    snprintf(path, sizeof path, "%s/%s/corpus.jsonl", test_folder(), name);
    test_write(path, all);
    snprintf(path, sizeof path, "%s/%s/queries.jsonl", test_folder(), name);
    test_write(path, questions);
    snprintf(path, sizeof path, "%s/%s/qrels/train.tsv", test_folder(), name);
    test_write(path, train);
    snprintf(path, sizeof path, "%s/%s/qrels/dev.tsv", test_folder(), name);
    test_write(path, dev);
}

/* Where the file of an opened store lies; the text is the caller's. */
static char *path_of(const qctx_opened *opened, int64_t store)
{
    return qctx_strdup(qctx_store_path(opened->stores[store]), &error);
}

static void embeds_once_and_reuses(void **state)
{
    static const char data[] = "train: [{corpus: $/a, split: train}]\n"
                               "  eval: [{corpus: $/a, split: dev, limit: 7}]\n";
    qctx_opened opened;
    qctx_config config;
    uint64_t checksum;
    char *path, *again;
    struct stat before, after;
    char *bytes;
    size_t count;

    (void)state;
    write_corpus("a", "");
    assert_status(open_sources("cache", data, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(opened.store_count, 1);
    assert_int_equal(opened.train_count, 1);
    assert_int_equal(opened.eval_count, 1);
    assert_ptr_equal(opened.train[0].store, opened.eval[0].store);
    assert_int_equal(opened.train[0].split->count, 2);
    assert_int_equal(opened.eval[0].limit, 7);
    assert_string_equal(opened.eval[0].name, "a/dev");
    assert_true(qctx_store_unit_length(opened.stores[0]));
    checksum = qctx_store_checksum(opened.stores[0]);
    path = path_of(&opened, 0);
    assert_contains(path, "/cache/a-");
    close_sources(&opened, &config);

    /* The second start opens the very same file. */
    assert_int_equal(stat(path, &before), 0);
    assert_status(open_sources("cache", data, &opened, &config, &error), QCTX_OK, &error);
    again = path_of(&opened, 0);
    assert_string_equal(again, path);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_true(qctx_store_checksum(opened.stores[0]) == checksum);
    close_sources(&opened, &config);
    free(again);

    /* A damaged one is not silently made again. */
    if (qctx_comm_rank(test_comm) == 0) {
        assert_int_equal(qctx_file_read(path, &bytes, &count, &error), QCTX_OK);
        assert_int_equal(truncate(path, (off_t)(count / 2)), 0);
        free(bytes);
    }
    qctx_comm_barrier(test_comm);
    expect_refusal("cache", data, QCTX_ERR_FORMAT, "truncated", &error);
    assert_contains(error.hint, "delete the file");
    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0)
        unlink(path);
    qctx_comm_barrier(test_comm);
    free(path);
}

/* The names of cached stores do not tell the version: those of earlier programs need not be made again. */
static void reuses_a_store_of_version_1(void **state)
{
    static const char data[] = "train: [{corpus: $/early, split: train}]\n";
    qctx_opened opened;
    qctx_config config;
    uint64_t checksum;
    char *path, *again;

    (void)state;
    write_corpus("early", "");
    assert_status(open_sources("kept", data, &opened, &config, &error), QCTX_OK, &error);
    path = path_of(&opened, 0);
    checksum = qctx_store_checksum(opened.stores[0]);
    close_sources(&opened, &config);
    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0)
        assert_status(test_h5_make_version_1(path, &error), QCTX_OK, &error);
    qctx_comm_barrier(test_comm);
    assert_status(open_sources("kept", data, &opened, &config, &error), QCTX_OK, &error);
    again = path_of(&opened, 0);
    assert_string_equal(again, path);
    assert_int_equal(qctx_store_version(opened.stores[0]), 1);
    assert_true(qctx_store_checksum(opened.stores[0]) == checksum);
    close_sources(&opened, &config);
    free(path);
    free(again);
}

/* Of another corpus, of as many texts, copied to where this corpus' store is looked for. */
static void refuses_the_cached_store_of_another_corpus(void **state)
{
    qctx_opened opened;
    qctx_config config;
    char *path, *other;

    (void)state;
    write_corpus("mine", "{\"_id\": \"c5\", \"text\": \"apples grow on trees\"}\n");
    write_corpus("theirs", "{\"_id\": \"c5\", \"text\": \"pears grow on trees\"}\n");
    assert_status(open_sources("copied", "train: [{corpus: $/mine}]\n", &opened, &config, &error), QCTX_OK, &error);
    path = path_of(&opened, 0);
    close_sources(&opened, &config);
    assert_status(open_sources("copied", "train: [{corpus: $/theirs}]\n", &opened, &config, &error), QCTX_OK, &error);
    other = path_of(&opened, 0);
    close_sources(&opened, &config);
    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(rename(other, path), 0);
    qctx_comm_barrier(test_comm);
    expect_refusal("copied", "train: [{corpus: $/mine}]\n", QCTX_ERR_MISMATCH, "of another corpus than its name says",
                   &error);
    assert_contains(error.hint, "delete the file");
    free(path);
    free(other);
}

static void another_text_or_fit_is_another_store(void **state)
{
    static const char *const variants[] = {
        "train: [{corpus: $/b, split: train}]\n",
        "train: [{corpus: $/b, split: dev}]\n",
        "train: [{corpus: $/b, split: train}]\n  dtype: float16\n",
        "train: [{corpus: $/c, split: train}]\n",
    };
    char *paths[4];
    qctx_opened opened;
    qctx_config config;

    (void)state;
    write_corpus("b", "");
    write_corpus("c", "{\"_id\": \"c9\", \"text\": \"one more\"}\n");
    for (int i = 0; i < 4; i++) {
        assert_status(open_sources("cache", variants[i], &opened, &config, &error), QCTX_OK, &error);
        paths[i] = path_of(&opened, 0);
        close_sources(&opened, &config);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(paths[i], paths[j]);
    }
    for (int i = 0; i < 4; i++)
        free(paths[i]);
}

static void mixed_sources_share_one_encoder(void **state)
{
    qctx_opened opened;
    qctx_config config;

    (void)state;
    write_corpus("d", "");
    write_corpus("e", "{\"_id\": \"c9\", \"text\": \"one more\"}\n");
    assert_status(open_sources("cache", "train: [{corpus: $/d}, {corpus: $/e}]\n  eval: [{corpus: $/e, split: dev}]\n",
                               &opened, &config, &error),
                  QCTX_OK, &error);
    assert_int_equal(opened.store_count, 2);
    assert_ptr_equal(opened.train[1].store, opened.eval[0].store);
    assert_string_equal(qctx_store_encoder_fingerprint(opened.stores[0]),
                        qctx_store_encoder_fingerprint(opened.stores[1]));
    close_sources(&opened, &config);
}

/* A store that embed wrote under $/NAME.h5, the encoder fitted on one split. */
static void embed_alone(const char *corpus_name, const char *store_name, const char *split)
{
    qctx_corpus *corpus;
    qctx_encoder *encoder;
    qctx_fit_source source;

    assert_status(qctx_corpus_open(test_comm, test_path(corpus_name), &corpus, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_create("hashing", NULL, &encoder, &error), QCTX_OK, &error);
    source = (qctx_fit_source){corpus, split};
    assert_status(qctx_embed_fit(test_comm, encoder, &source, 1, false, &error), QCTX_OK, &error);
    assert_status(
        qctx_embed_corpus(
            test_comm,
            &(qctx_embed_request){.corpus = corpus, .encoder = encoder, .path = test_path(store_name), .force = true},
            &error),
        QCTX_OK, &error);
    qctx_encoder_destroy(encoder);
    qctx_corpus_destroy(corpus);
}

static void corpora_follow_the_store_that_is_named(void **state)
{
    qctx_opened opened;
    qctx_config config;

    (void)state;
    write_corpus("f", "");
    embed_alone("f", "dev.h5", "dev");
    assert_status(
        open_sources("cache", "train: [{corpus: $/f}]\n  eval: [{store: $/dev.h5}]\n", &opened, &config, &error),
        QCTX_OK, &error);
    assert_int_equal(opened.store_count, 2);
    assert_true(qctx_store_checksum(opened.stores[0]) == qctx_store_checksum(opened.stores[1]));
    close_sources(&opened, &config);
    assert_status(open_sources("cache", "train: [{corpus: $/f}]\n  encoder: $/dev.h5\n", &opened, &config, &error),
                  QCTX_OK, &error);
    assert_int_equal(opened.store_count, 1);
    close_sources(&opened, &config);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    write_corpus("g", "");
    embed_alone("g", "one.h5", "train");
    embed_alone("g", "two.h5", "nosuchsplit");
    expect_refusal("cache", "train: [{store: $/one.h5}, {store: $/two.h5}]\n", QCTX_ERR_MISMATCH,
                   "was made by the encoder", &error);
    expect_refusal("cache", "train: [{store: $/one.h5, split: test}]\n", QCTX_ERR_DATA, "there is no split 'test'",
                   &error);
    expect_refusal("cache", "train: [{store: $/none.h5}]\n", QCTX_ERR_IO, "none.h5", &error);
    expect_refusal("cache", "train: [{corpus: $/none}]\n", QCTX_ERR_IO, "none", &error);
    expect_refusal("cache", "train: [{corpus: $/g, split: trian}]\n", QCTX_ERR_DATA, "split 'trian'", &error);

    expect_refusal("cache", "train: [{corpus: $/g}]\n  encoder: hashin\n", QCTX_ERR_CONFIG, "unknown encoder 'hashin'",
                   &error);
}

/* What is encoded alone, by one call each, stands in the store. */
static void vectors_are_the_encoders(void **state)
{
    const char *question = "what do rivers carry?";
    const char *context = "cats sleep all day";
    qctx_store *store;
    qctx_encoder *encoder;
    float *rows, *expected;

    (void)state;
    write_corpus("h", "");
    embed_alone("h", "h.h5", "train");
    assert_status(qctx_store_open(test_comm, test_path("h.h5"), &store, &error), QCTX_OK, &error);
    assert_status(qctx_embed_encoder_of(store, &encoder, &error), QCTX_OK, &error);
    rows = calloc((size_t)qctx_store_dim(store), sizeof *rows);
    expected = calloc((size_t)qctx_store_dim(store), sizeof *expected);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &question, 1, expected, &error), QCTX_OK, &error);
    qctx_store_gather(store, QCTX_QUESTION, (int64_t[]){1}, 1, rows);
    assert_memory_equal(rows, expected, (size_t)qctx_store_dim(store) * sizeof *rows);
    assert_status(qctx_encoder_encode(encoder, QCTX_CONTEXT, &context, 1, expected, &error), QCTX_OK, &error);
    qctx_store_gather(store, QCTX_CONTEXT, (int64_t[]){3}, 1, rows);
    assert_memory_equal(rows, expected, (size_t)qctx_store_dim(store) * sizeof *rows);
    free(rows);
    free(expected);
    qctx_encoder_destroy(encoder);
    qctx_store_close(store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_the_cached_store_of_another_corpus),
    cmocka_unit_test(embeds_once_and_reuses),
    cmocka_unit_test(reuses_a_store_of_version_1),
    cmocka_unit_test(another_text_or_fit_is_another_store),
    cmocka_unit_test(mixed_sources_share_one_encoder),
    cmocka_unit_test(corpora_follow_the_store_that_is_named),
    cmocka_unit_test(refuses_what_does_not_fit),
    cmocka_unit_test(vectors_are_the_encoders),
};
TEST_MAIN(tests)
