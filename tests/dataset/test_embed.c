/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/dataset/embed_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/rng.h"

enum { QUESTIONS = 2600, CONTEXTS = 700, ROOM = 3000 };

static qctx_error error;
static const char *const text_field[] = {"text"};
static qctx_question questions[QUESTIONS];
static qctx_context contexts[CONTEXTS];
static char texts[QUESTIONS + CONTEXTS][ROOM];
static char ids[QUESTIONS + CONTEXTS][16];
static int64_t split_questions[] = {0};
static int64_t split_offsets[] = {0, 1};
static int64_t split_contexts[] = {0};
static qctx_split split = {
    .name = "train", .count = 1, .questions = split_questions, .offsets = split_offsets, .contexts = split_contexts};
static qctx_corpus corpus = {.context_count = CONTEXTS,
                             .contexts = contexts,
                             .question_count = QUESTIONS,
                             .questions = questions,
                             .split_count = 1,
                             .splits = &split,
                             .fingerprint = 1,
                             .folder = "made up"};

static bool speaks(void)
{
    return qctx_comm_rank(test_comm) == 0;
}

/* Texts of very different lengths; every third is one that came before, on its own side or on the other. */
static void make_up(void)
{
    for (int i = 0; i < QUESTIONS + CONTEXTS; i++) {
        int length = i % 50 == 7 ? 2900 : 10 + i * 37 % 190;
        size_t used = 0;

        snprintf(ids[i], sizeof ids[i], "r%d", i);
        if (i % 3 == 2)
            strcpy(texts[i], texts[(i * 7919 % i)]);
        else
            while (used < (size_t)length)
                used += (size_t)snprintf(texts[i] + used, ROOM - used, "w%d ", (int)(used * 31 + (size_t)i) % 997);
        if (i < QUESTIONS)
            questions[i] = (qctx_question){ids[i], texts[i]};
        else
            contexts[i - QUESTIONS] = (qctx_context){ids[i], "", texts[i]};
    }
}

static const char *text_of(qctx_side side, int64_t row)
{
    return side == QCTX_QUESTION ? questions[row].text : contexts[row].text;
}

static qctx_encoder *make_encoder(int dim)
{
    const qctx_fit_source source = {&corpus, "none"};
    char settings[32];
    qctx_encoder *encoder;

    snprintf(settings, sizeof settings, "{\"dim\": %d}", dim);
    assert_status(qctx_encoder_create("hashing", settings, &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_embed_fit(test_comm, encoder, &source, 1, false, &error), QCTX_OK, &error);
    return encoder;
}

/* Every text of a side once, longest first, in batches of at most 256 texts and 64 KiB; each row under its text. */
static void plans_each_text_once(void **state)
{
    qctx_embed_batches batches;
    bool seen[2][QUESTIONS] = {{false}};
    int64_t distinct[2] = {0, 0};

    (void)state;
    assert_status(qctx_embed_batches_make(&corpus, text_field, 1, &batches, &error), QCTX_OK, &error);
    for (int64_t b = 0; b < batches.store.count; b++) {
        qctx_side side = batches.store.sides[b];
        int64_t bytes = 0;

        assert_in_range(batches.store.firsts[b + 1] - batches.store.firsts[b], 1, 256);
        assert_true(batches.store.firsts[b + 1] - batches.store.firsts[b] <= batches.longest);
        for (int64_t v = batches.store.firsts[b]; v < batches.store.firsts[b + 1]; v++) {
            size_t length = strlen(batches.texts[v]);

            bytes += length < 2048 ? (int64_t)length : 2048;
            if (v > 0 && (b == 0 || batches.store.sides[b - 1] == side))
                assert_true(strlen(batches.texts[v - 1]) >= length);
            assert_true(batches.store.vector_firsts[v + 1] > batches.store.vector_firsts[v]);
            for (int64_t i = batches.store.vector_firsts[v]; i < batches.store.vector_firsts[v + 1]; i++) {
                int64_t row = batches.store.rows[i];

                assert_false(seen[side][row]);
                seen[side][row] = true;
                assert_string_equal(text_of(side, row), batches.texts[v]);
            }
        }
        assert_true(bytes <= 1 << 16);
    }
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        for (int64_t row = 0; row < (side == 0 ? QUESTIONS : CONTEXTS); row++) {
            bool new = true;

            for (int64_t before = 0; before < row && new; before++)
                new = strcmp(text_of(side, before), text_of(side, row)) != 0;
            distinct[side] += new;
            assert_true(seen[side][row]);
        }
    assert_int_equal(batches.text_count, distinct[0] + distinct[1]);
    assert_int_equal(batches.store.firsts[batches.store.count], batches.text_count);
    qctx_embed_batches_free(&batches);
}

/* All that is missing goes to one rank each, and no rank has more than another by more than one batch. */
static void deals_so_that_ranks_finish_together(void **state)
{
    qctx_embed_batches batches;
    double loads[8], costliest = 0, most, least;
    bool *done;
    int64_t *own;
    int *owners;

    (void)state;
    assert_status(qctx_embed_batches_make(&corpus, text_field, 1, &batches, &error), QCTX_OK, &error);
    done = calloc((size_t)batches.store.count, sizeof *done);
    own = calloc((size_t)batches.store.count, sizeof *own);
    owners = calloc((size_t)batches.store.count, sizeof *owners);
    for (int ranks = 1; ranks <= 8; ranks++) {
        most = 0, least = 1e300;
        memset(owners, 0, (size_t)batches.store.count * sizeof *owners);
        for (int r = 0; r < ranks; r++) {
            int64_t count = qctx_embed_deal(&batches, done, r, ranks, own, &error);

            loads[r] = 0;
            for (int64_t i = 0; i < count; i++) {
                loads[r] += batches.costs[own[i]];
                owners[own[i]]++;
                costliest = batches.costs[own[i]] > costliest ? batches.costs[own[i]] : costliest;
                assert_true(i == 0 || batches.costs[own[i - 1]] >= batches.costs[own[i]]);
            }
            most = loads[r] > most ? loads[r] : most;
            least = loads[r] < least ? loads[r] : least;
        }
        assert_true(most - least <= costliest);
        for (int64_t b = 0; b < batches.store.count; b++)
            assert_int_equal(owners[b], !done[b]);
        done[ranks % batches.store.count] = true;
    }
    free(done);
    free(own);
    free(owners);
    qctx_embed_batches_free(&batches);
}

static char *read_all(const char *path, size_t *bytes)
{
    char *text = NULL;

    assert_status(qctx_file_read(path, &text, bytes, &error), QCTX_OK, &error);
    return text;
}

static void expect_same_bytes(const char *one, const char *other)
{
    size_t bytes, other_bytes;
    char *text = read_all(one, &bytes);
    char *other_text = read_all(other, &other_bytes);

    assert_int_equal(bytes, other_bytes);
    assert_memory_equal(text, other_text, bytes);
    free(text);
    free(other_text);
}

/* Rows are what the encoder makes of each text alone, and the whole file is what one rank writes. */
static void embeds_the_same_on_any_number_of_ranks(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    qctx_encoder *encoder = make_encoder(64);
    const qctx_dtype dtypes[] = {QCTX_FLOAT32, QCTX_FLOAT16};
    float row[64], expected[64];
    char own_name[32];
    qctx_store *store;

    (void)state;
    snprintf(own_name, sizeof own_name, "alone-%d.h5", qctx_comm_rank(test_comm));
    for (int k = 0; k < 2; k++) {
        assert_status(qctx_embed_corpus(test_comm,
                                        &(qctx_embed_request){.corpus = &corpus,
                                                              .encoder = encoder,
                                                              .dtype = dtypes[k],
                                                              .path = test_path("all.h5"),
                                                              .force = true},
                                        &error),
                      QCTX_OK, &error);
        assert_status(qctx_embed_corpus(alone,
                                        &(qctx_embed_request){.corpus = &corpus,
                                                              .encoder = encoder,
                                                              .dtype = dtypes[k],
                                                              .path = test_path(own_name),
                                                              .force = true},
                                        &error),
                      QCTX_OK, &error);
        expect_same_bytes(test_path("all.h5"), test_path(own_name));
        qctx_comm_barrier(test_comm);
    }
    assert_status(qctx_embed_corpus(test_comm,
                                    &(qctx_embed_request){.corpus = &corpus,
                                                          .encoder = encoder,
                                                          .dtype = QCTX_FLOAT32,
                                                          .path = test_path("all.h5"),
                                                          .force = true},
                                    &error),
                  QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("all.h5"), &store, &error), QCTX_OK, &error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        for (int64_t i = 0; i < (side == 0 ? QUESTIONS : CONTEXTS); i++) {
            const char *text = text_of(side, i);

            assert_status(qctx_encoder_encode(encoder, side, &text, 1, expected, &error), QCTX_OK, &error);
            qctx_store_gather(store, side, &i, 1, row);
            assert_memory_equal(row, expected, sizeof row);
        }
    qctx_store_close(store);
    qctx_encoder_destroy(encoder);
    qctx_comm_close_group(alone);
}

/* Fewer batches than ranks: a question and a context. */
static void embeds_tiny_corpora(void **state)
{
    qctx_encoder *encoder = make_encoder(16);
    qctx_corpus tiny = corpus;
    qctx_store *store;

    (void)state;
    tiny.question_count = tiny.context_count = 1;
    assert_status(
        qctx_embed_corpus(test_comm,
                          &(qctx_embed_request){
                              .corpus = &tiny, .encoder = encoder, .dtype = QCTX_FLOAT32, .path = test_path("tiny.h5")},
                          &error),
        QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("tiny.h5"), &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_count(store, QCTX_CONTEXT), 1);
    qctx_store_close(store);
    assert_status(
        qctx_embed_corpus(test_comm,
                          &(qctx_embed_request){
                              .corpus = &tiny, .encoder = encoder, .dtype = QCTX_FLOAT32, .path = test_path("tiny.h5")},
                          &error),
        QCTX_ERR_EXISTS, &error);
    qctx_encoder_destroy(encoder);
}

/* Leaves the partial store of a job that was stopped after a random part of its batches. */
static void leave_partial(const char *path, qctx_encoder *encoder, uint64_t seed)
{
    char *settings = NULL;
    void *table = NULL;
    size_t bytes = 0;
    char *fingerprint = qctx_encoder_fingerprint(encoder, &error);
    qctx_store_writer *writer = NULL;
    float *vectors;
    qctx_embed_batches batches;
    qctx_store_description what;

    assert_status(qctx_encoder_save(encoder, &settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_status(qctx_embed_batches_make(&corpus, text_field, 1, &batches, &error), QCTX_OK, &error);
    what = (qctx_store_description){&corpus,
                                    QCTX_FLOAT32,
                                    qctx_encoder_dim(encoder),
                                    qctx_encoder_name(encoder),
                                    fingerprint,
                                    settings,
                                    table,
                                    bytes,
                                    false,
                                    0,
                                    NULL};
    vectors = calloc((size_t)(batches.longest * what.dim), sizeof *vectors);
    assert_status(qctx_store_writer_open(test_comm, path, true, &what, &batches.store, &writer, &error), QCTX_OK,
                  &error);
    for (int64_t b = qctx_comm_rank(test_comm); b < batches.store.count; b += qctx_comm_size(test_comm)) {
        int64_t first = batches.store.firsts[b];

        if (qctx_rng_below(2, seed, QCTX_STREAM_BENCH, (uint64_t)b, 0) == 0)
            continue;
        assert_status(qctx_encoder_encode(encoder, batches.store.sides[b], batches.texts + first,
                                          batches.store.firsts[b + 1] - first, vectors, &error),
                      QCTX_OK, &error);
        assert_status(qctx_store_writer_put(writer, b, vectors, &error), QCTX_OK, &error);
    }
    qctx_fail(&error, QCTX_ERR_IO, "stopped");
    assert_status(qctx_store_writer_close(writer, QCTX_ERR_IO, &error), QCTX_ERR_IO, &error);
    qctx_embed_batches_free(&batches);
    free(vectors);
    free(fingerprint);
    free(settings);
    free(table);
}

/* Overwrites some bytes of the partial store and of its journal, anywhere behind their heads. */
static void tear(const char *path, const char *journal, uint64_t seed)
{
    const char *torn[] = {path, journal};
    const char noise[] = "torn";

    for (int k = 0; k < 2; k++) {
        int handle = open(torn[k], O_RDWR);
        int64_t head = k == 0 ? 1 << 16 : 32;
        int64_t size = lseek(handle, 0, SEEK_END);
        /* Of the store, the part that holds questions: texts are behind the vectors. */
        int64_t end = k == 0 ? head + (int64_t)QUESTIONS * 64 : size - 4;

        for (uint64_t i = 0; i < 3; i++)
            assert_int_equal(pwrite(handle, noise, 4,
                                    (off_t)(head + (int64_t)qctx_rng_below((uint64_t)(end - head), seed,
                                                                           QCTX_STREAM_BENCH, i, (uint64_t)k))),
                             4);
        close(handle);
    }
}

static void resumes_to_the_same_bytes(void **state)
{
    qctx_encoder *encoder = make_encoder(64);
    qctx_encoder *other = make_encoder(32);

    (void)state;
    assert_status(qctx_embed_corpus(test_comm,
                                    &(qctx_embed_request){.corpus = &corpus,
                                                          .encoder = encoder,
                                                          .dtype = QCTX_FLOAT32,
                                                          .path = test_path("once.h5"),
                                                          .force = true},
                                    &error),
                  QCTX_OK, &error);
    for (uint64_t seed = 0; seed < 4; seed++) {
        leave_partial(test_path("again.h5"), seed == 3 ? other : encoder, seed);
        if (seed > 0 && speaks())
            tear(test_path("again.h5.partial"), test_path("again.h5.journal"), seed);
        qctx_comm_barrier(test_comm);
        assert_status(qctx_embed_corpus(test_comm,
                                        &(qctx_embed_request){.corpus = &corpus,
                                                              .encoder = encoder,
                                                              .dtype = QCTX_FLOAT32,
                                                              .path = test_path("again.h5"),
                                                              .force = true},
                                        &error),
                      QCTX_OK, &error);
        expect_same_bytes(test_path("once.h5"), test_path("again.h5"));
        assert_false(qctx_path_exists(test_path("again.h5.partial")) ||
                     qctx_path_exists(test_path("again.h5.journal")));
        qctx_comm_barrier(test_comm);
    }
    qctx_encoder_destroy(encoder);
    qctx_encoder_destroy(other);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_each_text_once),
        cmocka_unit_test(deals_so_that_ranks_finish_together),
        cmocka_unit_test(embeds_the_same_on_any_number_of_ranks),
        cmocka_unit_test(embeds_tiny_corpora),
        cmocka_unit_test(resumes_to_the_same_bytes),
    };

    make_up();
    return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
}
