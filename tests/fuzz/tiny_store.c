#include "tiny_store.h"

#include <stdlib.h>

#include "harness.h"
#include "qctx/encoder/encoder.h"
#include "use.h"

enum { QUESTIONS = 4, CONTEXTS = 5, VECTORS = QUESTIONS + CONTEXTS, BATCHES = 4, DIM = 64 };

static qctx_context contexts[CONTEXTS] = {{"c0", "Mill", "The mill was built by Ana."},
                                          {"c1", "Mill", "It was built in 1800."},
                                          {"c2", "", "The lake is 40 m deep."},
                                          {"q3", "Town", "Town"},
                                          {"c4", "Caf\xc3\xa9", "Nobody knows why \xf0\x9f\x98\x80."}};
static qctx_question questions[QUESTIONS] = {
    {"q0", "who built it?"}, {"q1", "when?"}, {"q2", "how deep?"}, {"q3", "why?"}};
static int64_t train_questions[] = {0, 1, 3}, dev_questions[] = {2};
static int64_t train_offsets[] = {0, 1, 3, 5}, dev_offsets[] = {0, 1};
static int64_t train_contexts[] = {0, 0, 1, QCTX_ABSENT, 4}, dev_contexts[] = {2};
static float train_grades[] = {1, 2, 0.5f, 1, 1};
static qctx_split splits[] = {
    {.name = "dev", .count = 1, .questions = dev_questions, .offsets = dev_offsets, .contexts = dev_contexts},
    {.name = "train",
     .count = 3,
     .questions = train_questions,
     .offsets = train_offsets,
     .contexts = train_contexts,
     .grades = train_grades}};
static qctx_corpus corpus = {.context_count = CONTEXTS,
                             .contexts = contexts,
                             .question_count = QUESTIONS,
                             .questions = questions,
                             .split_count = 2,
                             .splits = splits,
                             .fingerprint = 77,
                             .folder = "tiny"};
static const int64_t firsts[BATCHES + 1] = {0, 2, 4, 7, 9};
static const qctx_side sides[BATCHES] = {QCTX_QUESTION, QCTX_QUESTION, QCTX_CONTEXT, QCTX_CONTEXT};
static const int64_t vector_firsts[VECTORS + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const int64_t rows[VECTORS] = {3, 2, 1, 0, 0, 1, 2, 3, 4};
static const qctx_store_batches batches = {BATCHES, firsts, sides, vector_firsts, rows};

static qctx_encoder *encoder_of_contexts(void)
{
    static qctx_encoder *encoder;
    const char *texts[CONTEXTS];
    qctx_error error;

    for (int i = 0; i < CONTEXTS; i++)
        texts[i] = contexts[i].text;
    if (encoder == NULL) {
        assert_status(qctx_encoder_create("hashing", "{\"dim\": 64}", &encoder, &error), QCTX_OK, &error);
        assert_status(qctx_encoder_fit(encoder, fuzz_alone, texts, CONTEXTS, &error), QCTX_OK, &error);
    }
    return encoder;
}

const qctx_store_description *tiny_store_description(void)
{
    static qctx_store_description description;
    char *settings, *fingerprint;
    void *table;
    qctx_error error;

    if (description.corpus != NULL)
        return &description;
    description = (qctx_store_description){.corpus = &corpus, .dim = DIM, .encoder = "hashing", .titles = true};
    assert_status(qctx_encoder_save(encoder_of_contexts(), &settings, &table, &description.encoder_table_bytes, &error),
                  QCTX_OK, &error);
    fingerprint = qctx_encoder_fingerprint(encoder_of_contexts(), &error);
    assert_non_null(fingerprint);
    description.encoder_settings = settings;
    description.encoder_table = table;
    description.encoder_fingerprint = fingerprint;
    return &description;
}

const qctx_store_batches *tiny_store_batches(void)
{
    return &batches;
}

static qctx_status put(qctx_store_writer *writer, int64_t batch, qctx_error *error)
{
    const int64_t count = firsts[batch + 1] - firsts[batch];
    const char *texts[VECTORS];
    float vectors[VECTORS * DIM];
    qctx_status status;

    for (int64_t v = 0; v < count; v++) {
        int64_t row = rows[firsts[batch] + v];

        texts[v] = sides[batch] == QCTX_QUESTION ? questions[row].text : contexts[row].text;
    }
    status = qctx_encoder_encode(encoder_of_contexts(), sides[batch], texts, count, vectors, error);
    return status == QCTX_OK ? qctx_store_writer_put(writer, batch, vectors, error) : status;
}

qctx_status tiny_store_put(qctx_store_writer *writer, unsigned wanted, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t b = 0; b < BATCHES && status == QCTX_OK; b++)
        if (!qctx_store_writer_done(writer)[b] && (wanted >> b & 1))
            status = put(writer, b, error);
    return status;
}

static void write(const char *path, unsigned wanted, qctx_status end)
{
    qctx_store_writer *writer;
    qctx_error error;

    assert_status(
        qctx_store_writer_open(fuzz_alone, path, true, tiny_store_description(), tiny_store_batches(), &writer, &error),
        QCTX_OK, &error);
    assert_status(tiny_store_put(writer, wanted, &error), QCTX_OK, &error);
    if (end != QCTX_OK)
        qctx_fail(&error, end, "stopped");
    assert_status(qctx_store_writer_close(writer, end, &error), end, &error);
}

void tiny_store_write(const char *path)
{
    write(path, ~0u, QCTX_OK);
}

void tiny_store_write_partial(const char *path, unsigned wanted)
{
    write(path, wanted, QCTX_ERR_IO);
}
