/* ranks: 1 2 5 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/encoder/encoder.h"

/* So many dimensions that the few features of these texts do not collide. */
#define WIDE       "{\"dim\":65536}"
#define WIDE_WORDS "{\"dim\":65536,\"ngram_weight\":0}"

static qctx_error error;

static qctx_encoder *fitted(const char *settings, const char *const *texts, int64_t count)
{
    qctx_encoder *encoder = NULL;

    assert_status(qctx_encoder_create("hashing", settings, &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_fit(encoder, test_comm, texts, count, &error), QCTX_OK, &error);
    return encoder;
}

static float *row_of(qctx_encoder *encoder, qctx_side side, const char *text)
{
    float *row = malloc((size_t)qctx_encoder_dim(encoder) * sizeof *row);

    assert_status(qctx_encoder_encode(encoder, side, &text, 1, row, &error), QCTX_OK, &error);
    return row;
}

static double dot(const float *a, const float *b, int64_t dim)
{
    double sum = 0.0;

    for (int64_t j = 0; j < dim; j++)
        sum += (double)a[j] * b[j];
    return sum;
}

/* Score of a context for a question, after checking that both rows are of unit length. */
static double score(qctx_encoder *encoder, const char *question, const char *context)
{
    int64_t dim = qctx_encoder_dim(encoder);
    float *q = row_of(encoder, QCTX_QUESTION, question);
    float *c = row_of(encoder, QCTX_CONTEXT, context);
    double result = dot(q, c, dim);

    assert_close(dot(q, q, dim), 1.0, 1e-6);
    assert_close(dot(c, c, dim), 1.0, 1e-6);
    assert_true(q[dim - 1] == 0.0f);
    free(q);
    free(c);
    return result;
}

static bool same_row(qctx_encoder *encoder, qctx_side side, const char *a, const char *b)
{
    float *left = row_of(encoder, side, a);
    float *right = row_of(encoder, side, b);
    bool same = memcmp(left, right, (size_t)qctx_encoder_dim(encoder) * sizeof *left) == 0;

    free(left);
    free(right);
    return same;
}

static const char *const small[] = {"The stone tower.", "A stone bridge, a bridge!", "River"};

/*
 * By hand: 3 contexts of 2, 3 and 1 words, mean 2. In the second, k1·(1 − b + b·3/2) = 1.65, so "bridge" weighs
 * 2·2.2/3.65 = 1.2054795 and "stone" 2.2/2.65 = 0.8301887, norm 1.463691891; the others' norms are √2 and 2.2/1.75.
 */
static const double small_norm = 1.463691891;

static void test_scores_are_bm25_by_hand(void **state)
{
    qctx_encoder *encoder = fitted(WIDE_WORDS, small, 3);
    /* df 2 of 3 and df 1 of 3. */
    double stone = sqrt(1.0 + log(4.0 / 3.0)), river = sqrt(1.0 + log(4.0 / 2.0));
    double both = sqrt(stone * stone + river * river);
    float *row;

    (void)state;
    assert_close(score(encoder, "bridge", small[1]), 1.2054795 / small_norm, 1e-6);
    assert_close(score(encoder, "Who is at the BRIDGE?", small[1]), 1.2054795 / small_norm, 1e-6);
    assert_close(score(encoder, "bridge", small[0]), 0.0, 1e-6);
    assert_close(score(encoder, "stone river", small[2]), river / both * (2.2 / 1.75) / small_norm, 1e-6);
    assert_close(score(encoder, "stone river", small[0]), stone / both / small_norm, 1e-6);
    /* A word that no context has weighs as one that one context has. */
    assert_close(score(encoder, "stone castle", small[0]), stone / both / small_norm, 1e-6);
    row = row_of(encoder, QCTX_CONTEXT, small[0]);
    assert_close(row[65535], sqrt(1.0 - 2.0 / (small_norm * small_norm)), 1e-6);
    free(row);
    /* The longest of the fit has nothing left for the last coordinate, and longer ones neither. */
    row = row_of(encoder, QCTX_CONTEXT, small[1]);
    assert_close(row[65535], 0.0, 1e-3);
    free(row);
    row = row_of(encoder, QCTX_CONTEXT, "one one one two two two");
    assert_true(row[65535] == 0.0f);
    free(row);
    qctx_encoder_destroy(encoder);
}

static void test_ngrams_are_of_code_points_within_marked_words(void **state)
{
    const char *const texts[] = {"ab"};
    qctx_encoder *encoder = fitted(WIDE, texts, 1);
    /* "<ab>" has two 3-grams and one 4-gram. All features weigh 1 at the mean length; df 1 for all. */
    double norm = sqrt(1.0 + 3 * 0.3 * 0.3);

    (void)state;
    assert_close(score(encoder, "ab", "ab"), 1.0, 1e-6);
    /* "<ax>" and "<ab>" share nothing, "<abc>" and "<ab>" the 3-gram "<ab"; "<abc>" has 3 + 2 + 1 n-grams. */
    assert_close(score(encoder, "ax", "ab"), 0.0, 1e-6);
    assert_close(score(encoder, "abc", "ab"), 0.3 * 0.3 / norm / sqrt(1.0 + 6 * 0.3 * 0.3), 1e-6);
    /* One letter of two bytes is one code point: "<é>" is one 3-gram. */
    assert_close(score(encoder, "é", "é"), sqrt(1.0 + 0.3 * 0.3) / norm, 1e-6);
    qctx_encoder_destroy(encoder);
}

static void test_text_is_folded(void **state)
{
    qctx_encoder *encoder = fitted(NULL, small, 3);

    (void)state;
    assert_true(same_row(encoder, QCTX_QUESTION, "straße ﬁre ＡＢＣ", "STRASSE fire abc"));
    assert_true(same_row(encoder, QCTX_CONTEXT, "tower of stone", "stone -- TOWER"));
    assert_false(same_row(encoder, QCTX_QUESTION, "stone", "stone stone tower"));
    qctx_encoder_destroy(encoder);
}

static void test_texts_without_features_have_unit_rows(void **state)
{
    qctx_encoder *encoder = fitted(NULL, small, 3);
    float *question = row_of(encoder, QCTX_QUESTION, " ?! ");
    float *context = row_of(encoder, QCTX_CONTEXT, "");

    (void)state;
    assert_true(question[0] == 1.0f);
    assert_true(context[1023] == 1.0f);
    assert_close(score(encoder, "", ""), 0.0, 1e-6);
    /* Nothing but stop words: they count. */
    assert_true(score(encoder, "who was it?", "It was who?") > 0.1);
    assert_false(same_row(encoder, QCTX_QUESTION, "who", "what"));
    free(question);
    free(context);
    qctx_encoder_destroy(encoder);
}

/* Made-up sentences whose words repeat; the same on every rank. */
static char **make_texts(int64_t count, uint64_t seed)
{
    char **texts = malloc((size_t)count * sizeof *texts);

    for (int64_t i = 0; i < count; i++) {
        uint64_t a = qctx_hash(&i, sizeof i, seed);

        texts[i] = qctx_format(&error, "w%d x%d y%d the z%d w%d %s", (int)(a % 7), (int)(a % 31), (int)(a % 101),
                               (int)(a % 1009), (int)(a % 5), a % 3 == 0 ? "and some longer tail" : "");
    }
    return texts;
}

static void free_texts(char **texts, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

static void test_fit_is_the_same_on_any_number_of_ranks(void **state)
{
    enum { COUNT = 2003 };
    char **texts = make_texts(COUNT, 1);
    const char **turned = malloc(COUNT * sizeof *turned);
    qctx_encoder *encoder = fitted(NULL, (const char *const *)texts, COUNT), *again;
    char *settings, *fingerprint, *fingerprint_again;
    void *table;
    size_t bytes;

    (void)state;
    assert_status(qctx_encoder_save(encoder, &settings, &table, &bytes, &error), QCTX_OK, &error);
    /* The whole numbers of the table (features and their counts) as one rank finds them. */
    assert_int_equal(qctx_hash((char *)table + 48, bytes - 56, 0), 0x1eb75b4c7a0c56ac);
    /* Other shares for each rank, the same result. */
    for (int64_t i = 0; i < COUNT; i++)
        turned[i] = texts[(i + 777) % COUNT];
    again = fitted(NULL, turned, COUNT);
    fingerprint = qctx_encoder_fingerprint(encoder, &error);
    fingerprint_again = qctx_encoder_fingerprint(again, &error);
    assert_string_equal(fingerprint, fingerprint_again);
    assert_int_equal(strlen(fingerprint), strlen("hashing-0123456789abcdef"));
    assert_true(qctx_comm_same(test_comm, qctx_hash(fingerprint, strlen(fingerprint), 0)));
    free(settings);
    free(table);
    free(fingerprint);
    free(fingerprint_again);
    free(turned);
    free_texts(texts, COUNT);
    qctx_encoder_destroy(encoder);
    qctx_encoder_destroy(again);
}

/* More features than one slice of the exchange holds: each of these words stands in two contexts, so all are kept. */
static void test_many_features_are_merged_in_slices(void **state)
{
    enum { WORDS = 24000, COUNT = 2 * WORDS, WIDTH = 24 };
    char(*texts)[WIDTH] = malloc(COUNT * sizeof *texts);
    const char **pointers = malloc(COUNT * sizeof *pointers);
    qctx_encoder *encoder;
    char *settings;
    uint64_t *table;
    size_t bytes;
    int64_t features, whole = 0;

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t word = i % WORDS;

        snprintf(texts[i], WIDTH, "%016llx", (unsigned long long)qctx_hash(&word, sizeof word, 5));
        pointers[i] = texts[i];
    }
    encoder = fitted(NULL, pointers, COUNT);
    assert_status(qctx_encoder_save(encoder, &settings, (void **)&table, &bytes, &error), QCTX_OK, &error);
    features = (int64_t)table[6];
    for (int64_t i = 0; i < features; i++) {
        assert_true(i == 0 || table[7 + i - 1] < table[7 + i]);
        assert_true(table[7 + features + i] >= 2 && table[7 + features + i] <= COUNT);
        whole += table[7 + features + i] == 2;
    }
    /* 16 + 15 + 14 n-grams a word; the 5-grams of 16 hexadecimal digits are nearly all different. */
    assert_true(features > 1 << 18);
    assert_true(whole >= WORDS);
    free(settings);
    free(table);
    free(texts);
    free(pointers);
    qctx_encoder_destroy(encoder);
}

static void test_threads_do_not_change_bits(void **state)
{
    enum { COUNT = 1200 };
    char **texts = make_texts(COUNT, 2);
    const char *const *read = (const char *const *)texts;
    int before = omp_get_max_threads();
    qctx_encoder *one, *three;
    char *left, *right;
    float *rows = malloc(COUNT * 1024 * sizeof *rows), *others = malloc(COUNT * 1024 * sizeof *others);

    (void)state;
    omp_set_num_threads(1);
    one = fitted(NULL, read, COUNT);
    assert_status(qctx_encoder_encode(one, QCTX_QUESTION, read, COUNT, rows, &error), QCTX_OK, &error);
    omp_set_num_threads(3);
    three = fitted(NULL, read, COUNT);
    assert_status(qctx_encoder_encode(three, QCTX_QUESTION, read, COUNT, others, &error), QCTX_OK, &error);
    omp_set_num_threads(before);
    left = qctx_encoder_fingerprint(one, &error);
    right = qctx_encoder_fingerprint(three, &error);
    assert_string_equal(left, right);
    assert_memory_equal(rows, others, COUNT * 1024 * sizeof *rows);
    free(left);
    free(right);
    free(rows);
    free(others);
    free_texts(texts, COUNT);
    qctx_encoder_destroy(one);
    qctx_encoder_destroy(three);
}

static void test_fewer_contexts_than_ranks(void **state)
{
    const char *const lonely[] = {"a single context"};
    qctx_encoder *encoder = fitted(NULL, lonely, 1);

    (void)state;
    assert_close(score(encoder, "single context", lonely[0]), 1.0, 1e-6);
    qctx_encoder_destroy(encoder);
}

static void test_unusable_states_are_refused(void **state)
{
    const char *text = "text";
    float row[1024];
    qctx_encoder *encoder;

    (void)state;
    assert_status(qctx_encoder_create("hashing", NULL, &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &text, 1, row, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "not been fitted");
    assert_status(qctx_encoder_fit(encoder, test_comm, NULL, 0, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "no contexts");
    qctx_encoder_destroy(encoder);
    qctx_encoder_destroy(NULL);
}

static void expect_settings_refused(const char *settings, const char *message, const char *hint)
{
    qctx_encoder *encoder;

    error.hint[0] = '\0';
    assert_status(qctx_encoder_create("hashing", settings, &encoder, &error), QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, message);
    assert_contains(error.hint, hint);
}

static void test_bad_settings_are_refused(void **state)
{
    qctx_encoder *encoder;

    (void)state;
    expect_settings_refused("{\"dims\":8}", "unknown setting 'dims'", "'dim'");
    expect_settings_refused("{\"colour\":8}", "unknown setting 'colour'", "ngram_weight");
    expect_settings_refused("{\"dim\":15}", "dim: 15 is outside 16", "");
    expect_settings_refused("{\"dim\":100.5}", "expected a whole number", "");
    expect_settings_refused("{\"dim\":\"1024\"}", "found a string", "");
    expect_settings_refused("{\"b\":1.5}", "b: 1.5 is outside 0", "");
    expect_settings_refused("{\"k1\":-1}", "k1: -1 is outside", "");
    expect_settings_refused("[1]", "expected an object", "");
    expect_settings_refused("{\"dim\":", "settings of the encoder", "");
    expect_settings_refused("", "settings of the encoder", "");
    assert_status(qctx_encoder_create("hashin", NULL, &encoder, &error), QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "known: hashing");
    assert_contains(error.hint, "'hashing'");
}

static void test_a_restored_encoder_gives_the_same_rows(void **state)
{
    const char *asked = "{\"k1\":0.1,\"dim\":512}";
    qctx_encoder *encoder = fitted(asked, small, 3), *restored;
    float *left = row_of(encoder, QCTX_QUESTION, "the stone bridge of tomorrow"), *right;
    char *settings, *fingerprint, *other;
    void *table;
    size_t bytes;

    (void)state;
    assert_status(qctx_encoder_save(encoder, &settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(settings, "{\"dim\":512,\"ngram_weight\":0.3,\"k1\":0.1,\"b\":0.75}");
    assert_status(qctx_encoder_restore("hashing", settings, table, bytes, &restored, &error), QCTX_OK, &error);
    assert_int_equal(qctx_encoder_dim(restored), 512);
    assert_string_equal(qctx_encoder_name(restored), "hashing");
    right = row_of(restored, QCTX_QUESTION, "the stone bridge of tomorrow");
    assert_memory_equal(left, right, 512 * sizeof *left);
    fingerprint = qctx_encoder_fingerprint(encoder, &error);
    other = qctx_encoder_fingerprint(restored, &error);
    assert_string_equal(fingerprint, other);
    free(left);
    free(right);
    free(fingerprint);
    free(other);
    free(settings);
    free(table);
    qctx_encoder_destroy(encoder);
    qctx_encoder_destroy(restored);
}

/*
 * The seeded hashes of texts of up to 3 bytes meet systematically: the word "see" and the n-gram "sed" of "used" are
 * one feature, which counts a context with both twice.
 */
static void test_a_word_that_meets_an_ngram_is_restored(void **state)
{
    const char *const both[] = {"you see it used", "used as you see", "see what is used"};
    qctx_encoder *encoder = fitted(NULL, both, 3), *restored;
    char *settings;
    void *table;
    size_t bytes;

    (void)state;
    assert_status(qctx_encoder_save(encoder, &settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_restore("hashing", settings, table, bytes, &restored, &error), QCTX_OK, &error);
    free(settings);
    free(table);
    qctx_encoder_destroy(encoder);
    qctx_encoder_destroy(restored);
}

static void expect_table_refused(const char *settings, const void *table, size_t bytes, const char *message)
{
    qctx_encoder *encoder;

    assert_status(qctx_encoder_restore("hashing", settings, table, bytes, &encoder, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, message);
}

static void test_torn_and_foreign_tables_are_refused(void **state)
{
    qctx_encoder *encoder = fitted(NULL, small, 3);
    unsigned char *table;
    char *settings;
    size_t bytes;

    (void)state;
    assert_status(qctx_encoder_save(encoder, &settings, (void **)&table, &bytes, &error), QCTX_OK, &error);
    expect_table_refused(NULL, "", 0, "no magic");
    expect_table_refused(NULL, "{\"json\": true}", 14, "no magic");
    for (size_t shorter = 1; shorter < bytes; shorter += shorter < 80 ? 1 : 8)
        assert_int_equal(qctx_encoder_restore("hashing", NULL, table, shorter, &encoder, &error), QCTX_ERR_FORMAT);
    expect_table_refused(NULL, table, bytes - 8, "torn");
    expect_table_refused("{\"k1\":1}", table, bytes, "other settings");
    table[bytes / 2] ^= 1;
    expect_table_refused(NULL, table, bytes, "checksum");
    table[bytes / 2] ^= 1;
    table[8] = 2;
    expect_table_refused(NULL, table, bytes, "version");
    table[8] = 1;
    /* A count that would make the length overflow. */
    memset(table + 48, 0xFF, 8);
    expect_table_refused(NULL, table, bytes, "torn");
    free(settings);
    free(table);
    qctx_encoder_destroy(encoder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_scores_are_bm25_by_hand),
    cmocka_unit_test(test_ngrams_are_of_code_points_within_marked_words),
    cmocka_unit_test(test_text_is_folded),
    cmocka_unit_test(test_texts_without_features_have_unit_rows),
    cmocka_unit_test(test_fit_is_the_same_on_any_number_of_ranks),
    cmocka_unit_test(test_many_features_are_merged_in_slices),
    cmocka_unit_test(test_threads_do_not_change_bits),
    cmocka_unit_test(test_fewer_contexts_than_ranks),
    cmocka_unit_test(test_unusable_states_are_refused),
    cmocka_unit_test(test_bad_settings_are_refused),
    cmocka_unit_test(test_a_restored_encoder_gives_the_same_rows),
    cmocka_unit_test(test_a_word_that_meets_an_ngram_is_restored),
    cmocka_unit_test(test_torn_and_foreign_tables_are_refused),
};
TEST_MAIN(tests)
