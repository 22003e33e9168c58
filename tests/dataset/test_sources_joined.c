/* ranks: 1 2 3 */
#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_pretrained.h"
#include "opened_sources.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/dataset/embed.h"
#include "qctx/encoder/joined.h"

static qctx_error error;

enum { TEXTS = 20, HASHING_DIM = 1024 };

/* Question i and context i share a word that no other has. */
static void write_corpus(const char *name)
{
    static char contexts[8192], questions[8192], train[2048];
    char path[1024];
    int c = 0, q = 0, t = snprintf(train, sizeof train, "query-id\tcorpus-id\tscore\n");

    for (int i = 0; i < TEXTS; i++) {
        c += snprintf(contexts + c, sizeof contexts - (size_t)c,
                      "{\"_id\": \"c%d\", \"title\": \"\", \"text\": \"the tower of %c%cad is old\"}\n", i, 'b' + i % 5,
                      'a' + i / 5);
        q += snprintf(questions + q, sizeof questions - (size_t)q,
                      "{\"_id\": \"q%d\", \"text\": \"how old is %c%cad?\"}\n", i, 'b' + i % 5, 'a' + i / 5);
        t += snprintf(train + t, sizeof train - (size_t)t, "q%d\tc%d\t1\n", i, i);
    }
    snprintf(path, sizeof path, "%s/%s/qrels", test_folder(), name);
    assert_int_equal(qctx_folder_make(path, &error), QCTX_OK);
    snprintf(path, sizeof path, "%s/%s/corpus.jsonl", test_folder(), name);
    test_write(path, contexts);
    snprintf(path, sizeof path, "%s/%s/queries.jsonl", test_folder(), name);
    test_write(path, questions);
    snprintf(path, sizeof path, "%s/%s/qrels/train.tsv", test_folder(), name);
    test_write(path, train);
}

/* Stores in the cache. */
static int count_stores(const char *cache)
{
    DIR *folder = opendir(test_path(cache));
    int count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strstr(entry->d_name, ".h5") != NULL;
    closedir(folder);
    qctx_comm_barrier(test_comm);
    return count;
}

static void prepare(void)
{
    write_corpus("texts");
    made_folder_write("model", &(made_options){0});
    qctx_comm_barrier(test_comm);
}

static void check_dim(const char *data, int64_t dim, int stores)
{
    qctx_opened opened;
    qctx_config config;

    assert_status(open_sources("cache", data, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(opened.store_count, 1);
    assert_int_equal(qctx_store_dim(opened.stores[0]), dim);
    assert_true(qctx_store_unit_length(opened.stores[0]));
    assert_int_equal(count_stores("cache"), stores);
    close_sources(&opened, &config);
}

/* Other weights, one encoder alone, and the same again embed nothing twice: each adds one store, or none. */
static void parts_are_embedded_once(void **state)
{
    (void)state;
    prepare();
    check_dim("train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\n", HASHING_DIM + MADE_D, 3);
    check_dim("train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\n", HASHING_DIM + MADE_D, 3);
    check_dim("train: [{corpus: $/texts}]\n  encoder: hashing\n", HASHING_DIM, 3);
    check_dim("train: [{corpus: $/texts}]\n  encoder: $/model\n", MADE_D, 3);
    check_dim("train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\nencoder: {weights: [1, 0.5]}\n",
              HASHING_DIM + MADE_D, 4);
    check_dim("train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\nencoder: {dim: 4}\n", HASHING_DIM + 4, 6);
    check_dim("train: [{corpus: $/texts}]\n  encoder: $/model\nencoder: {dim: 4}\n", 4, 6);
}

/* Rows of the joined store are those that its encoder gives, restored from it. */
static void the_encoder_is_kept_in_the_store(void **state)
{
    static const char *const text = "how old is bbad?";
    float stored[HASHING_DIM + MADE_D], encoded[HASHING_DIM + MADE_D];
    qctx_encoder *encoder = NULL;
    qctx_opened opened, other;
    qctx_config config, other_config;
    char data[1024];

    (void)state;
    prepare();
    assert_status(open_sources("cache",
                               "train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\n"
                               "encoder: {weights: [1, 3]}\n",
                               &opened, &config, &error),
                  QCTX_OK, &error);
    assert_string_equal(qctx_store_encoder(opened.stores[0]), "joined");
    assert_status(qctx_embed_encoder_of(opened.stores[0], &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &text, 1, encoded, &error), QCTX_OK, &error);
    qctx_store_gather(opened.stores[0], QCTX_QUESTION, (int64_t[]){5}, 1, stored);
    for (int j = 0; j < HASHING_DIM + MADE_D; j++)
        assert_close(stored[j], encoded[j], 1e-6);
    qctx_encoder_destroy(encoder);

    /* Another corpus beside that store is embedded by the whole encoder. */
    write_corpus("more");
    snprintf(data, sizeof data, "train: [{store: %s}]\n  eval: [{corpus: $/more, split: train}]\n",
             qctx_store_path(opened.stores[0]));
    assert_status(open_sources("other", data, &other, &other_config, &error), QCTX_OK, &error);
    assert_int_equal(other.store_count, 2);
    assert_string_equal(qctx_store_encoder_fingerprint(other.stores[1]),
                        qctx_store_encoder_fingerprint(opened.stores[0]));
    assert_int_equal(count_stores("other"), 1);
    close_sources(&other, &other_config);
    close_sources(&opened, &config);
}

static void weights_are_tuned_once(void **state)
{
    static const char data[] = "train: [{corpus: $/texts}]\n  eval: [{corpus: $/later, split: train}]\n"
                               "  encoder: [hashing, $/model]\nencoder: {tune: true}\neval: {tune: 0.5}\n";
    static const char first[] = "train: [{corpus: $/texts}]\n  encoder: [hashing, $/model]\n"
                                "encoder: {tune: true}\neval: {tune: 0.5}\n";
    double weights[2], again[2];
    qctx_opened opened;
    qctx_config config;
    char *settings;

    (void)state;
    prepare();
    assert_status(open_sources("tuned", first, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(count_stores("tuned"), 3);
    settings = qctx_strdup(qctx_store_encoder_settings(opened.stores[0]), &error);
    assert_status(qctx_joined_weights(settings, 2, weights, &error), QCTX_OK, &error);
    close_sources(&opened, &config);

    /* The words are in hashing; a random transformer alone does not find them. */
    assert_true(weights[0] == 1.0);

    /* A corpus that comes later gets the same weights, from the store that is there. */
    write_corpus("later");
    assert_status(open_sources("tuned", data, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(count_stores("tuned"), 6);
    assert_status(qctx_joined_weights(qctx_store_encoder_settings(opened.stores[1]), 2, again, &error), QCTX_OK,
                  &error);
    assert_memory_equal(weights, again, sizeof weights);
    close_sources(&opened, &config);
    free(settings);
}

static void refuses_what_is_no_encoder(void **state)
{
    (void)state;
    prepare();
    test_write(test_path("note.txt"), "a note");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: models/minilm\n", QCTX_ERR_CONFIG,
                   "data.encoder: unknown encoder 'models/minilm'", &error);
    assert_contains(error.hint, "QCTX_MODELS");
    assert_null(strstr(error.hint, "hf download"));
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: sentence-transformers/minilm\n", QCTX_ERR_CONFIG,
                   "data.encoder: unknown encoder 'sentence-transformers/minilm'", &error);
    assert_contains(error.hint, "hf download sentence-transformers/minilm --local-dir models/minilm");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: [hashing, $/nowhere/at/all]\n", QCTX_ERR_CONFIG,
                   "no such folder or store", &error);
    assert_contains(error.hint, "QCTX_MODELS");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: hahsing\n", QCTX_ERR_CONFIG,
                   "unknown encoder 'hahsing'", &error);
    assert_contains(error.hint, "did you mean 'hashing'?");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: ~/model\n", QCTX_ERR_CONFIG,
                   "unknown encoder '~/model'", &error);
    assert_contains(error.hint, "write out the path");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: [$/model, $/model//]\n", QCTX_ERR_CONFIG,
                   "named twice", &error);
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(symlink("nowhere", test_path("link")), 0);
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: $/link\n", QCTX_ERR_CONFIG,
                   "is a symbolic link to what", &error);
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: $/texts\n", QCTX_ERR_CONFIG, "is no model folder",
                   &error);
    assert_contains(error.message, "modules.json");
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: $/note.txt\n", QCTX_ERR_CONFIG,
                   "is a file, but no store", &error);
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: pretrained\n", QCTX_ERR_CONFIG,
                   "not named by itself", &error);
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: [hashing, joined]\n", QCTX_ERR_CONFIG,
                   "not named by itself", &error);
}

static void refuses_settings_that_do_not_apply(void **state)
{
    qctx_opened opened;
    qctx_config config;
    char data[1024], path[512];

    (void)state;
    prepare();
    assert_status(open_sources("one", "train: [{corpus: $/texts}]\n", &opened, &config, &error), QCTX_OK, &error);
    snprintf(path, sizeof path, "%s", qctx_store_path(opened.stores[0]));
    close_sources(&opened, &config);

    snprintf(data, sizeof data, "train: [{corpus: $/texts}]\n  encoder: [$/model, %s]\n", path);
    expect_refusal("refused", data, QCTX_ERR_CONFIG, "stands alone", &error);
    snprintf(data, sizeof data, "train: [{corpus: $/texts}]\n  encoder: %s\nencoder: {pooling: cls}\n", path);
    expect_refusal("refused", data, QCTX_ERR_CONFIG, "encoder.pooling is for model folders, and a store's encoder",
                   &error);
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: $/model\nencoder: {precision: auto}\n", path);
    expect_refusal("refused", data, QCTX_ERR_MISMATCH, "but the store", &error);
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: [hashing, $/model]\nencoder: {tune: true}\n", path);
    expect_refusal("refused", data, QCTX_ERR_CONFIG, "encoder.tune: the encoder is that of the store", &error);
    expect_refusal("refused",
                   "train: [{corpus: $/texts, limit: 2}]\n  encoder: [hashing, $/model]\nencoder: {tune: true}\n",
                   QCTX_ERR_DATA, "no training questions are held out", &error);
    expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: $/model\nencoder: {dim: 1000}\n", QCTX_ERR_CONFIG,
                   "dim", &error);
}

/* A store and a configuration that names its encoder go together; another model, or the same one used otherwise, not.
 */
static void a_store_must_be_of_the_encoder_that_is_named(void **state)
{
    qctx_opened opened;
    qctx_config config;
    char data[1024], path[512];

    (void)state;
    prepare();
    assert_status(open_sources("named", "train: [{corpus: $/texts}]\n  encoder: $/model\n", &opened, &config, &error),
                  QCTX_OK, &error);
    snprintf(path, sizeof path, "%s", qctx_store_path(opened.stores[0]));
    close_sources(&opened, &config);

    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: $/model\n", path);
    assert_status(open_sources("named", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    /* The default says nothing of an encoder. */
    snprintf(data, sizeof data, "train: [{store: %s}]\n", path);
    assert_status(open_sources("named", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    /* One that is not there cannot be held against the store: that is a warning. */
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: $/nowhere\n", path);
    assert_status(open_sources("named", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);

    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: $/model\nencoder: {pooling: max}\n", path);
    expect_refusal("named", data, QCTX_ERR_MISMATCH, "but the store", &error);
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: [hashing, $/model]\n", path);
    expect_refusal("named", data, QCTX_ERR_MISMATCH, "but the store", &error);
}

/* Nor may what measures decide by what is trained, but data.eval where no encoder is named. */
static void only_training_stores_decide_the_encoder(void **state)
{
    qctx_opened opened;
    qctx_config config;
    char data[2048], path[512];

    (void)state;
    prepare();
    assert_status(open_sources("decided", "train: [{corpus: $/texts}]\n  encoder: $/model\n", &opened, &config, &error),
                  QCTX_OK, &error);
    snprintf(path, sizeof path, "%s", qctx_store_path(opened.stores[0]));
    close_sources(&opened, &config);

    snprintf(data, sizeof data, "train: [{corpus: $/texts}]\n  encoder: hashing\n  eval: [{store: %s, split: train}]\n",
             path);
    expect_refusal("decided", data, QCTX_ERR_MISMATCH, "data.eval: data.encoder is", &error);
    assert_contains(error.hint, "leave data.encoder out");
    snprintf(data, sizeof data,
             "train: [{corpus: $/texts}]\n  encoder: hashing\neval: {guard: [{store: %s, split: train}]}\n", path);
    expect_refusal("decided", data, QCTX_ERR_MISMATCH, "eval.guard: data.encoder is", &error);
    assert_null(strstr(error.hint, "leave data.encoder out"));
    snprintf(data, sizeof data, "train: [{corpus: $/texts}]\neval: {guard: [{store: %s, split: train}]}\n", path);
    expect_refusal("decided", data, QCTX_ERR_MISMATCH, "eval.guard: data.encoder is", &error);
    assert_int_equal(count_stores("decided"), 1);

    snprintf(data, sizeof data,
             "train: [{corpus: $/texts}]\n  encoder: $/model\neval: {guard: [{store: %s, split: train}]}\n", path);
    assert_status(open_sources("decided", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    snprintf(data, sizeof data, "train: [{corpus: $/texts}]\n  eval: [{store: %s, split: train}]\n", path);
    assert_status(open_sources("decided", data, &opened, &config, &error), QCTX_OK, &error);
    assert_string_equal(qctx_store_encoder(opened.stores[0]), "pretrained");
    close_sources(&opened, &config);
    assert_int_equal(count_stores("decided"), 1);
}

/* A path, or QCTX_MODELS, may lead to other files on another node. */
static void ranks_must_see_the_same_model(void **state)
{
    const bool first = qctx_comm_rank(test_comm) == 0;

    (void)state;
    prepare();
    made_folder_write("here/model", &(made_options){0});
    made_folder_write("there/model", &(made_options){.pooling_mode = "cls"});
    qctx_comm_barrier(test_comm);
    assert_int_equal(setenv("QCTX_MODELS", test_path(first ? "here" : "there"), 1), 0);
    if (qctx_comm_size(test_comm) > 1) {
        expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: gone/model\n", QCTX_ERR_MISMATCH,
                       "rank 1 found the encoder pretrained-", &error);
        assert_contains(error.message, "but rank 0 pretrained-");
        expect_refusal("refused", "train: [{corpus: $/texts}]\n  encoder: [hashing, gone/model]\n", QCTX_ERR_MISMATCH,
                       "rank 1 found the encoder pretrained-", &error);
    }
    unsetenv("QCTX_MODELS");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(parts_are_embedded_once),
    cmocka_unit_test(the_encoder_is_kept_in_the_store),
    cmocka_unit_test(weights_are_tuned_once),
    cmocka_unit_test(a_store_must_be_of_the_encoder_that_is_named),
    cmocka_unit_test(only_training_stores_decide_the_encoder),
    cmocka_unit_test(ranks_must_see_the_same_model),
    cmocka_unit_test(refuses_what_is_no_encoder),
    cmocka_unit_test(refuses_settings_that_do_not_apply),
};
TEST_MAIN(tests)
