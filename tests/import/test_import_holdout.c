/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"

enum { ROWS = 1200, TITLES = 60, CONTEXTS = 300, LINE_BYTES = 200 };

/*
 * Row i as TSV: question i, its context (four rows share one), its title (twenty rows share one). Context 7
 * stands under two titles, which so belong together.
 */
static void write_row(char *text, int i)
{
    int title = i / (ROWS / TITLES);

    if (i == 30)
        title = 59;
    snprintf(text, LINE_BYTES, "question %d?\tcontext %d.\ttitle %d\n", i, i / (ROWS / CONTEXTS), title);
}

/* All rows, forwards or backwards. The caller frees the text. */
static char *make_text(bool backwards)
{
    char *text = malloc((size_t)(ROWS + 1) * LINE_BYTES);
    size_t used = strlen(strcpy(text, "question\tcontext\ttitle\n"));

    for (int i = 0; i < ROWS; i++) {
        write_row(text + used, backwards ? ROWS - 1 - i : i);
        used += strlen(text + used);
    }
    return text;
}

static qctx_import_job make_job(const char *file, bool backwards)
{
    char *text = make_text(backwards);
    qctx_import_job job = probe_job(file, text);

    free(text);
    job.dev_share = 0.1;
    job.test_share = 0.2;
    job.unit = QCTX_HOLDOUT_TITLE;
    return job;
}

/* sides [ROWS] receives the first letter of each question's split but one: train r, dev e, test e → t, d, s. */
static void read_sides(const qctx_corpus *corpus, char *sides)
{
    static const struct {
        const char *name;
        char letter;
    } splits[] = {{"train", 't'}, {"dev", 'd'}, {"test", 's'}};

    memset(sides, '?', ROWS);
    for (size_t s = 0; s < 3; s++) {
        const qctx_split *split = qctx_corpus_split(corpus, splits[s].name, NULL);

        for (int64_t i = 0; split != NULL && i < split->count; i++) {
            int row = atoi(corpus->questions[split->questions[i]].text + strlen("question "));

            assert_int_equal(sides[row], '?');
            sides[row] = splits[s].letter;
        }
    }
    assert_null(memchr(sides, '?', ROWS));
}

static int count_side(const char *sides, char letter)
{
    int count = 0;

    for (int i = 0; i < ROWS; i++)
        count += sides[i] == letter;
    return count;
}

static void cuts_by_title(void **state)
{
    qctx_import_job job = make_job("a.tsv", false);
    char sides[ROWS];
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    read_sides(corpus, sides);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(sides[i], sides[i / 20 * 20]);
    assert_int_equal(sides[30], sides[ROWS - 1]);

    /* Shares to within half a group of 20 questions. */
    assert_in_range(count_side(sides, 'd'), 110, 130);
    assert_in_range(count_side(sides, 's'), 230, 250);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            assert_int_equal(probe_report.shared[a][b], 0);
    qctx_corpus_destroy(corpus);
}

static void cuts_by_context(void **state)
{
    qctx_import_job job = make_job("a.tsv", false);
    char sides[ROWS];
    bool divided = false;
    qctx_corpus *corpus;

    (void)state;
    job.unit = QCTX_HOLDOUT_CONTEXT;
    corpus = probe_run(&job);
    read_sides(corpus, sides);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(sides[i], sides[i / 4 * 4]);
        divided = divided || sides[i] != sides[i / 20 * 20];
    }
    assert_true(divided);
    assert_in_range(count_side(sides, 'd'), 118, 122);
    assert_in_range(count_side(sides, 's'), 238, 242);
    qctx_corpus_destroy(corpus);
}

/* The contexts stay: nearly each that a held-out question asks for is one that training questions have, too. */
static void cuts_by_question(void **state)
{
    qctx_import_job job = make_job("a.tsv", false);
    char sides[ROWS], backwards[ROWS];
    qctx_corpus *corpus;

    (void)state;
    job.unit = QCTX_HOLDOUT_QUESTION;
    corpus = probe_run(&job);
    read_sides(corpus, sides);
    assert_int_equal(count_side(sides, 'd'), 120);
    assert_int_equal(count_side(sides, 's'), 240);
    assert_int_equal(corpus->context_count, CONTEXTS);
    qctx_corpus_destroy(corpus);
    /* A context has 4 questions: of a tested one's other three, all are away from training in 0.3³ of cases. */
    assert_in_range(probe_report.shared[0][2], 130, CONTEXTS);

    job = make_job("b.tsv", true);
    job.unit = QCTX_HOLDOUT_QUESTION;
    corpus = probe_run(&job);
    read_sides(corpus, backwards);
    qctx_corpus_destroy(corpus);
    assert_memory_equal(sides, backwards, ROWS);
}

/* The same words asked of two titles, under ids of their own, would else be trained on and tested. */
static void keeps_equal_questions_together(void **state)
{
    enum { QUESTIONS = 50 };
    char *text = malloc(2 * QUESTIONS * LINE_BYTES);
    qctx_import_job job;
    qctx_corpus *corpus;
    char side[QUESTIONS] = {0};
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 2 * QUESTIONS; i++)
        used +=
            (size_t)snprintf(text + used, LINE_BYTES, "{\"id\": \"%d\", \"question\": \"%d?\", \"context\": \"c%d\"}\n",
                             i, i % QUESTIONS, i);
    job = probe_job("twice.jsonl", text);
    free(text);
    job.dev_share = 0.3;
    job.unit = QCTX_HOLDOUT_QUESTION;
    corpus = probe_run(&job);
    assert_int_equal(corpus->question_count, 2 * QUESTIONS);
    for (int64_t s = 0; s < corpus->split_count; s++)
        for (int64_t i = 0; i < corpus->splits[s].count; i++) {
            char *seen = &side[atoi(corpus->questions[corpus->splits[s].questions[i]].text)];

            assert_true(*seen == 0 || *seen == (char)(s + 1));
            *seen = (char)(s + 1);
        }
    qctx_corpus_destroy(corpus);
}

static void depends_on_the_seed_and_not_on_the_order(void **state)
{
    char forwards[ROWS], backwards[ROWS], other[ROWS];
    qctx_import_job job = make_job("a.tsv", false);
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    read_sides(corpus, forwards);
    qctx_corpus_destroy(corpus);
    job = make_job("b.tsv", true);
    corpus = probe_run(&job);
    read_sides(corpus, backwards);
    qctx_corpus_destroy(corpus);
    assert_memory_equal(forwards, backwards, ROWS);
    job.seed = 2;
    corpus = probe_run(&job);
    read_sides(corpus, other);
    qctx_corpus_destroy(corpus);
    assert_memory_not_equal(forwards, other, ROWS);
}

static void makes_only_the_splits_that_are_asked_for(void **state)
{
    qctx_import_job job = make_job("a.tsv", false);
    qctx_corpus *corpus;

    (void)state;
    job.dev_share = 0;
    corpus = probe_run(&job);
    assert_int_equal(corpus->split_count, 2);
    assert_null(qctx_corpus_split(corpus, "dev", NULL));
    qctx_corpus_destroy(corpus);
}

/* Contexts without a title stand for themselves; a question's contexts stay together. */
static void keeps_the_contexts_of_a_question_together(void **state)
{
    enum { PAIRS = 100 };
    char *text = malloc(2 * PAIRS * LINE_BYTES);
    qctx_import_job job;
    qctx_corpus *corpus;
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 2 * PAIRS; i++)
        used +=
            (size_t)snprintf(text + used, LINE_BYTES, "{\"id\": \"%d\", \"question\": \"%d?\", \"context\": \"c%d\"}\n",
                             i % PAIRS, i % PAIRS, i);
    job = probe_job("m.jsonl", text);
    free(text);
    job.dev_share = 0.3;
    job.unit = QCTX_HOLDOUT_TITLE;
    corpus = probe_run(&job);
    assert_int_equal(corpus->question_count, PAIRS);
    for (int64_t s = 0; s < corpus->split_count; s++)
        assert_int_equal(corpus->splits[s].offsets[corpus->splits[s].count], 2 * corpus->splits[s].count);
    assert_int_equal(qctx_corpus_split(corpus, "dev", NULL)->count, 30);
    qctx_corpus_destroy(corpus);
}

/* Checks that every question of a split has its one negative in the split's own file, and that nothing else is there.
 */
static void check_negatives(const qctx_corpus *corpus, const char *name)
{
    const qctx_split *split = qctx_corpus_split(corpus, name, NULL);
    char path[64], *lines, *line;
    size_t bytes;

    snprintf(path, sizeof path, "out/negatives/%s.tsv", name);
    assert_int_equal(qctx_file_read(test_path(path), &lines, &bytes, NULL), QCTX_OK);
    line = strchr(lines, '\n') + 1;
    for (int64_t q = 0; q < split->count; q++) {
        int question, context, length;
        char expected[LINE_BYTES];

        assert_int_equal(sscanf(line, "%d\tc%d%n", &question, &context, &length), 2);
        assert_int_equal(question, atoi(corpus->questions[split->questions[q]].id));
        snprintf(expected, sizeof expected, "wrong for %d", question);
        assert_string_equal(corpus->contexts[context].text, expected);
        line += length + 1;
    }
    assert_string_equal(line, "");
    free(lines);
}

static void carries_negatives_to_the_split_of_their_question(void **state)
{
    enum { PAIRS = 100 };
    char *text = malloc(PAIRS * LINE_BYTES);

    (void)state;
    for (int unit = 0; unit < 3; unit++) {
        qctx_import_job job;
        qctx_corpus *corpus;
        size_t used = 0;

        for (int i = 0; i < PAIRS; i++)
            used += (size_t)snprintf(
                text + used, LINE_BYTES,
                "{\"id\": %d, \"query\": \"%d?\", \"pos\": [\"c%d\"], \"neg\": [\"wrong for %d\"]}\n", i, i, i, i);
        job = probe_job("n.jsonl", text);
        job.dev_share = 0.1;
        job.test_share = 0.2;
        job.unit = (qctx_holdout_unit)unit;
        corpus = probe_run(&job);
        check_negatives(corpus, "train");
        check_negatives(corpus, "dev");
        check_negatives(corpus, "test");
        assert_int_equal(probe_report.splits[2].negatives, 20);
        qctx_corpus_destroy(corpus);
    }
    free(text);
}

static void refuses_groups_too_few_for_the_shares(void **state)
{
    qctx_import_job job = probe_job("few.tsv", "question\tcontext\ttitle\na?\tb\tT\nc?\td\tT\ne?\tf\tT\ng?\th\tT\n");

    (void)state;
    job.unit = QCTX_HOLDOUT_TITLE;
    job.dev_share = 0.2;
    probe_fails(job, QCTX_ERR_DATA, "no question for 'dev'");
    job.dev_share = 0.7;
    probe_fails(job, QCTX_ERR_DATA, "no question for 'train'");
    probe_fails(job, QCTX_ERR_DATA, "of 1 group of questions: those with an equal answer or title stay together");
    job = probe_job("equal.tsv", "question\tcontext\na?\tb\nc?\tb\nd?\tb\n");
    job.dev_share = 0.2;
    job.unit = QCTX_HOLDOUT_TITLE;
    probe_fails(job, QCTX_ERR_DATA, "of 1 group of questions: those with an equal answer stay together");
    job = probe_job("asked.tsv", "question\tcontext\na?\tb\na?\tc\na?\td\ne?\tf\n");
    job.dev_share = job.test_share = 0.2;
    probe_fails(job, QCTX_ERR_DATA, "of 2 groups of questions");
    job.unit = QCTX_HOLDOUT_QUESTION;
    probe_fails(job, QCTX_ERR_DATA, "of 2 groups of questions: equal questions are one");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cuts_by_title),
    cmocka_unit_test(cuts_by_context),
    cmocka_unit_test(cuts_by_question),
    cmocka_unit_test(keeps_equal_questions_together),
    cmocka_unit_test(depends_on_the_seed_and_not_on_the_order),
    cmocka_unit_test(makes_only_the_splits_that_are_asked_for),
    cmocka_unit_test(keeps_the_contexts_of_a_question_together),
    cmocka_unit_test(carries_negatives_to_the_split_of_their_question),
    cmocka_unit_test(refuses_groups_too_few_for_the_shares),
};
TEST_MAIN(tests)
