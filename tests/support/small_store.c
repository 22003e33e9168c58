#include "small_store.h"

#include "qctx/store/store_writer.h"

static void small_name(int64_t i, char *name)
{
    snprintf(name, 8, "%c%c%c%c", (int)('b' + i % 7), (int)('a' + i / 7 % 11), (int)('k' + i / 77 % 10), 'o');
}

static void small_texts(small_store *small)
{
    char name[8];
    int64_t used = 0;

    for (int64_t i = 0; i < SMALL_CONTEXTS; i++) {
        small_name(i, name);
        snprintf(small->text[i], sizeof small->text[i], "The lamp called %s burns near gate %d.", name, (int)(i % 10));
        snprintf(small->title[i], sizeof small->title[i], "Lamp %s", name);
        snprintf(small->context_id[i], sizeof small->context_id[i], "c%d", (int)i);
        small->texts[i] = small->text[i];
        small->contexts[i] = (qctx_context){small->context_id[i], small->title[i], small->text[i]};
    }
    for (int64_t i = 0; i < SMALL_QUESTIONS; i++) {
        small_name(i, name);
        snprintf(small->question[i], sizeof small->question[i], "near which gate does %s burn?", name);
        snprintf(small->question_id[i], sizeof small->question_id[i], "q%d", (int)i);
        small->questions[i] = (qctx_question){small->question_id[i], small->question[i]};
        small->rows[i] = i;
        small->answers[used++] = i;
        if (i % 2 == 0)
            small->answers[used++] = i + 1;
        small->offsets[i + 1] = used;
    }
    small->split = (qctx_split){.name = "dev",
                                .count = SMALL_QUESTIONS,
                                .questions = small->rows,
                                .offsets = small->offsets,
                                .contexts = small->answers};
    small->corpus = (qctx_corpus){.context_count = SMALL_CONTEXTS,
                                  .contexts = small->contexts,
                                  .question_count = SMALL_QUESTIONS,
                                  .questions = small->questions,
                                  .split_count = 1,
                                  .splits = &small->split,
                                  .fingerprint = 1,
                                  .folder = "small"};
}

static qctx_status small_fill(void *context, qctx_side side, int64_t first, int64_t count, float *rows,
                              qctx_error *error)
{
    const small_store *small = context;
    const char *texts[SMALL_CONTEXTS];

    for (int64_t i = 0; i < count; i++)
        texts[i] = side == QCTX_QUESTION ? small->question[first + i] : small->text[first + i];
    return qctx_encoder_encode(small->encoder, side, texts, count, rows, error);
}

small_store *small_open(void)
{
    static qctx_error error;
    small_store *small = calloc(1, sizeof *small);
    char *settings = NULL, *fingerprint = NULL;
    void *table = NULL;
    size_t bytes = 0;
    qctx_store_description description;

    assert_non_null(small);
    small_texts(small);
    assert_status(qctx_encoder_create("hashing", "{\"dim\": 256}", &small->encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_fit(small->encoder, test_comm, small->texts, SMALL_CONTEXTS, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_save(small->encoder, &settings, &table, &bytes, &error), QCTX_OK, &error);
    fingerprint = qctx_encoder_fingerprint(small->encoder, &error);
    description = (qctx_store_description){&small->corpus, QCTX_FLOAT32, SMALL_DIM, "hashing", fingerprint, settings,
                                           table,          bytes,        false,     0,         NULL};
    assert_status(qctx_store_write(test_comm, test_path("small.h5"), true, &description, small_fill, small, &error),
                  QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("small.h5"), &small->store, &error), QCTX_OK, &error);
    free(settings);
    free(fingerprint);
    free(table);
    return small;
}

void small_close(small_store *small)
{
    qctx_store_close(small->store);
    qctx_encoder_destroy(small->encoder);
    free(small);
}
