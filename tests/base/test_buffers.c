/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/base/buffers.h"

/* What a module owns: arrays of two types, one of them only sometimes. */
typedef struct {
    int64_t rows;
    int64_t width;
    bool has_marks;
    float *values; /* [rows, width] */
    char *marks;   /* [rows] */
    double *sums;  /* [rows] */
} thing;

static qctx_buffers buffers_of(thing *t)
{
    return (qctx_buffers){{
        {&t->values, t->rows * t->width, sizeof *t->values, "the values of a thing"},
        {&t->marks, t->has_marks ? t->rows : QCTX_BUFFER_NONE, sizeof *t->marks, "the marks of a thing"},
        {&t->sums, t->rows, sizeof *t->sums, "the sums of a thing"},
    }};
}

static void all_arrays_are_allocated_and_freed(void **state)
{
    thing t = {.rows = 7, .width = 3, .has_marks = true};
    const qctx_buffers buffers = buffers_of(&t);
    qctx_error error;

    (void)state;
    assert_status(qctx_buffers_alloc(&buffers, &error), QCTX_OK, &error);
    for (int k = 0; k < 21; k++)
        assert_true(t.values[k] == 0.0f && t.marks[k / 3] == 0 && t.sums[k / 3] == 0.0);
    qctx_buffers_free(&buffers);
    assert_true(t.values == NULL && t.marks == NULL && t.sums == NULL);
    qctx_buffers_free(&buffers);
}

static void an_array_of_none_is_no_missing_array(void **state)
{
    thing t = {.rows = 0, .width = 3};
    const qctx_buffers buffers = buffers_of(&t);
    qctx_error error;

    (void)state;
    assert_status(qctx_buffers_alloc(&buffers, &error), QCTX_OK, &error);
    assert_true(t.values != NULL && t.sums != NULL && t.marks == NULL);
    qctx_buffers_free(&buffers);
}

static void bytes_are_counted_without_allocating(void **state)
{
    thing t = {.rows = 7, .width = 3};
    qctx_buffers buffers = buffers_of(&t), full = {{{0}}};

    (void)state;
    assert_int_equal(qctx_buffers_bytes(&buffers), 7 * 3 * 4 + 7 * 8);
    t.has_marks = true;
    buffers = buffers_of(&t);
    assert_int_equal(qctx_buffers_bytes(&buffers), 7 * 3 * 4 + 7 + 7 * 8);
    assert_null(t.values);
    assert_int_equal(qctx_buffers_bytes(&full), 0);
    for (int k = 0; k < QCTX_BUFFERS_MOST; k++)
        full.list[k] = (qctx_buffer){&t.values, 2, 5, "an array"};
    assert_int_equal(qctx_buffers_bytes(&full), QCTX_BUFFERS_MOST * 10);
}

static void what_cannot_be_counted_saturates(void **state)
{
    thing one = {.rows = INT64_MAX / 16, .width = 16}, two = {.rows = INT64_MAX / 9, .width = 1};
    const qctx_buffers product = buffers_of(&one), sum = buffers_of(&two);

    (void)state;
    assert_true(qctx_buffers_bytes(&product) == INT64_MAX);
    assert_true(qctx_buffers_bytes(&sum) == INT64_MAX);
}

/* The first arrays are there and can be freed, the rest is not. */
static void a_failure_names_the_array_and_leaves_the_rest(void **state)
{
    thing t = {.rows = 4, .width = 3};
    qctx_buffers buffers = buffers_of(&t);
    qctx_error error;

    (void)state;
    buffers.list[2].count = INT64_MAX;
    assert_status(qctx_buffers_alloc(&buffers, &error), QCTX_ERR_MEMORY, &error);
    assert_contains(error.message, "the sums of a thing");
    assert_true(t.values != NULL && t.sums == NULL);
    qctx_buffers_free(&buffers);
    assert_null(t.values);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_arrays_are_allocated_and_freed),
    cmocka_unit_test(an_array_of_none_is_no_missing_array),
    cmocka_unit_test(bytes_are_counted_without_allocating),
    cmocka_unit_test(what_cannot_be_counted_saturates),
    cmocka_unit_test(a_failure_names_the_array_and_leaves_the_rest),
};
TEST_MAIN(tests)
