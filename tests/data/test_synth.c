/* ranks: 1 2 */
#include "harness.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/data/corpus.h"
#include "qctx/data/synth.h"

static qctx_error error;

/* Rank 0 writes, all agree, as the command does it. */
static qctx_status write_corpus(const char *folder, int64_t questions, uint64_t seed, bool force)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(test_comm) == 0)
        status = qctx_synth_write(folder, questions, seed, force, &error);
    return qctx_agree(test_comm, status, &error);
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static void assert_unique(uint64_t *hashes, int64_t count)
{
    qsort(hashes, (size_t)count, sizeof *hashes, compare_hashes);
    for (int64_t i = 1; i < count; i++)
        assert_true(hashes[i - 1] != hashes[i]);
}

static void test_texts_are_whole_sentences(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 20000; i++) {
        qctx_synth_pair pair = qctx_synth_make(3, i * 997);
        size_t question = strlen(pair.question);
        size_t context = strlen(pair.context);

        assert_true(question + 1 < sizeof pair.question && context + 1 < sizeof pair.context);
        assert_true(isupper((unsigned char)pair.question[0]) && pair.question[question - 1] == '?');
        /* A number may stand first. */
        assert_true(isupper((unsigned char)pair.context[0]) || isdigit((unsigned char)pair.context[0]));
        assert_true(pair.context[context - 1] == '.');
        assert_null(strpbrk(pair.question, "{}"));
        assert_null(strpbrk(pair.context, "{}"));
        assert_contains(pair.context, pair.title);
        assert_null(strstr(pair.context, "  "));
    }
}

static void test_contexts_are_unique(void **state)
{
    enum { COUNT = 200000 };
    uint64_t *hashes = malloc(COUNT * sizeof *hashes);

    (void)state;
    for (int64_t i = 0; i < COUNT; i++) {
        qctx_synth_pair pair = qctx_synth_make(1, i);

        hashes[i] = qctx_hash(pair.context, strlen(pair.context), 0);
    }
    assert_unique(hashes, COUNT);
    free(hashes);
}

/* "Velmora Tower" → hash of "Velmora". */
static uint64_t name_hash(int64_t index)
{
    qctx_synth_pair pair = qctx_synth_make(1, index);

    return qctx_hash(pair.title, strcspn(pair.title, " "), 0);
}

static void test_names_are_of_one_group_only(void **state)
{
    enum { GROUPS = 100000, GROUP = 8 };
    uint64_t *hashes = malloc(GROUPS * sizeof *hashes);
    qctx_synth_pair first, second;

    (void)state;
    for (int64_t group = 0; group < GROUPS; group++)
        hashes[group] = name_hash(group * GROUP);
    for (int64_t i = 0; i < GROUP; i++)
        assert_true(name_hash(5 * GROUP + i) == hashes[5]);
    assert_unique(hashes, GROUPS);
    free(hashes);
    /* The two entities of a group differ in kind. */
    for (int64_t group = 0; group < 1000; group++) {
        first = qctx_synth_make(1, group * GROUP);
        second = qctx_synth_make(1, group * GROUP + GROUP / 2);
        assert_string_not_equal(first.title, second.title);
    }
}

static void test_splits_are_whole_groups(void **state)
{
    const int64_t totals[] = {QCTX_SYNTH_LEAST, 31, 80, 1003, 20000, QCTX_SYNTH_MOST};

    (void)state;
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        qctx_synth_sizes sizes = qctx_synth_divide(totals[i]);

        assert_int_equal(sizes.train + sizes.dev + sizes.test, totals[i]);
        assert_true(sizes.train > 0 && sizes.dev > 0 && sizes.test > 0);
        assert_true(name_hash(sizes.train - 1) != name_hash(sizes.train));
        assert_true(name_hash(sizes.train + sizes.dev - 1) != name_hash(sizes.train + sizes.dev));
    }
    assert_int_equal(qctx_synth_divide(20000).train, 16000);
    assert_int_equal(qctx_synth_divide(20000).dev, 2000);
}

static void test_a_corpus_is_written_and_read(void **state)
{
    const char *folder = test_path("synth");
    const qctx_split *split;
    qctx_corpus *corpus;
    qctx_synth_pair pair;

    (void)state;
    assert_status(write_corpus(folder, 1001, 5, false), QCTX_OK, &error);
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->context_count, 1001);
    assert_int_equal(corpus->question_count, 1001);
    assert_int_equal(corpus->split_count, 3);
    split = qctx_corpus_split(corpus, "dev", &error);
    assert_non_null(split);
    assert_int_equal(split->count, qctx_synth_divide(1001).dev);
    for (int64_t k = 0; k < split->count; k++) {
        assert_int_equal(split->offsets[k + 1] - split->offsets[k], 1);
        pair = qctx_synth_make(5, split->questions[k]);
        assert_string_equal(corpus->questions[split->questions[k]].text, pair.question);
        assert_string_equal(corpus->contexts[split->contexts[k]].text, pair.context);
        assert_string_equal(corpus->contexts[split->contexts[k]].title, pair.title);
    }
    qctx_corpus_destroy(corpus);
    assert_status(write_corpus(folder, 1001, 5, false), QCTX_ERR_EXISTS, &error);
    assert_status(write_corpus(folder, 80, 5, true), QCTX_OK, &error);
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->question_count, 80);
    qctx_corpus_destroy(corpus);
}

static void test_equal_seeds_give_equal_bytes(void **state)
{
    const char *const folders[] = {"one", "again", "other"};
    const char *const files[] = {"corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/dev.tsv", "qrels/test.tsv"};
    uint64_t hashes[3][5];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_status(write_corpus(test_path(folders[i]), 500, i == 2 ? 8 : 7, false), QCTX_OK, &error);
        for (int j = 0; j < 5; j++) {
            char *path = qctx_path_join(test_path(folders[i]), files[j], &error);

            assert_status(qctx_hash_file(path, 0, &hashes[i][j], &error), QCTX_OK, &error);
            free(path);
        }
    }
    assert_memory_equal(hashes[0], hashes[1], sizeof hashes[0]);
    assert_true(hashes[0][0] != hashes[2][0] && hashes[0][1] != hashes[2][1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_texts_are_whole_sentences),    cmocka_unit_test(test_contexts_are_unique),
    cmocka_unit_test(test_names_are_of_one_group_only),  cmocka_unit_test(test_splits_are_whole_groups),
    cmocka_unit_test(test_a_corpus_is_written_and_read), cmocka_unit_test(test_equal_seeds_give_equal_bytes),
};
TEST_MAIN(tests)
