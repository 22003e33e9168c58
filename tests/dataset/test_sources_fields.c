/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "made_pretrained.h"
#include "opened_sources.h"
#include "qctx/base/fileio.h"
#include "qctx/dataset/embed.h"
#include "qctx/encoder/joined.h"

static qctx_error error;

enum { CONTEXTS = 24, SENTENCES = 4, HASHING_DIM = 1024, DIM = HASHING_DIM + MADE_D };

/* Sentences of a paragraph, of which every sixth context has none, nor has the field an empty text means anything. */
static void write_corpus(const char *name, const char *ending)
{
    static char contexts[16384], questions[8192], train[2048];
    char path[1024];
    int c = 0, q = 0, t = snprintf(train, sizeof train, "query-id\tcorpus-id\tscore\n");

    for (int i = 0; i < CONTEXTS; i++) {
        c += snprintf(contexts + c, sizeof contexts - (size_t)c,
                      "{\"_id\": \"c%d\", \"title\": \"tower %c\", \"text\": \"the door number %d is old\"", i,
                      'a' + i / SENTENCES, i);
        if (i % 6 != 5)
            c += snprintf(contexts + c, sizeof contexts - (size_t)c, ", \"paragraph\": \"all doors of %cad are old%s\"",
                          'b' + i / SENTENCES, ending);
        c += snprintf(contexts + c, sizeof contexts - (size_t)c, "}\n");
        q += snprintf(questions + q, sizeof questions - (size_t)q,
                      "{\"_id\": \"q%d\", \"text\": \"how old is door number %d of %cad?\"}\n", i, i,
                      'b' + i / SENTENCES);
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

static void prepare(void)
{
    write_corpus("texts", "");
    made_folder_write("model", &(made_options){0});
    qctx_comm_barrier(test_comm);
}

/* The vectors of a side of the only store that a configuration opens, which are freed by the caller. */
static float *rows_of(const char *cache, const char *data, qctx_side side, int64_t dim)
{
    qctx_opened opened;
    qctx_config config;
    float *rows = calloc((size_t)(CONTEXTS * dim), sizeof *rows);

    assert_non_null(rows);
    assert_status(open_sources(cache, data, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_dim(opened.stores[0]), dim);
    assert_int_equal(qctx_store_count(opened.stores[0], side), CONTEXTS);
    assert_status(qctx_store_read(opened.stores[0], side, 0, CONTEXTS, rows, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    return rows;
}

/* Stores in a cache. Collective. */
static int count_stores(const char *cache)
{
    DIR *folder = opendir(test_path(cache));
    int count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strstr(entry->d_name, ".h5") != NULL && entry->d_name[0] != '.';
    closedir(folder);
    qctx_comm_barrier(test_comm);
    return count;
}

#define SOURCE "train: [{corpus: $/texts}]\n  encoder: "

/*
 * By hand: the columns of hashing are its title + text, weight 1, and half its paragraph; those of the model its text,
 * weight ¼, and its title, weight 1, in the order of the entries though these stand apart.
 */
static void fields_of_an_encoder_are_one_block(void **state)
{
    static const char whole[] = SOURCE "[hashing, {model: $/model, field: text, weight: 0.25},\n"
                                       "    {model: hashing, field: paragraph, weight: 0.5},\n"
                                       "    {model: $/model, field: title}]\n";
    float *contexts, *questions, *part[4], *asked[2];
    const double factors[] = {sqrt(1.5 / 2.75), sqrt(1.25 / 2.75)};

    (void)state;
    prepare();
    contexts = rows_of("cache", whole, QCTX_CONTEXT, DIM);
    /* One store for each field of an encoder, and the joined one. */
    assert_int_equal(count_stores("cache"), 5);
    questions = rows_of("cache", whole, QCTX_QUESTION, DIM);
    part[0] = rows_of("cache", SOURCE "hashing\n", QCTX_CONTEXT, HASHING_DIM);
    part[1] = rows_of("cache", SOURCE "{model: hashing, field: paragraph}\n", QCTX_CONTEXT, HASHING_DIM);
    part[2] = rows_of("cache", SOURCE "{model: $/model, field: text}\n", QCTX_CONTEXT, MADE_D);
    part[3] = rows_of("cache", SOURCE "{model: $/model, field: title}\n", QCTX_CONTEXT, MADE_D);
    asked[0] = rows_of("cache", SOURCE "{model: hashing, field: paragraph}\n", QCTX_QUESTION, HASHING_DIM);
    asked[1] = rows_of("cache", SOURCE "$/model\n", QCTX_QUESTION, MADE_D);
    for (int i = 0; i < CONTEXTS; i++) {
        double sums[DIM], squares[2] = {0, 0};

        for (int j = 0; j < DIM; j++) {
            const int model = j >= HASHING_DIM, at = model ? i * MADE_D + j - HASHING_DIM : i * HASHING_DIM + j;

            sums[j] = model ? 0.25 * part[2][at] + part[3][at] : part[0][at] + 0.5 * part[1][at];
            squares[model] += sums[j] * sums[j];
            assert_close(questions[i * DIM + j], factors[model] * asked[model][at], 1e-6);
        }
        for (int j = 0; j < DIM; j++)
            assert_close(contexts[i * DIM + j], factors[j >= HASHING_DIM] * sums[j] / sqrt(squares[j >= HASHING_DIM]),
                         1e-6);
    }
    /* Equal paragraphs are one text; a context without one gives its text. */
    for (int j = 0; j < HASHING_DIM; j++) {
        assert_true(part[1][j] == part[1][HASHING_DIM + j]);
        assert_false(isnan(part[1][5 * HASHING_DIM + j]));
    }
    assert_memory_not_equal(part[1] + 4 * HASHING_DIM, part[1] + 5 * HASHING_DIM, HASHING_DIM * sizeof(float));
    for (int p = 0; p < 4; p++)
        free(part[p]);
    free(asked[0]);
    free(asked[1]);
    free(contexts);
    free(questions);
}

static void check_stores(const char *cache, const char *data, int64_t dim, int stores)
{
    free(rows_of(cache, data, QCTX_CONTEXT, dim));
    assert_int_equal(count_stores(cache), stores);
}

/* Other weights, an encoder beside, or one field alone embed no field again; a field that changed is another. */
static void fields_are_embedded_once(void **state)
{
    (void)state;
    prepare();
    check_stores("once", SOURCE "[hashing, {model: hashing, field: paragraph}]\n", HASHING_DIM, 3);
    check_stores("once", SOURCE "[hashing, {model: hashing, field: paragraph}]\n", HASHING_DIM, 3);
    check_stores("once", SOURCE "{model: hashing, field: paragraph}\n", HASHING_DIM, 3);
    check_stores("once", SOURCE "hashing\n", HASHING_DIM, 3);
    check_stores("once", SOURCE "[hashing, {model: hashing, field: paragraph, weight: 0}]\n", HASHING_DIM, 4);
    check_stores("once", SOURCE "[hashing, {model: hashing, field: paragraph}, $/model]\n", DIM, 6);
    check_stores("once", SOURCE "[{model: hashing, field: title+text}, {model: hashing, field: title}]\n", HASHING_DIM,
                 8);
    write_corpus("texts", " and closed");
    check_stores("once", SOURCE "hashing\n", HASHING_DIM, 8);
    check_stores("once", SOURCE "[hashing, {model: hashing, field: paragraph}]\n", HASHING_DIM, 10);
}

/* A field of weight 0 changes no bit. */
static void a_field_without_weight_changes_nothing(void **state)
{
    float *alone, *both;

    (void)state;
    prepare();
    alone = rows_of("zero", SOURCE "hashing\n", QCTX_CONTEXT, HASHING_DIM);
    both =
        rows_of("zero", SOURCE "[hashing, {model: hashing, field: paragraph, weight: 0}]\n", QCTX_CONTEXT, HASHING_DIM);
    assert_memory_equal(alone, both, (size_t)(CONTEXTS * HASHING_DIM) * sizeof *alone);
    free(alone);
    free(both);
}

/* The encoder that the store keeps gives its rows again, from the fields of a context or by embedding it at once. */
static void the_encoder_knows_its_fields(void **state)
{
    static const char data[] = SOURCE "[hashing, {model: hashing, field: paragraph, weight: 0.5}, $/model]\n";
    static const char *const fields[] = {"tower a the door number 2 is old", "all doors of bad are old"};
    qctx_encoder *encoder = NULL;
    qctx_opened opened;
    qctx_config config;
    qctx_corpus *corpus = NULL;
    qctx_store *store = NULL;
    const char *const *names;
    float stored[DIM], encoded[DIM];

    (void)state;
    prepare();
    assert_status(open_sources("kept", data, &opened, &config, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_titles(opened.stores[0]), QCTX_TITLES_FIELDS);
    assert_status(qctx_embed_encoder_of(opened.stores[0], &encoder, &error), QCTX_OK, &error);
    assert_int_equal(qctx_encoder_fields(encoder, &names), 2);
    assert_string_equal(names[0], "title+text");
    assert_status(qctx_encoder_encode(encoder, QCTX_CONTEXT, fields, 1, encoded, &error), QCTX_OK, &error);
    qctx_store_gather(opened.stores[0], QCTX_CONTEXT, (int64_t[]){2}, 1, stored);
    for (int j = 0; j < DIM; j++)
        assert_close(stored[j], encoded[j], 1e-6);

    assert_status(qctx_corpus_open(test_comm, test_path("texts"), &corpus, &error), QCTX_OK, &error);
    assert_status(
        qctx_embed_corpus(test_comm,
                          &(qctx_embed_request){.corpus = corpus, .encoder = encoder, .path = test_path("at-once.h5")},
                          &error),
        QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("at-once.h5"), &store, &error), QCTX_OK, &error);
    assert_string_equal(qctx_store_encoder_fingerprint(store), qctx_store_encoder_fingerprint(opened.stores[0]));
    for (int64_t i = 0; i < CONTEXTS; i++) {
        qctx_store_gather(opened.stores[0], QCTX_CONTEXT, &i, 1, stored);
        qctx_store_gather(store, QCTX_CONTEXT, &i, 1, encoded);
        for (int j = 0; j < DIM; j++)
            assert_close(stored[j], encoded[j], 1e-6);
    }
    qctx_store_close(store);
    qctx_corpus_destroy(corpus);
    qctx_encoder_destroy(encoder);
    close_sources(&opened, &config);
}

/*
 * Questions ask for doors by number and building, of which the text says the one and the paragraph the other. What is
 * chosen is kept in the store, and found there again.
 */
static void weights_of_fields_are_tuned(void **state)
{
    static const char data[] = SOURCE "[{model: hashing, field: text}, {model: hashing, field: paragraph},\n"
                                      "    {model: $/model, field: title}]\n"
                                      "encoder: {tune: true}\neval: {tune: 0.5}\n";
    double weights[3], again[3];
    qctx_opened opened;
    qctx_config config;

    (void)state;
    prepare();
    assert_status(open_sources("tuned", data, &opened, &config, &error), QCTX_OK, &error);
    assert_status(qctx_joined_weights(qctx_store_encoder_settings(opened.stores[0]), 3, weights, &error), QCTX_OK,
                  &error);
    close_sources(&opened, &config);
    assert_int_equal(count_stores("tuned"), 4);
    /* Both fields of words are needed, and outweigh a random transformer. */
    assert_true(weights[0] > 0 && weights[0] + weights[1] > weights[2]);
    assert_status(open_sources("tuned", data, &opened, &config, &error), QCTX_OK, &error);
    assert_status(qctx_joined_weights(qctx_store_encoder_settings(opened.stores[0]), 3, again, &error), QCTX_OK,
                  &error);
    assert_memory_equal(weights, again, sizeof weights);
    close_sources(&opened, &config);
    expect_refusal("tuned", SOURCE "[hashing, {model: hashing, field: titel}]\nencoder: {tune: true}\n", QCTX_ERR_DATA,
                   "no context has the field 'titel'", &error);
}

/* A guard, or what is only measured, comes from elsewhere: where it has no such field, its texts stand for it. */
static void what_is_measured_may_lack_a_field(void **state)
{
    static const char *const data[] = {
        SOURCE "[hashing, {model: hashing, field: paragraph, weight: 0.5}]\n  eval: [{corpus: $/plain, split: dev}]\n",
        SOURCE "[hashing, {model: hashing, field: paragraph, weight: 3}]\n"
               "eval: {guard: [{corpus: $/plain, split: dev}]}\n"};
    char path[512], folder[512];
    float *rows = calloc(2 * HASHING_DIM, sizeof *rows);
    qctx_opened opened;
    qctx_config config;
    double product = 0;

    (void)state;
    prepare();
    snprintf(folder, sizeof folder, "%s/plain/qrels", test_folder());
    assert_int_equal(qctx_folder_make(folder, &error), QCTX_OK);
    snprintf(path, sizeof path, "%s/plain/corpus.jsonl", test_folder());
    test_write(path, "{\"_id\": \"c0\", \"title\": \"\", \"text\": \"the door is old\"}\n");
    snprintf(path, sizeof path, "%s/plain/queries.jsonl", test_folder());
    test_write(path, "{\"_id\": \"q0\", \"text\": \"the door is old\"}\n");
    snprintf(path, sizeof path, "%s/plain/qrels/dev.tsv", test_folder());
    test_write(path, "query-id\tcorpus-id\tscore\nq0\tc0\t1\n");
    qctx_comm_barrier(test_comm);
    assert_non_null(rows);
    for (int i = 0; i < 2; i++) {
        assert_status(open_sources("measured", data[i], &opened, &config, &error), QCTX_OK, &error);
        assert_int_equal(opened.store_count, 2);
        qctx_store_gather(opened.stores[1], QCTX_CONTEXT, (int64_t[]){0}, 1, rows + i * HASHING_DIM);
        close_sources(&opened, &config);
    }
    /* A text beside itself is that text at any weight. */
    for (int j = 0; j < HASHING_DIM; j++)
        product += (double)rows[j] * (double)rows[HASHING_DIM + j];
    assert_true(fabs(product - 1) < 1e-5);
    free(rows);
}

/* Where the texts of two fields are the same, they are encoded once. */
static void equal_fields_are_encoded_once(void **state)
{
    static const char data[] = SOURCE "[{model: $/model, field: text}, {model: $/model, field: paragraph}]\n";
    static const char *const equal[] = {"a door", "a door", "a tower", "a tower"}, *const other[] = {"a door",
                                                                                                     "a wall"};
    float rows[2 * MADE_D];
    qctx_encoder *encoder;
    qctx_opened opened;
    qctx_config config;

    (void)state;
    prepare();
    assert_status(open_sources("equal", data, &opened, &config, &error), QCTX_OK, &error);
    assert_status(qctx_embed_encoder_of(opened.stores[0], &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(encoder, QCTX_CONTEXT, equal, 2, rows, &error), QCTX_OK, &error);
    assert_int_equal(qctx_encoder_work_of(encoder).texts, 2);
    assert_status(qctx_encoder_encode(encoder, QCTX_CONTEXT, other, 1, rows, &error), QCTX_OK, &error);
    assert_int_equal(qctx_encoder_work_of(encoder).texts, 4);
    qctx_encoder_destroy(encoder);
    close_sources(&opened, &config);
}

static void refuses_what_cannot_be(void **state)
{
    char data[1024], by_field[512], by_text[512];
    qctx_opened opened;
    qctx_config config;

    (void)state;
    prepare();
    /* Refused before anything is embedded. */
    expect_refusal("refused", SOURCE "[hashing, {model: hashing, field: paragrph}]\n", QCTX_ERR_DATA,
                   "no context has the field 'paragrph'", &error);
    assert_contains(error.hint, "did you mean 'paragraph'?");
    assert_int_equal(test_entries("refused"), 0);

    /* A store says by what it was made. */
    assert_status(open_sources("made", SOURCE "{model: hashing, field: paragraph}\n", &opened, &config, &error),
                  QCTX_OK, &error);
    snprintf(by_field, sizeof by_field, "%s", qctx_store_path(opened.stores[0]));
    close_sources(&opened, &config);
    assert_status(open_sources("made", SOURCE "hashing\n", &opened, &config, &error), QCTX_OK, &error);
    snprintf(by_text, sizeof by_text, "%s", qctx_store_path(opened.stores[0]));
    close_sources(&opened, &config);
    snprintf(data, sizeof data, SOURCE "{model: %s, field: title}\n", by_field);
    expect_refusal("refused", data, QCTX_ERR_MISMATCH, "embedded by their 'paragraph', and data.encoder says 'title'",
                   &error);
    snprintf(data, sizeof data, SOURCE "{model: %s, field: paragraph}\n", by_text);
    expect_refusal("refused", data, QCTX_ERR_MISMATCH, "embedded by their 'title+text', and data.encoder", &error);
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: {model: hashing, field: title}\n", by_field);
    expect_refusal("refused", data, QCTX_ERR_MISMATCH, "but the store", &error);
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: {model: hashing, field: paragraph}\n", by_text);
    expect_refusal("refused", data, QCTX_ERR_MISMATCH, "but the store", &error);

    /* What goes together: the field that it says, and none. */
    snprintf(data, sizeof data, "train: [{store: %s}]\n  encoder: {model: hashing, field: paragraph}\n", by_field);
    assert_status(open_sources("made", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    snprintf(data, sizeof data, SOURCE "{model: %s, field: paragraph}\n", by_field);
    assert_status(open_sources("made", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
    snprintf(data, sizeof data, "train: [{store: %s}]\n", by_field);
    assert_status(open_sources("made", data, &opened, &config, &error), QCTX_OK, &error);
    close_sources(&opened, &config);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fields_of_an_encoder_are_one_block),
    cmocka_unit_test(fields_are_embedded_once),
    cmocka_unit_test(a_field_without_weight_changes_nothing),
    cmocka_unit_test(the_encoder_knows_its_fields),
    cmocka_unit_test(weights_of_fields_are_tuned),
    cmocka_unit_test(what_is_measured_may_lack_a_field),
    cmocka_unit_test(equal_fields_are_encoded_once),
    cmocka_unit_test(refuses_what_cannot_be),
};
TEST_MAIN(tests)
