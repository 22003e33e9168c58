/* ranks: 1 3 */
#include "harness.h"

#include <string.h>

#include "qctx/dataset/teacher.h"
#include "small_store.h"

/*
 * The small store: ids as it has them, question i answered by context i and, if i is even, by i + 1. Trained on are
 * questions 0 … 39; the last example's second context makes no pair.
 */
typedef struct {
    small_store *small;
    qctx_config config;
    qctx_opened_source source;
    qctx_opened opened;
    qctx_training_set set;
} fixture;

static qctx_error failure;

static void open_fixture(fixture *on, const char *override)
{
    const char text[] = "data: {train: [{store: unused.h5, limit: 40}]}\neval: {tune: 0}\n";
    char teacher[1100];
    const char *overrides[2] = {teacher, override};

    snprintf(teacher, sizeof teacher, "data.teacher=%s", test_path("teacher.tsv"));
    on->small = small_open();
    assert_status(qctx_config_parse(text, strlen(text), "test", overrides, 2, &on->config, &failure), QCTX_OK,
                  &failure);
    on->source = (qctx_opened_source){
        .store = on->small->store, .split = qctx_store_split_at(on->small->store, 0), .name = "small", .limit = 40};
    on->opened = (qctx_opened){.train_count = 1, .train = &on->source};
    assert_status(qctx_training_set_build(test_comm, &on->config, &on->opened, &on->set, &failure), QCTX_OK, &failure);
    assert_int_equal(on->set.examples.count, 40);
}

static void close_fixture(fixture *on)
{
    qctx_training_set_free(&on->set);
    qctx_config_free(&on->config);
    small_close(on->small);
}

/* Writes a teacher of lines "question context score", numbers for ids of the small store and −1 for unknown ones. */
static void write_teacher(const fixture *on, const double lines[][3], int count)
{
    char text[4096] = "";

    for (int l = 0; l < count; l++) {
        const int question = (int)lines[l][0], context = (int)lines[l][1];

        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\t%s\t%g\n",
                 question < 0 ? "nobody" : on->small->question_id[question],
                 context < 0 ? "nothing" : on->small->context_id[context], lines[l][2]);
    }
    test_write(test_path("teacher.tsv"), text);
}

static qctx_status read_teacher(const fixture *on, qctx_teacher *teacher)
{
    return qctx_teacher_read(test_comm, &on->config, &on->opened, &on->set.examples, teacher, &failure);
}

/* The score of a context in the list of an example, and its role; fails where it is not there. */
static void assert_scored(const qctx_teacher *teacher, int64_t example, int64_t row, double score,
                          qctx_scored_role role)
{
    for (int64_t e = teacher->lists.offsets[example]; e < teacher->lists.offsets[example + 1]; e++)
        if (teacher->lists.pool.list[teacher->lists.places[e]].row == row) {
            assert_close(teacher->scores[e], score, 1e-6);
            assert_int_equal(teacher->roles[e], role);
            return;
        }
    fail_msg("context %d is not in the list of example %d", (int)row, (int)example);
}

static int64_t length_of(const qctx_teacher *teacher, int64_t example)
{
    return teacher->lists.offsets[example + 1] - teacher->lists.offsets[example];
}

static const double usual[][3] = {
    {5, 5, 9.5}, {2, 3, 7},  {2, 100, -3}, {2, 2, 8},   {5, 101, 1}, {5, 100, 0.25}, {7, 7, 3},
    {-1, 7, 3},  {7, -1, 3}, {50, 50, 4},  {50, 51, 3}, {2, 3, 6},   {9, 200, 1},    {9, 201, 2},
};
enum { USUAL = sizeof usual / sizeof usual[0] };

static void lists_are_those_of_the_lines(void **state)
{
    qctx_teacher teacher;
    fixture on;

    (void)state;
    open_fixture(&on, "loss.distill.kind=kl");
    /* A context of example 5 that was judged, but makes no pair. */
    on.set.examples.pairs[5] = 0;
    write_teacher(&on, usual, USUAL);
    assert_status(read_teacher(&on, &teacher), QCTX_OK, &failure);
    assert_int_equal(length_of(&teacher, 2), 3);
    assert_scored(&teacher, 2, 2, 8.0, QCTX_SCORED_RIGHT);
    assert_scored(&teacher, 2, 3, 6.0, QCTX_SCORED_RIGHT); /* the later line */
    assert_scored(&teacher, 2, 100, -3.0, QCTX_SCORED_WRONG);
    assert_int_equal(length_of(&teacher, 5), 3);
    assert_scored(&teacher, 5, 5, 9.5, QCTX_SCORED_NEITHER);
    assert_scored(&teacher, 5, 100, 0.25, QCTX_SCORED_WRONG);
    assert_int_equal(length_of(&teacher, 7), 0); /* one scored context is no list */
    assert_int_equal(length_of(&teacher, 9), 2);
    assert_int_equal(teacher.lists.offsets[40], 8);
    assert_int_equal(teacher.longest, 3);
    /* 2, 3, 5, 100, 101, 200, 201, of which 100 stands in two lists. */
    assert_int_equal(teacher.lists.pool.count, 7);
    qctx_teacher_free(&teacher);
    assert_null(teacher.scores);
    close_fixture(&on);
}

static void margins_want_a_right_and_a_wrong_context(void **state)
{
    qctx_teacher teacher;
    fixture on;

    (void)state;
    open_fixture(&on, "loss.distill.kind=margin_mse");
    write_teacher(&on, usual, USUAL);
    assert_status(read_teacher(&on, &teacher), QCTX_OK, &failure);
    assert_int_equal(length_of(&teacher, 2), 3);
    assert_int_equal(length_of(&teacher, 5), 3);
    assert_int_equal(length_of(&teacher, 9), 0);
    qctx_teacher_free(&teacher);
    close_fixture(&on);
}

static void a_fingerprint_tells_scores_and_lists(void **state)
{
    double changed[USUAL][3];
    uint64_t first;
    qctx_teacher teacher;
    fixture on;

    (void)state;
    open_fixture(&on, "loss.distill.kind=kl");
    write_teacher(&on, usual, USUAL);
    assert_status(read_teacher(&on, &teacher), QCTX_OK, &failure);
    first = qctx_teacher_fingerprint(&teacher);
    qctx_teacher_free(&teacher);
    for (int change = 0; change < 3; change++) {
        memcpy(changed, usual, sizeof changed);
        changed[4][1] += change == 0 ? 1 : 0;
        changed[4][2] += change == 1 ? 1 : 0;
        changed[7][2] += change == 2 ? 1 : 0; /* of nobody */
        write_teacher(&on, (const double(*)[3])changed, USUAL);
        assert_status(read_teacher(&on, &teacher), QCTX_OK, &failure);
        assert_int_equal(qctx_teacher_fingerprint(&teacher) == first, change == 2);
        qctx_teacher_free(&teacher);
    }
    close_fixture(&on);
}

/* What is refused says which column does not fit. */
static void a_teacher_without_any_list_is_refused(void **state)
{
    static const struct {
        double lines[2][3];
        int count;
        const char *hint;
    } wrong[] = {
        {{{0}}, 0, "it has no lines"},
        {{{-1, 1, 2}, {-1, 2, 2}}, 2, "none of its question ids"},
        {{{1, -1, 2}, {2, -1, 2}}, 2, "none of its context ids"},
        {{{50, 1, 2}, {50, 2, 2}}, 2, "of other splits, or held out"},
        {{{1, 1, 2}, {2, 2, 2}}, 2, "a list has two contexts at least"},
    };

    (void)state;
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        qctx_teacher teacher;
        fixture on;

        open_fixture(&on, "loss.distill.kind=kl");
        write_teacher(&on, wrong[w].lines, wrong[w].count);
        assert_status(read_teacher(&on, &teacher), QCTX_ERR_DATA, &failure);
        assert_contains(failure.message, "teacher.tsv: gives no training question a list of scored contexts");
        assert_contains(failure.hint, wrong[w].hint);
        qctx_teacher_free(&teacher);
        close_fixture(&on);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lists_are_those_of_the_lines),
    cmocka_unit_test(margins_want_a_right_and_a_wrong_context),
    cmocka_unit_test(a_fingerprint_tells_scores_and_lists),
    cmocka_unit_test(a_teacher_without_any_list_is_refused),
};
TEST_MAIN(tests)
