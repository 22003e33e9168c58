/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include "h5_edit.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/half.h"
#include "qctx/base/hash.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/h5.h"
#include "qctx/store/store.h"
#include "qctx/store/store_writer.h"

enum { QUESTIONS = 7, CONTEXTS = 5, DIM = 3 };

/*
 * Bytes that a full disk still lets us write: HDF5 writes the header anew when it closes a file, over blocks that are
 * the file's already, which a full disk does not prevent. Before it stands the store's head. The vectors lie beyond.
 */
enum { ROOM_FOR_HEADER = 4096 + 1024 };

static qctx_error error;

/* A corpus in memory: questions 0 … 6, contexts 0 … 4 of which 1 and 3 have one text and 0 and 1 one title. */
static qctx_context contexts[CONTEXTS] = {{"c0", "Paris", "the tower"},
                                          {"c1", "Paris", "same"},
                                          {"c2", "", "grüße → 東京"},
                                          {"c3", "", "same"},
                                          {"c4", "Rome", "the forum"}};
static qctx_question questions[QUESTIONS] = {{"q0", "who"},  {"q1", "what"}, {"q2", "where"}, {"q3", "when"},
                                             {"q4", "how?"}, {"q5", "why"},  {"q6", "which"}};
static int64_t dev_questions[] = {6};
static int64_t dev_offsets[] = {0, 1};
static int64_t dev_contexts[] = {4};
static int64_t train_questions[] = {0, 1, 5};
static int64_t train_offsets[] = {0, 2, 3, 6};
static int64_t train_contexts[] = {0, 3, 1, 0, 2, 4};
static qctx_split splits[] = {
    {.name = "dev", .count = 1, .questions = dev_questions, .offsets = dev_offsets, .contexts = dev_contexts},
    {.name = "train", .count = 3, .questions = train_questions, .offsets = train_offsets, .contexts = train_contexts}};
static qctx_corpus corpus = {.context_count = CONTEXTS,
                             .contexts = contexts,
                             .question_count = QUESTIONS,
                             .questions = questions,
                             .split_count = 2,
                             .splits = splits,
                             .fingerprint = 0x123456789abcdef0u,
                             .folder = "made up"};

static qctx_store_description description(qctx_dtype dtype)
{
    qctx_store_description value = {&corpus, dtype, DIM, "toy", "toy-0123456789abcdef", "{\"dim\":3}", "table",
                                    5,       false, 0,   NULL};

    return value;
}

static float element(qctx_side side, int64_t row, int64_t column)
{
    return (float)(sin((double)(side * 1000 + row * 10 + column)) + 0.01);
}

/* Which element the filler spoils, and how. */
typedef struct {
    qctx_side side;
    int64_t row;
    float value;
    bool whole_row;
    qctx_status fails;
    bool disk_full; /* from here on, for this rank */
} spoil;

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static qctx_status fill(void *context, qctx_side side, int64_t first, int64_t count, float *rows, qctx_error *out)
{
    const spoil *bad = context;

    if (bad != NULL && bad->disk_full)
        limit_file_size(ROOM_FOR_HEADER);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < DIM; j++) {
            bool spoilt = bad != NULL && bad->side == side && bad->row == first + i && (j == 1 || bad->whole_row);

            if (spoilt && bad->fails != QCTX_OK)
                return qctx_fail(out, bad->fails, "row %lld cannot be made", (long long)bad->row);
            rows[i * DIM + j] = spoilt ? bad->value : element(side, first + i, j);
        }
    return QCTX_OK;
}

static qctx_status write_store(const char *path, qctx_dtype dtype, spoil *bad)
{
    qctx_store_description what = description(dtype);

    return qctx_store_write(test_comm, path, true, &what, fill, bad, &error);
}

static bool speaks(void)
{
    return qctx_comm_rank(test_comm) == 0;
}

static void check_texts(qctx_store *store)
{
    const int64_t rows[] = {4, 2, 2, 0};
    char *texts[4];

    assert_status(qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TEXT, rows, 4, texts, &error), QCTX_OK, &error);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(texts[i], contexts[rows[i]].text);
        free(texts[i]);
    }
    assert_status(qctx_store_texts(store, QCTX_QUESTION, QCTX_FIELD_ID, rows, 1, texts, &error), QCTX_OK, &error);
    assert_string_equal(texts[0], "q4");
    free(texts[0]);
    assert_status(qctx_store_texts(store, QCTX_QUESTION, QCTX_FIELD_TITLE, rows, 1, texts, &error), QCTX_OK, &error);
    assert_string_equal(texts[0], "");
    free(texts[0]);
}

static void check_splits(const qctx_store *store)
{
    const qctx_split *train;

    assert_int_equal(qctx_store_split_count(store), 2);
    assert_string_equal(qctx_store_split_at(store, 0)->name, "dev");
    train = qctx_store_split(store, "train", &error);
    assert_non_null(train);
    assert_int_equal(train->count, 3);
    assert_memory_equal(train->questions, train_questions, sizeof train_questions);
    assert_memory_equal(train->offsets, train_offsets, sizeof train_offsets);
    /* The third question's contexts come back sorted. */
    assert_memory_equal(train->contexts, ((int64_t[]){0, 3, 1, 0, 2, 4}), sizeof train_contexts);
    assert_null(qctx_store_split(store, "tran", &error));
    assert_contains(error.message, "there is no split 'tran'; it has dev, train");
    assert_contains(error.hint, "train");
}

static void check_groups(qctx_store *store)
{
    uint64_t content[CONTEXTS], groups[CONTEXTS];

    assert_status(qctx_store_content(store, QCTX_CONTEXT, content, &error), QCTX_OK, &error);
    assert_status(qctx_store_groups(store, groups, &error), QCTX_OK, &error);
    for (int i = 0; i < CONTEXTS; i++)
        for (int j = 0; j < CONTEXTS; j++) {
            bool same_title = contexts[i].title[0] != '\0' && strcmp(contexts[i].title, contexts[j].title) == 0;

            assert_int_equal(content[i] == content[j], strcmp(contexts[i].text, contexts[j].text) == 0);
            assert_int_equal(groups[i] == groups[j], i == j || same_title); /* context 3 has no title, context 1 one */
        }
}

static void round_trip(qctx_dtype dtype)
{
    const char *path = test_path(dtype == QCTX_FLOAT16 ? "half.h5" : "float.h5");
    const int64_t some[] = {6, 0, 3};
    float rows[QUESTIONS * DIM];
    uint64_t checksum = 0;
    void *table;
    size_t table_bytes;
    qctx_store *store;

    assert_status(write_store(path, dtype, NULL), QCTX_OK, &error);
    assert_false(qctx_path_exists(test_path(dtype == QCTX_FLOAT16 ? "half.h5.partial" : "float.h5.partial")));
    assert_true(qctx_store_is(path));
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_dim(store), DIM);
    assert_int_equal(qctx_store_count(store, QCTX_QUESTION), QUESTIONS);
    assert_int_equal(qctx_store_count(store, QCTX_CONTEXT), CONTEXTS);
    assert_int_equal(qctx_store_dtype(store), dtype);
    assert_string_equal(qctx_store_encoder(store), "toy");
    assert_string_equal(qctx_store_encoder_fingerprint(store), "toy-0123456789abcdef");
    assert_string_equal(qctx_store_encoder_settings(store), "{\"dim\":3}");
    assert_true(qctx_store_corpus_fingerprint(store) == 0x123456789abcdef0u);
    assert_false(qctx_store_unit_length(store));
    assert_status(qctx_store_encoder_table(store, &table, &table_bytes, &error), QCTX_OK, &error);
    assert_int_equal(table_bytes, 5);
    assert_memory_equal(table, "table", 5);
    free(table);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        int64_t count = qctx_store_count(store, side);

        assert_status(qctx_store_read(store, side, 0, count, rows, &error), QCTX_OK, &error);
        for (int64_t i = 0; i < count; i++) {
            float expected[DIM];
            uint16_t halves[DIM];

            for (int64_t j = 0; j < DIM; j++)
                expected[j] = element(side, i, j);
            qctx_half_from_float(expected, DIM, halves);
            if (dtype == QCTX_FLOAT16)
                qctx_half_to_float(halves, DIM, expected);
            assert_memory_equal(rows + i * DIM, expected, sizeof expected);
            checksum += dtype == QCTX_FLOAT16 ? qctx_hash(halves, sizeof halves, (uint64_t)i * 2 + (uint64_t)side)
                                              : qctx_hash(expected, sizeof expected, (uint64_t)i * 2 + (uint64_t)side);
        }
    }
    assert_true(qctx_store_checksum(store) == checksum);
    qctx_store_gather(store, QCTX_QUESTION, some, 3, rows);
    for (int i = 0; i < 3; i++)
        assert_close(rows[i * DIM + 2], element(QCTX_QUESTION, some[i], 2), 1e-3);
    assert_status(qctx_store_read(store, QCTX_CONTEXT, 3, 3, rows, &error), QCTX_ERR_IO, &error);
    check_texts(store);
    check_splits(store);
    check_groups(store);
    qctx_store_close(store);
}

static void returns_what_was_written(void **state)
{
    (void)state;
    round_trip(QCTX_FLOAT32);
    round_trip(QCTX_FLOAT16);
}

static void refuses_bad_rows_when_writing(void **state)
{
    const struct {
        spoil bad;
        qctx_dtype dtype;
        const char *message;
        qctx_status status;
    } cases[] = {
        {{QCTX_CONTEXT, 4, NAN, false, QCTX_OK, false},
         QCTX_FLOAT32,
         "bad.h5: contexts/vectors: row 4 (id c4) holds nan; expected finite values",
         QCTX_ERR_DATA},
        {{QCTX_QUESTION, 6, INFINITY, false, QCTX_OK, false},
         QCTX_FLOAT32,
         "questions/vectors: row 6 (id q6) holds infinity",
         QCTX_ERR_DATA},
        {{QCTX_QUESTION, 0, 1e6f, false, QCTX_OK, false},
         QCTX_FLOAT16,
         "questions/vectors: row 0 (id q0) holds infinity",
         QCTX_ERR_DATA},
        {{QCTX_CONTEXT, 1, 0, true, QCTX_OK, false},
         QCTX_FLOAT32,
         "contexts/vectors: row 1 (id c1) is zero",
         QCTX_ERR_DATA},
        {{QCTX_CONTEXT, 2, 0, false, QCTX_ERR_MEMORY, false}, QCTX_FLOAT32, "row 2 cannot be made", QCTX_ERR_MEMORY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spoil bad = cases[i].bad;

        assert_status(write_store(test_path("bad.h5"), cases[i].dtype, &bad), cases[i].status, &error);
        assert_contains(error.message, cases[i].message);
        qctx_comm_barrier(test_comm);
        assert_false(qctx_path_exists(test_path("bad.h5")));
        /* What is wrong with the data stays wrong; a lack of memory may pass. */
        assert_int_equal(qctx_path_exists(test_path("bad.h5.partial")), cases[i].status == QCTX_ERR_MEMORY);
        assert_int_equal(qctx_path_exists(test_path("bad.h5.journal")), cases[i].status == QCTX_ERR_MEMORY);
        qctx_comm_barrier(test_comm);
    }
}

static void keeps_what_exists_unless_forced(void **state)
{
    qctx_store_description what = description(QCTX_FLOAT32);
    const char *path = test_path("deep/er/kept.h5");
    qctx_store *store;

    (void)state;
    assert_status(write_store(path, QCTX_FLOAT32, NULL), QCTX_OK, &error);
    assert_status(qctx_store_write(test_comm, path, false, &what, fill, NULL, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.hint, "--force");
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
    qctx_store_close(store);
    assert_status(qctx_store_write(test_comm, test_folder(), true, &what, fill, NULL, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "it is a folder");
    assert_status(qctx_store_write(test_comm, test_path("deep/er/kept.h5/x.h5"), true, &what, fill, NULL, &error),
                  QCTX_ERR_IO, &error);
}

/* A limit on the size of files stands for the full disk; at every stage nothing stays behind. */
static void leaves_nothing_on_a_full_disk(void **state)
{
    qctx_status status;
    qctx_store *store;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; bytes <= 8192; bytes += 1024) {
        limit_file_size(bytes);
        status = write_store(test_path("full.h5"), QCTX_FLOAT32, NULL);
        limit_file_size(RLIM_INFINITY);
        assert_status(status, QCTX_ERR_IO, &error);
        assert_contains(error.message, "File too large");
        qctx_comm_barrier(test_comm);
        assert_false(qctx_path_exists(test_path("full.h5")) || qctx_path_exists(test_path("full.h5.partial")) ||
                     qctx_path_exists(test_path("full.h5.journal")));
        qctx_comm_barrier(test_comm);
    }
    assert_status(write_store(test_path("full.h5"), QCTX_FLOAT32, NULL), QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("full.h5"), &store, &error), QCTX_OK, &error);
    qctx_store_close(store);
}

/* The disk is full for the last rank alone, which writes its rows by itself; once there is room, the rest is written.
 */
static void agrees_when_one_rank_cannot_write(void **state)
{
    bool last = qctx_comm_rank(test_comm) == qctx_comm_size(test_comm) - 1;
    spoil full = {.row = -1, .disk_full = last};
    qctx_status status;
    qctx_store *store;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    status = write_store(test_path("partly.h5"), QCTX_FLOAT32, &full);
    limit_file_size(RLIM_INFINITY);
    assert_status(status, QCTX_ERR_IO, &error);
    assert_contains(error.message, "partly.h5.partial: cannot write");
    qctx_comm_barrier(test_comm);
    assert_false(qctx_path_exists(test_path("partly.h5")));
    assert_true(qctx_path_exists(test_path("partly.h5.partial")) && qctx_path_exists(test_path("partly.h5.journal")));
    qctx_comm_barrier(test_comm);
    assert_status(write_store(test_path("partly.h5"), QCTX_FLOAT32, NULL), QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path("partly.h5"), &store, &error), QCTX_OK, &error);
    qctx_store_close(store);
    assert_false(qctx_path_exists(test_path("partly.h5.partial")) || qctx_path_exists(test_path("partly.h5.journal")));
}

/* Expects the same failure on all ranks. */
static void expect_refusal(const char *path, qctx_status expected, const char *message)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open(test_comm, path, &store, &error);

    assert_status(status, expected, &error);
    assert_contains(error.message, message);
    assert_null(store);
    assert_true(qctx_comm_same(test_comm, qctx_hash(error.message, strlen(error.message), 0)));
}

static void refuses_what_is_no_store(void **state)
{
    char *bytes = NULL;
    size_t count = 0;
    const char *path = test_path("whole.h5");
    int64_t offset;
    qctx_h5_shape shape;
    qctx_h5 *file;

    (void)state;
    expect_refusal(test_path("absent.h5"), QCTX_ERR_IO, "No such file");
    expect_refusal(test_folder(), QCTX_ERR_IO, "it is a folder");
    test_write(test_path("text.h5"), "these are not vectors\n");
    expect_refusal(test_path("text.h5"), QCTX_ERR_FORMAT, "text.h5: not a readable HDF5 file");
    assert_false(qctx_store_is(test_path("text.h5")) || qctx_store_is(test_folder()));

    assert_status(write_store(path, QCTX_FLOAT32, NULL), QCTX_OK, &error);
    assert_status(qctx_file_read(path, &bytes, &count, &error), QCTX_OK, &error);
    assert_status(qctx_h5_open(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, "contexts/vectors", &shape, &error), QCTX_OK, &error);
    offset = shape.file_offset;
    qctx_h5_close(file, NULL);
    if (speaks()) {
        assert_int_equal(qctx_file_write(test_path("torn.h5"), bytes, count * 2 / 3, &error), QCTX_OK);
        bytes[offset + 4 * DIM] ^= 1;
        assert_int_equal(qctx_file_write(test_path("flipped.h5"), bytes, count, &error), QCTX_OK);
    }
    qctx_comm_barrier(test_comm);
    free(bytes);
    expect_refusal(test_path("torn.h5"), QCTX_ERR_FORMAT, "truncated");
    expect_refusal(test_path("flipped.h5"), QCTX_ERR_MISMATCH, "flipped.h5: the vectors have checksum");
}

static void agrees_when_one_rank_sees_another_file(void **state)
{
    bool odd = qctx_comm_rank(test_comm) == 1;
    qctx_store *store = NULL;

    (void)state;
    if (qctx_comm_size(test_comm) == 1)
        return;
    assert_status(write_store(test_path("one.h5"), QCTX_FLOAT32, NULL), QCTX_OK, &error);
    assert_status(write_store(test_path("two.h5"), QCTX_FLOAT16, NULL), QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path(odd ? "two.h5" : "one.h5"), &store, &error), QCTX_ERR_MISMATCH,
                  &error);
    assert_contains(error.message, "the ranks see different files");
    assert_status(qctx_store_open(test_comm, test_path(odd ? "none.h5" : "one.h5"), &store, &error), QCTX_ERR_IO,
                  &error);
    assert_contains(error.message, "none.h5");
    assert_null(store);
}

/* A small store as someone else would write it, with one thing wrong. */
typedef struct {
    int64_t question_dim, context_dim;
    const char *leave_out;
    float spoilt; /* of context row 17, element 0 */
    bool zero;    /* all of context row 17 */
    int64_t offsets[4], contexts[3], questions[3];
    int64_t offset_count, version, dim;
    const char *schema, *checksum;
} foreign;

static const foreign sound = {.question_dim = 2,
                              .context_dim = 2,
                              .leave_out = "",
                              .spoilt = 1,
                              .offsets = {0, 1, 2, 3},
                              .contexts = {17, 0, 19},
                              .questions = {2, 0, 1},
                              .offset_count = 4,
                              .version = 1,
                              .dim = 2,
                              .schema = "qctx-store"};

static void make_list(qctx_h5 *file, const foreign *what, const char *name, const int64_t *values, int64_t count)
{
    if (strcmp(what->leave_out, name) == 0)
        return;
    assert_status(qctx_h5_make(file, name, QCTX_H5_INT64, count, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, name, QCTX_H5_INT64, 0, count, values, &error), QCTX_OK, &error);
}

static void make_vectors(qctx_h5 *file, const foreign *what, const char *name, int64_t count, int64_t dim)
{
    float rows[64];

    for (int i = 0; i < 64; i++)
        rows[i] = 1;
    if (name[0] == 'c') {
        rows[17 * dim] = what->zero ? 0 : what->spoilt;
        rows[17 * dim + (dim > 1)] = what->zero ? 0 : 1;
    }
    if (strcmp(what->leave_out, name) == 0)
        return;
    assert_status(qctx_h5_make(file, name, QCTX_H5_FLOAT32, count, dim, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, name, QCTX_H5_FLOAT32, 0, count, rows, &error), QCTX_OK, &error);
}

static const char *make_foreign(const foreign *what)
{
    const char *path = test_path("foreign.h5");
    qctx_h5 *file;

    qctx_comm_barrier(test_comm);
    if (speaks()) {
        assert_status(qctx_h5_create(path, &file, &error), QCTX_OK, &error);
        make_vectors(file, what, "questions/vectors", 3, what->question_dim);
        make_vectors(file, what, "contexts/vectors", 20, what->context_dim);
        assert_status(qctx_h5_make_group(
                          file, strcmp(what->leave_out, "answers/train") == 0 ? "answers" : "answers/train", &error),
                      QCTX_OK, &error);
        if (strcmp(what->leave_out, "answers/train") != 0) {
            make_list(file, what, "answers/train/questions", what->questions, 3);
            make_list(file, what, "answers/train/offsets", what->offsets, what->offset_count);
            make_list(file, what, "answers/train/contexts", what->contexts, 3);
        }
        qctx_h5_set_text(file, "/", "schema", what->schema, &error);
        qctx_h5_set_int(file, "/", "version", what->version, &error);
        qctx_h5_set_int(file, "/", "dim", what->dim, &error);
        if (what->checksum != NULL)
            qctx_h5_set_text(file, "/", "checksum", what->checksum, &error);
        assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    }
    qctx_comm_barrier(test_comm);
    return path;
}

static void opens_foreign_stores(void **state)
{
    foreign what = sound;
    const qctx_split *split;
    char *id;
    qctx_store *store;

    (void)state;
    /* All questions in order, contexts unsorted and one of them twice. */
    what.leave_out = "answers/train/questions";
    memcpy(what.offsets, (int64_t[]){0, 1, 2, 3}, sizeof what.offsets);
    assert_status(qctx_store_open(test_comm, make_foreign(&what), &store, &error), QCTX_OK, &error);
    split = qctx_store_split(store, "train", &error);
    assert_non_null(split);
    assert_memory_equal(split->questions, ((int64_t[]){0, 1, 2}), 3 * sizeof(int64_t));
    assert_string_equal(qctx_store_encoder(store), "");
    assert_true(qctx_store_corpus_fingerprint(store) == 0);
    assert_status(qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_ID, (int64_t[]){17}, 1, &id, &error), QCTX_OK,
                  &error);
    assert_string_equal(id, "17");
    free(id);
    qctx_store_close(store);
}

static void sorts_answers_and_keeps_each_once(void **state)
{
    foreign what = sound;
    const qctx_split *split;
    qctx_h5 *file;
    const char *path;
    qctx_store *store;

    (void)state;
    what.leave_out = "answers/train";
    path = make_foreign(&what);
    if (speaks()) {
        assert_status(test_h5_reopen(path, &file, &error), QCTX_OK, &error);
        make_list(file, &what, "answers/dev/offsets", (int64_t[]){0, 4, 5, 7}, 4);
        make_list(file, &what, "answers/dev/contexts", (int64_t[]){9, 3, 9, 3, 3, 8, 2}, 7);
        assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    }
    qctx_comm_barrier(test_comm);
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
    split = qctx_store_split(store, "dev", &error);
    assert_non_null(split);
    assert_memory_equal(split->offsets, ((int64_t[]){0, 2, 3, 5}), 4 * sizeof(int64_t));
    assert_memory_equal(split->contexts, ((int64_t[]){3, 9, 3, 2, 8}), 5 * sizeof(int64_t));
    qctx_store_close(store);
}

static void names_what_is_wrong_in_a_foreign_store(void **state)
{
    foreign what = sound;

    (void)state;
    what.spoilt = NAN;
    expect_refusal(make_foreign(&what), QCTX_ERR_DATA,
                   "foreign.h5: contexts/vectors: row 17 (id 17) holds nan; expected finite values");
    what.spoilt = -INFINITY;
    expect_refusal(make_foreign(&what), QCTX_ERR_DATA, "row 17 (id 17) holds infinity");
    what = sound, what.zero = true;
    expect_refusal(make_foreign(&what), QCTX_ERR_DATA, "row 17 (id 17) is zero");
    what = sound, what.context_dim = 1;
    expect_refusal(make_foreign(&what), QCTX_ERR_MISMATCH, "rows of 2 and contexts/vectors rows of 1");
    what = sound, what.question_dim = 0;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "questions/vectors has 1 dimension of floating-point");
    what = sound, what.dim = 5;
    expect_refusal(make_foreign(&what), QCTX_ERR_MISMATCH, "the attribute 'dim' is 5, but the vectors have 2");
    what = sound, what.version = 2;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "foreign.h5: is a store of version 2 without its head");
    what.version = 3;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "schema version 3; this program knows 1 to 2");
    what = sound, what.schema = "qctx-checkpoint";
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "its schema is 'qctx-checkpoint'; expected 'qctx-store'");
    what = sound, what.checksum = "xyz";
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "'checksum' is 'xyz'; expected 16 hexadecimal digits");
    what = sound, what.leave_out = "contexts/vectors";
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "there is no dataset contexts/vectors");
    what = sound, what.leave_out = "answers/train";
    expect_refusal(make_foreign(&what), QCTX_ERR_DATA, "answers holds no split");
    what = sound, what.leave_out = "answers/train/offsets";
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "there is no dataset answers/train/offsets");
    what = sound, what.offsets[2] = 1;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/offsets: entry 2 is 1 after 1");
    what = sound, what.offsets[0] = 1;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/offsets runs from 1 to 3; expected 0 to 3");
    what = sound, what.offsets[3] = 9;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/offsets runs from 0 to 9; expected 0 to 3");
    what = sound, what.offset_count = 3;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/offsets has 3 entries; expected 4");
    what = sound, what.contexts[1] = 20;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/contexts: entry 1 is 20; expected 0 to 19");
    what = sound, what.questions[0] = -1;
    expect_refusal(make_foreign(&what), QCTX_ERR_FORMAT, "answers/train/questions: entry 0 is -1; expected 0 to 2");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(returns_what_was_written),
    cmocka_unit_test(refuses_bad_rows_when_writing),
    cmocka_unit_test(keeps_what_exists_unless_forced),
    cmocka_unit_test(leaves_nothing_on_a_full_disk),
    cmocka_unit_test(agrees_when_one_rank_cannot_write),
    cmocka_unit_test(refuses_what_is_no_store),
    cmocka_unit_test(agrees_when_one_rank_sees_another_file),
    cmocka_unit_test(opens_foreign_stores),
    cmocka_unit_test(sorts_answers_and_keeps_each_once),
    cmocka_unit_test(names_what_is_wrong_in_a_foreign_store),
};
TEST_MAIN(tests)
