/* ranks: 1 */
/*
 * Tiny models of every architecture against what their own libraries give for the same texts: the folders of
 * tests/fixtures/models, written by tests/originals/make_fixtures.py, or such folders elsewhere ($QCTX_FIXTURES).
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/encoder/encoder.h"
#include "qctx/text/json.h"
#include "qctx/tokenizer/tokenizer.h"
#include "qctx/transformer/transformer.h"
#include "transformer_reference.h"

/* Relative to the norm, for weights of float32, and of float16 or bfloat16. */
#define BOUND      1e-5
#define BOUND_HALF 2e-3

typedef struct {
    const char *name;
    double bound;
} original;

static qctx_error error;

/* A folder opened, with the texts and what the original gave for them. */
typedef struct {
    const original *of;
    char *path;
    json_t *texts, *expected;
    qctx_model_folder folder;
    qctx_tokenizer *tokenizer;
} opened;

static const char *fixtures(void)
{
    const char *folder = getenv("QCTX_FIXTURES");

    return folder != NULL ? folder : "tests/fixtures/models";
}

static json_t *load(const char *folder, const char *name)
{
    json_t *root = NULL;
    char *path = qctx_format(&error, "%s/%s", folder, name);

    assert_status(qctx_json_load_file(path, &root, &error), QCTX_OK, &error);
    free(path);
    return root;
}

static opened open_fixture(const original *of)
{
    opened fixture = {.of = of, .path = qctx_format(&error, "%s/%s", fixtures(), of->name)};

    fixture.texts = load(fixtures(), "texts.json");
    fixture.expected = load(fixture.path, "expected.json");
    assert_status(qctx_model_folder_open(fixture.path, &fixture.folder, &error), QCTX_OK, &error);
    assert_status(qctx_tokenizer_open(fixture.folder.tokenizer,
                                      (qctx_tokenizer_settings){.open_clip = fixture.folder.open_clip_tokenizer,
                                                                .lowercase = fixture.folder.lowercase},
                                      &fixture.tokenizer, &error),
                  QCTX_OK, &error);
    return fixture;
}

static void close_fixture(opened *fixture)
{
    qctx_tokenizer_destroy(fixture->tokenizer);
    qctx_model_folder_close(&fixture->folder);
    json_decref(fixture->texts);
    json_decref(fixture->expected);
    free(fixture->path);
}

static const char *text_of(const opened *fixture, int64_t i)
{
    return json_string_value(json_array_get(fixture->texts, (size_t)i));
}

/* "ids" or "vectors" of a side; contexts stand there only where they differ from questions. */
static const json_t *expected_of(const opened *fixture, qctx_side side, const char *what)
{
    const json_t *rows = json_object_get(fixture->expected, side == QCTX_CONTEXT ? "context" : "question");

    if (rows == NULL)
        rows = json_object_get(fixture->expected, "question");
    rows = json_object_get(rows, what);
    assert_int_equal(json_array_size(rows), json_array_size(fixture->texts));
    return rows;
}

static int64_t compare_ids(const char *text, const json_t *expected, const qctx_ids *ids)
{
    json_t *found = json_array();
    int64_t different;

    for (int64_t i = 0; i < ids->count; i++)
        json_array_append_new(found, json_integer(ids->items[i]));
    different = json_equal(found, expected) ? 0 : 1;
    if (different) {
        char *left = qctx_json_dump(expected, &error), *right = qctx_json_dump(found, &error);

        print_error("'%s'\n  expected %s\n  found    %s\n", text, left, right);
        free(left);
        free(right);
    }
    json_decref(found);
    return different;
}

static void check_ids(const opened *fixture, qctx_side side)
{
    const char *prompt = side == QCTX_CONTEXT ? fixture->folder.context_prompt : fixture->folder.question_prompt;
    const json_t *expected = expected_of(fixture, side, "ids");
    qctx_tokenizer_scratch *scratch;
    qctx_ids ids = {0};
    int64_t different = 0;
    bool truncated;

    assert_status(qctx_tokenizer_scratch_create(fixture->tokenizer, &scratch, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < (int64_t)json_array_size(fixture->texts); i++) {
        char *text = qctx_format(&error, "%s%s", prompt, text_of(fixture, i));

        ids.count = 0;
        assert_status(qctx_tokenizer_encode(fixture->tokenizer, scratch, text, fixture->folder.max_tokens, &ids,
                                            &truncated, &error),
                      QCTX_OK, &error);
        different += compare_ids(text, json_array_get(expected, (size_t)i), &ids);
        free(text);
    }
    free(ids.items);
    qctx_tokenizer_scratch_destroy(scratch);
    assert_int_equal(different, 0);
}

/* The expected ids of all texts of a side as a batch. */
static void fill_batch(const json_t *rows, qctx_token_batch *batch)
{
    int64_t texts = (int64_t)json_array_size(rows), count = 0;
    int64_t *offsets = qctx_alloc(texts + 1, sizeof *offsets, "offsets", &error);
    int32_t *ids;

    for (int64_t i = 0; i < texts; i++)
        offsets[i + 1] = offsets[i] + (int64_t)json_array_size(json_array_get(rows, (size_t)i));
    ids = qctx_alloc(offsets[texts], sizeof *ids, "ids", &error);
    for (int64_t i = 0; i < texts; i++)
        for (size_t j = 0; j < json_array_size(json_array_get(rows, (size_t)i)); j++)
            ids[count++] = (int32_t)json_integer_value(json_array_get(json_array_get(rows, (size_t)i), j));
    *batch = (qctx_token_batch){.texts = texts, .offsets = offsets, .ids = ids};
}

/* Greatest distance of a row, scaled to unit length, from the original's. */
static double worst_row(const opened *fixture, const json_t *expected, const double *rows, int64_t dim)
{
    double worst = 0.0;

    for (int64_t i = 0; i < (int64_t)json_array_size(expected); i++) {
        const json_t *row = json_array_get(expected, (size_t)i);
        double norm = 0.0, distance = 0.0;

        assert_int_equal(json_array_size(row), dim);
        for (int64_t j = 0; j < dim; j++)
            norm += rows[i * dim + j] * rows[i * dim + j];
        for (int64_t j = 0; j < dim; j++) {
            double off = rows[i * dim + j] / sqrt(norm) - json_number_value(json_array_get(row, (size_t)j));

            distance += off * off;
        }
        /* Written so that a NaN fails. */
        if (!(sqrt(distance) <= fixture->of->bound))
            print_error("off by %.3g: '%s'\n", sqrt(distance), text_of(fixture, i));
        if (!(sqrt(distance) <= worst))
            worst = sqrt(distance);
    }
    return worst;
}

static void check_rows(const opened *fixture, const char *what, qctx_side side, const double *rows, int64_t dim)
{
    double worst = worst_row(fixture, expected_of(fixture, side, "vectors"), rows, dim);

    printf("%-22s %-9s %-8s off by %.1e at most\n", fixture->of->name, what,
           side == QCTX_CONTEXT ? "contexts" : "questions", worst);
    assert_true(worst <= fixture->of->bound);
}

static double *widened(const float *rows, int64_t count)
{
    double *wide = qctx_alloc(count, sizeof *wide, "rows", &error);

    for (int64_t i = 0; i < count; i++)
        wide[i] = rows[i];
    return wide;
}

static void check_reference(const opened *fixture, int64_t dim)
{
    qctx_token_batch batch;
    double *rows;

    fill_batch(expected_of(fixture, QCTX_QUESTION, "ids"), &batch);
    rows = qctx_alloc(batch.texts * dim, sizeof *rows, "rows", &error);
    assert_status(transformer_reference(&fixture->folder, 0, &batch, rows, &error), QCTX_OK, &error);
    check_rows(fixture, "reference", QCTX_QUESTION, rows, dim);
    free(rows);
    free((void *)batch.offsets);
    free((void *)batch.ids);
}

static void check_encoder(const opened *fixture, qctx_encoder *encoder, qctx_side side)
{
    int64_t count = (int64_t)json_array_size(fixture->texts), dim = qctx_encoder_dim(encoder);
    const char **texts = qctx_alloc(count, sizeof *texts, "texts", &error);
    float *rows = qctx_alloc(count * dim, sizeof *rows, "rows", &error);
    double *wide;

    for (int64_t i = 0; i < count; i++)
        texts[i] = text_of(fixture, i);
    assert_status(qctx_encoder_encode(encoder, side, texts, count, rows, &error), QCTX_OK, &error);
    wide = widened(rows, count * dim);
    check_rows(fixture, "encoder", side, wide, dim);
    free(wide);
    free(rows);
    free(texts);
}

static void test_folder_gives_what_its_library_gives(void **state)
{
    opened fixture = open_fixture(*state);
    char *settings = qctx_format(&error, "{\"model\":\"%s\"}", fixture.path);
    const json_t *prompts = json_object_get(fixture.expected, "prompts");
    qctx_encoder *encoder;

    assert_int_equal(fixture.folder.max_tokens, json_integer_value(json_object_get(fixture.expected, "max_tokens")));
    assert_string_equal(fixture.folder.question_prompt, json_string_value(json_object_get(prompts, "question")));
    assert_string_equal(fixture.folder.context_prompt, json_string_value(json_object_get(prompts, "context")));
    check_ids(&fixture, QCTX_QUESTION);
    check_ids(&fixture, QCTX_CONTEXT);
    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), QCTX_OK, &error);
    check_reference(&fixture, qctx_encoder_dim(encoder));
    check_encoder(&fixture, encoder, QCTX_QUESTION);
    check_encoder(&fixture, encoder, QCTX_CONTEXT);
    qctx_encoder_destroy(encoder);
    free(settings);
    close_fixture(&fixture);
}

static const original bert_vocab_txt = {"bert_vocab_txt", BOUND};
static const original bert_mean = {"bert_mean", BOUND_HALF};
static const original bert_cls_dense = {"bert_cls_dense", BOUND_HALF};
static const original bert_cased_sharded = {"bert_cased_sharded", BOUND_HALF};
static const original bert_joined = {"bert_joined", BOUND_HALF};
static const original bert_lowercase = {"bert_lowercase", BOUND_HALF};
static const original bert_keeps_end = {"bert_keeps_end", BOUND_HALF};
static const original distilbert_mean = {"distilbert_mean", BOUND};
static const original roberta_merges = {"roberta_merges", BOUND};
static const original roberta_max_last = {"roberta_max_last", BOUND_HALF};
static const original mpnet_mean = {"mpnet_mean", BOUND};
static const original clip_text_projection = {"clip_text_projection", BOUND};
static const original clip_whole = {"clip_whole", BOUND_HALF};
static const original open_clip_plain = {"open_clip_plain", BOUND_HALF};
static const original open_clip_custom = {"open_clip_custom", BOUND_HALF};

#define ORIGINAL(of)                                                                                                   \
    {                                                                                                                  \
#of " gives what its library gives", test_folder_gives_what_its_library_gives, NULL, NULL, (void *)&(of)       \
    }

static const struct CMUnitTest tests[] = {
    ORIGINAL(bert_vocab_txt),  ORIGINAL(bert_mean),        ORIGINAL(bert_cls_dense),       ORIGINAL(bert_cased_sharded),
    ORIGINAL(bert_joined),     ORIGINAL(bert_lowercase),   ORIGINAL(bert_keeps_end),       ORIGINAL(distilbert_mean),
    ORIGINAL(roberta_merges),  ORIGINAL(roberta_max_last), ORIGINAL(mpnet_mean),           ORIGINAL(clip_whole),
    ORIGINAL(open_clip_plain), ORIGINAL(open_clip_custom), ORIGINAL(clip_text_projection),
};
TEST_MAIN(tests)
