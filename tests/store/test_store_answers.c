/* ranks: 1 3 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5_edit.h"
#include "qctx/platform/h5.h"
#include "qctx/store/store.h"
#include "qctx/store/store_writer.h"

/* What a store keeps of answers beside rows: grades, contexts that are not there, and contexts of a question's id. */
enum { QUESTIONS = 3, CONTEXTS = 4, DIM = 2 };

static qctx_error error;
static qctx_question questions[] = {{"a", "A"}, {"b", "B"}, {"c", "C"}};
static qctx_context contexts[] = {{"x", "", "X"}, {"c", "", "CC"}, {"y", "", "Y"}, {"a", "", "AA"}};
static int64_t rows[] = {0, 2};
static int64_t offsets[] = {0, 3, 4};
static int64_t answers[] = {QCTX_ABSENT, QCTX_ABSENT, 2, 3};
static float grades[] = {3, 1, 0.5f, 2};

static qctx_status fill(void *context, qctx_side side, int64_t first, int64_t count, float *values, qctx_error *failure)
{
    (void)context;
    (void)failure;
    for (int64_t i = 0; i < count * DIM; i++)
        values[i] = (float)(first + i + (int64_t)side + 1);
    return QCTX_OK;
}

/* Writes and opens a store with one split of these answers. */
static qctx_store *store_of(const char *name, float *its_grades, int64_t *its_answers, bool with_empty)
{
    static int64_t none[] = {0};
    qctx_split splits[] = {{.name = "dev",
                            .count = 2,
                            .questions = rows,
                            .offsets = offsets,
                            .contexts = its_answers,
                            .grades = its_grades},
                           {.name = "none", .offsets = none}};
    const qctx_corpus corpus = {.context_count = CONTEXTS,
                                .contexts = contexts,
                                .question_count = QUESTIONS,
                                .questions = questions,
                                .split_count = with_empty ? 2 : 1,
                                .splits = splits,
                                .fingerprint = 77,
                                .folder = "made"};
    const qctx_store_description description = {&corpus, QCTX_FLOAT32, DIM, "toy", "toy-1", "{}", "table",
                                                5,       false,        0,   NULL};
    qctx_store *store = NULL;

    assert_status(qctx_store_write(test_comm, test_path(name), true, &description, fill, NULL, &error), QCTX_OK,
                  &error);
    assert_status(qctx_store_open(test_comm, test_path(name), &store, &error), QCTX_OK, &error);
    return store;
}

static void keeps_grades_and_absent_contexts(void **state)
{
    qctx_store *store = store_of("graded.h5", grades, answers, true);
    const qctx_split *split = qctx_store_split(store, "dev", &error);

    (void)state;
    assert_int_equal(qctx_store_split_count(store), 1);
    assert_memory_equal(split->contexts, answers, sizeof answers);
    /* Contexts that are not there have no order of their own but that of their grades. */
    assert_int_equal(split->grades[0] == 1 && split->grades[1] == 3, 1);
    assert_memory_equal(split->grades + 2, grades + 2, 2 * sizeof *grades);
    qctx_store_close(store);
}

/* Without grades the file is what it was before there were any. */
static void plain_answers_write_no_grades(void **state)
{
    int64_t plain[] = {0, 1, 2, 3};
    qctx_store *store = store_of("plain.h5", NULL, plain, false);
    qctx_h5 *file = NULL;

    (void)state;
    assert_null(qctx_store_split(store, "dev", &error)->grades);
    qctx_store_close(store);
    assert_status(qctx_h5_open(test_path("plain.h5"), &file, &error), QCTX_OK, &error);
    assert_true(qctx_h5_exists(file, "answers/dev/contexts"));
    assert_false(qctx_h5_exists(file, "answers/dev/grades"));
    qctx_h5_close(file, NULL);
}

static void finds_contexts_of_a_questions_id(void **state)
{
    qctx_store *store = store_of("own.h5", NULL, answers, false);
    const int64_t *own = NULL, *again = NULL;

    (void)state;
    assert_status(qctx_store_own_contexts(store, &own, &error), QCTX_OK, &error);
    assert_non_null(own);
    assert_int_equal(own[0], 3);
    assert_int_equal(own[1], QCTX_ABSENT);
    assert_int_equal(own[2], 1);
    assert_status(qctx_store_own_contexts(store, &again, &error), QCTX_OK, &error);
    assert_ptr_equal(again, own);
    qctx_store_close(store);
}

/* A store of someone else's, to which grades were added that cannot be. */
static void expect_refusal(const char *name, const float *values, int64_t count, const char *part)
{
    int64_t plain[] = {0, 1, 2, 3};
    qctx_store *store = store_of(name, NULL, plain, false);
    qctx_h5 *file = NULL;

    qctx_store_close(store);
    if (qctx_comm_rank(test_comm) == 0) {
        assert_status(test_h5_make_version_1(test_path(name), &error), QCTX_OK, &error);
        assert_status(test_h5_reopen(test_path(name), &file, &error), QCTX_OK, &error);
        assert_status(qctx_h5_make(file, "answers/dev/grades", QCTX_H5_FLOAT32, count, 0, &error), QCTX_OK, &error);
        assert_status(qctx_h5_write(file, "answers/dev/grades", QCTX_H5_FLOAT32, 0, count, values, &error), QCTX_OK,
                      &error);
        assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    }
    qctx_comm_barrier(test_comm);
    store = NULL;
    assert_status(qctx_store_open(test_comm, test_path(name), &store, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, part);
}

static void refuses_grades_that_cannot_be(void **state)
{
    (void)state;
    expect_refusal("few.h5", (const float[]){1, 2, 3}, 3,
                   "answers/dev/grades is not a list of 4 numbers, one for each of contexts");
    expect_refusal("zero.h5", (const float[]){1, 2, 0, 3}, 4,
                   "answers/dev/grades: entry 2 is 0; expected a number above 0");
    expect_refusal("nan.h5", (const float[]){1, NAN, 1, 3}, 4, "answers/dev/grades: entry 1 is nan");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_grades_and_absent_contexts),
    cmocka_unit_test(plain_answers_write_no_grades),
    cmocka_unit_test(refuses_grades_that_cannot_be),
    cmocka_unit_test(finds_contexts_of_a_questions_id),
};
TEST_MAIN(tests)
