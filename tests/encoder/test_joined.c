/* ranks: 1 3 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/encoder/encoder.h"
#include "qctx/encoder/joined.h"

static qctx_error error;

static const char *const texts[] = {"The stone tower.", "A stone bridge, a bridge!", "River", "the old river bank"};
enum { TEXTS = 4, NARROW = 32, WIDE = 80, DIM = NARROW + WIDE };

#define PARTS                                                                                                          \
    "{\"name\":\"hashing\",\"settings\":{\"dim\":32}},{\"name\":\"hashing\",\"settings\":{\"dim\":80,\"ngram_"         \
    "weight\":0.5}}"

static qctx_encoder *fitted(const char *name, const char *settings)
{
    qctx_encoder *encoder = NULL;

    assert_status(qctx_encoder_create(name, settings, &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_fit(encoder, test_comm, texts, TEXTS, &error), QCTX_OK, &error);
    return encoder;
}

static void encode(qctx_encoder *encoder, qctx_side side, float *rows)
{
    assert_status(qctx_encoder_encode(encoder, side, texts, TEXTS, rows, &error), QCTX_OK, &error);
}

static double dot(const float *a, const float *b, int64_t dim)
{
    double sum = 0;

    for (int64_t j = 0; j < dim; j++)
        sum += (double)a[j] * b[j];
    return sum;
}

/* Weights 1 and 3: rows of √¼ and √¾ of the parts', dot products ¼ of the one and ¾ of the other. */
static void rows_stand_side_by_side(void **state)
{
    qctx_encoder *joined = fitted("joined", "{\"parts\":[" PARTS "],\"weights\":[1,3]}");
    qctx_encoder *narrow = fitted("hashing", "{\"dim\":32}");
    qctx_encoder *wide = fitted("hashing", "{\"dim\":80,\"ngram_weight\":0.5}");
    float q[TEXTS * DIM], c[TEXTS * DIM], qn[TEXTS * NARROW], cn[TEXTS * NARROW], qw[TEXTS * WIDE], cw[TEXTS * WIDE];

    (void)state;
    assert_int_equal(qctx_encoder_dim(joined), DIM);
    encode(joined, QCTX_QUESTION, q);
    encode(joined, QCTX_CONTEXT, c);
    encode(narrow, QCTX_QUESTION, qn);
    encode(narrow, QCTX_CONTEXT, cn);
    encode(wide, QCTX_QUESTION, qw);
    encode(wide, QCTX_CONTEXT, cw);
    for (int i = 0; i < TEXTS; i++) {
        for (int j = 0; j < NARROW; j++)
            assert_close(q[i * DIM + j], 0.5 * qn[i * NARROW + j], 1e-7);
        for (int j = 0; j < WIDE; j++)
            assert_close(c[i * DIM + NARROW + j], sqrt(0.75) * cw[i * WIDE + j], 1e-7);
        assert_close(dot(q + i * DIM, q + i * DIM, DIM), 1.0, 1e-6);
        assert_close(dot(c + i * DIM, c + i * DIM, DIM), 1.0, 1e-6);
        for (int k = 0; k < TEXTS; k++)
            assert_close(dot(q + i * DIM, c + k * DIM, DIM),
                         0.25 * dot(qn + i * NARROW, cn + k * NARROW, NARROW) +
                             0.75 * dot(qw + i * WIDE, cw + k * WIDE, WIDE),
                         1e-6);
    }
    qctx_encoder_destroy(joined);
    qctx_encoder_destroy(narrow);
    qctx_encoder_destroy(wide);
}

static void a_part_without_weight_is_zero(void **state)
{
    qctx_encoder *joined = fitted("joined", "{\"parts\":[" PARTS "],\"weights\":[0,2]}");
    qctx_encoder *wide = fitted("hashing", "{\"dim\":80,\"ngram_weight\":0.5}");
    float rows[TEXTS * DIM], expected[TEXTS * WIDE];

    (void)state;
    encode(joined, QCTX_CONTEXT, rows);
    encode(wide, QCTX_CONTEXT, expected);
    for (int i = 0; i < TEXTS; i++) {
        for (int j = 0; j < NARROW; j++)
            assert_true(rows[i * DIM + j] == 0.0f);
        assert_memory_equal(rows + i * DIM + NARROW, expected + i * WIDE, WIDE * sizeof *rows);
    }
    qctx_encoder_destroy(joined);
    qctx_encoder_destroy(wide);
}

static void restores_what_was_saved(void **state)
{
    qctx_encoder *joined = fitted("joined", "{\"parts\":[" PARTS "],\"weights\":[0.1,1.3333333333333333]}");
    qctx_encoder *again = NULL;
    char *settings, *fingerprint, *other;
    void *table;
    size_t bytes;
    double weights[2];
    float rows[TEXTS * DIM], restored[TEXTS * DIM];

    (void)state;
    assert_status(qctx_encoder_save(joined, &settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_restore("joined", settings, table, bytes, &again, &error), QCTX_OK, &error);
    encode(joined, QCTX_QUESTION, rows);
    encode(again, QCTX_QUESTION, restored);
    assert_memory_equal(rows, restored, sizeof rows);
    fingerprint = qctx_encoder_fingerprint(joined, &error);
    other = qctx_encoder_fingerprint(again, &error);
    assert_string_equal(fingerprint, other);
    assert_contains(fingerprint, "joined-");
    assert_contains(settings, "\"weights\":[0.1,1.33333333333333");
    assert_status(qctx_joined_weights(settings, 2, weights, &error), QCTX_OK, &error);
    assert_true(weights[0] == 0.1 && weights[1] == 1.3333333333333333);
    assert_status(qctx_joined_weights(settings, 3, weights, &error), QCTX_ERR_CONFIG, &error);
    qctx_encoder_destroy(again);

    /* Every torn table is refused, and one with more behind it. */
    for (size_t cut = 0; cut < bytes; cut++) {
        again = NULL;
        assert_status(qctx_encoder_restore("joined", settings, table, cut, &again, &error), QCTX_ERR_FORMAT, &error);
        assert_null(again);
    }
    ((unsigned char *)table)[7] = 0xFF;
    assert_status(qctx_encoder_restore("joined", settings, table, bytes, &again, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "are left");
    free(settings);
    free(table);
    free(fingerprint);
    free(other);
    qctx_encoder_destroy(joined);
}

/* What is put together from parts that were saved one by one is what the joined encoder would save. */
static void parts_can_be_saved_apart(void **state)
{
    static const char *const settings[] = {"{\"dim\":32}", "{\"dim\":80,\"ngram_weight\":0.5}"};
    static const double weights[] = {1, 0.75}, others[] = {1, 0.5};
    qctx_encoder *joined = fitted("joined", "{\"parts\":[" PARTS "],\"weights\":[1,0.75]}");
    qctx_joined_part parts[2] = {0};
    qctx_joined_saved saved = {0}, other = {0};
    char *kept[2], *fingerprints[2], *text, *fingerprint;
    void *tables[2], *table;
    size_t bytes;

    (void)state;
    for (int i = 0; i < 2; i++) {
        qctx_encoder *part = fitted("hashing", settings[i]);

        assert_status(qctx_encoder_save(part, &kept[i], &tables[i], &parts[i].bytes, &error), QCTX_OK, &error);
        fingerprints[i] = qctx_encoder_fingerprint(part, &error);
        parts[i].name = "hashing";
        parts[i].settings = kept[i];
        parts[i].fingerprint = fingerprints[i];
        parts[i].table = tables[i];
        qctx_encoder_destroy(part);
    }
    assert_status(qctx_joined_save_parts(parts, weights, 2, &saved, &error), QCTX_OK, &error);
    assert_status(qctx_joined_save_parts(parts, others, 2, &other, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_save(joined, &text, &table, &bytes, &error), QCTX_OK, &error);
    fingerprint = qctx_encoder_fingerprint(joined, &error);
    assert_string_equal(saved.settings, text);
    assert_string_equal(saved.fingerprint, fingerprint);
    assert_int_equal(saved.bytes, bytes);
    assert_memory_equal(saved.table, table, bytes);
    assert_string_not_equal(saved.fingerprint, other.fingerprint);
    for (int i = 0; i < 2; i++) {
        free(kept[i]);
        free(fingerprints[i]);
        free(tables[i]);
    }
    free(text);
    free(table);
    free(fingerprint);
    qctx_joined_saved_free(&saved);
    qctx_joined_saved_free(&other);
    qctx_encoder_destroy(joined);
}

#define FIELDS(more)                                                                                                   \
    "{\"parts\":[{\"name\":\"hashing\",\"settings\":{\"dim\":32},\"fields\":[{\"field\":\"text\",\"weight\":2},{"      \
    "\"field\":"                                                                                                       \
    "\"paragraph\",\"weight\":0.5},{\"field\":\"title\",\"weight\":0}]},{\"name\":\"hashing\",\"settings\":{\"dim\":"  \
    "80},"                                                                                                             \
    "\"fields\":[{\"field\":\"paragraph\",\"weight\":1.5}]}]" more "}"

/*
 * Contexts are given by their fields: text, paragraph and title of each. The first part's columns are 2·text +
 * ½·paragraph at unit length, times √(2½ / 4), the second's the paragraph's own, times √(1½ / 4).
 */
static void fields_are_summed(void **state)
{
    static const char *const paragraphs[TEXTS] = {"The stone tower stands.", "River", "River", "a bank of stone"};
    qctx_encoder *joined = fitted("joined", FIELDS(""));
    qctx_encoder *narrow = fitted("hashing", "{\"dim\":32}"), *wide = fitted("hashing", "{\"dim\":80}");
    float rows[TEXTS * DIM], t[TEXTS * NARROW], p[TEXTS * NARROW], w[TEXTS * WIDE];
    const char *given[TEXTS * 3];
    const char *const *names;

    (void)state;
    assert_int_equal(qctx_encoder_fields(joined, &names), 3);
    assert_string_equal(names[0], "text");
    assert_string_equal(names[1], "paragraph");
    assert_string_equal(names[2], "title");
    assert_int_equal(qctx_encoder_fields(narrow, &names), 0);
    for (int i = 0; i < TEXTS; i++) {
        given[i * 3] = texts[i];
        given[i * 3 + 1] = paragraphs[i];
        given[i * 3 + 2] = "unread";
    }
    assert_status(qctx_encoder_encode(joined, QCTX_CONTEXT, given, TEXTS, rows, &error), QCTX_OK, &error);
    encode(narrow, QCTX_CONTEXT, t);
    assert_status(qctx_encoder_encode(narrow, QCTX_CONTEXT, paragraphs, TEXTS, p, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(wide, QCTX_CONTEXT, paragraphs, TEXTS, w, &error), QCTX_OK, &error);
    for (int i = 0; i < TEXTS; i++) {
        double sum[NARROW], squares = 0;

        for (int j = 0; j < NARROW; j++) {
            sum[j] = 2 * (double)t[i * NARROW + j] + 0.5 * (double)p[i * NARROW + j];
            squares += sum[j] * sum[j];
        }
        for (int j = 0; j < NARROW; j++)
            assert_close(rows[i * DIM + j], sqrt(2.5 / 4) * sum[j] / sqrt(squares), 1e-6);
        for (int j = 0; j < WIDE; j++)
            assert_close(rows[i * DIM + NARROW + j], sqrt(1.5 / 4) * w[i * WIDE + j], 1e-6);
        assert_close(dot(rows + i * DIM, rows + i * DIM, DIM), 1.0, 1e-6);
    }

    /* A question is one text, and its row the parts' side by side. */
    encode(joined, QCTX_QUESTION, rows);
    encode(narrow, QCTX_QUESTION, t);
    for (int j = 0; j < NARROW; j++)
        assert_close(rows[DIM + j], sqrt(2.5 / 4) * t[NARROW + j], 1e-6);
    qctx_encoder_destroy(joined);
    qctx_encoder_destroy(narrow);
    qctx_encoder_destroy(wide);
}

static void fields_are_saved(void **state)
{
    qctx_encoder *joined = fitted("joined", FIELDS("")), *again = NULL, *part = NULL;
    qctx_encoder *narrow = fitted("hashing", "{\"dim\":32}");
    char *settings, *fingerprints[2], *names[QCTX_JOINED_MAX];
    double weights[4];
    void *table;
    size_t bytes;
    int64_t count;

    (void)state;
    assert_status(qctx_encoder_save(joined, &settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_contains(settings, "\"fields\":[{\"field\":\"text\",\"weight\":2},{\"field\":\"paragraph\",\"weight\":0.5}");
    assert_null(strstr(settings, "weights"));
    assert_status(qctx_encoder_restore("joined", settings, table, bytes, &again, &error), QCTX_OK, &error);
    fingerprints[0] = qctx_encoder_fingerprint(joined, &error);
    fingerprints[1] = qctx_encoder_fingerprint(again, &error);
    assert_string_equal(fingerprints[0], fingerprints[1]);
    free(fingerprints[0]);
    free(fingerprints[1]);

    /* Weights by field, part by part; the fields, each once; and the first part as an encoder of its own. */
    assert_status(qctx_joined_weights(settings, 4, weights, &error), QCTX_OK, &error);
    assert_true(weights[0] == 2 && weights[1] == 0.5 && weights[2] == 0 && weights[3] == 1.5);
    assert_status(qctx_joined_weights(settings, 2, weights, &error), QCTX_ERR_CONFIG, &error);
    assert_status(qctx_joined_saved_fields("joined", settings, names, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 3);
    assert_string_equal(names[1], "paragraph");
    for (int64_t f = 0; f < count; f++)
        free(names[f]);
    assert_status(qctx_joined_saved_fields("hashing", "{}", names, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 0);
    /* A store of other origin may name the encoder alone. */
    assert_status(qctx_joined_saved_fields("joined", "", names, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 0);
    assert_status(qctx_joined_restore_part(settings, table, bytes, &part, &error), QCTX_OK, &error);
    fingerprints[0] = qctx_encoder_fingerprint(part, &error);
    fingerprints[1] = qctx_encoder_fingerprint(narrow, &error);
    assert_string_equal(fingerprints[0], fingerprints[1]);
    free(fingerprints[0]);
    free(fingerprints[1]);
    free(settings);
    free(table);
    qctx_encoder_destroy(joined);
    qctx_encoder_destroy(again);
    qctx_encoder_destroy(part);
    qctx_encoder_destroy(narrow);
}

static void refuses_bad_settings(void **state)
{
    static const struct {
        const char *settings, *message;
    } cases[] = {
        {NULL, "parts: found nothing"},
        {"[]", "found an array, expected an object"},
        {"{", "settings of the encoder 'joined'"},
        {"{}", "parts: found nothing"},
        {"{\"parts\":{}}", "parts: found an object"},
        {"{\"parts\":[{\"name\":\"hashing\"}]}", "found 1, expected 2 to 16"},
        {"{\"parts\":[" PARTS "],\"weight\":[1,1]}", "unknown setting 'weight'"},
        {FIELDS(",\"weights\":[1,1]"), "weights: stand with the fields"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\"}]},{\"name\":\"hashing\"}]}",
         "parts[1]: fields: all"},
        {"{\"parts\":[{\"name\":\"hashing\"},{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\"}]}]}",
         "parts[1]: fields: all"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[]}]}", "parts[0]: fields: found nothing"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":3}]}", "parts[0]: fields: found an integer"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[3]}]}", "fields[0]: found an integer"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"\"}]}]}", "fields[0]: field: found"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\",\"dim\":1}]}]}", "unknown setting 'dim'"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\",\"weight\":-1}]}]}",
         "fields[0]: weight: expected"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\",\"weight\":0}]}]}", "expected above 0"},
        {"{\"parts\":[{\"name\":\"hashing\",\"fields\":[{\"field\":\"a\"},{\"field\":\"a\"}]}]}", "'a' is named twice"},
        {"{\"parts\":[" PARTS "],\"weights\":1}", "weights: found"},
        {"{\"parts\":[" PARTS "],\"weights\":[1]}", "expected a list of 2"},
        {"{\"parts\":[" PARTS "],\"weights\":[1,-1]}", "weights[1]: expected a number ≥ 0"},
        {"{\"parts\":[" PARTS "],\"weights\":[1,\"1\"]}", "weights[1]"},
        {"{\"parts\":[" PARTS "],\"weights\":[0,0]}", "expected above 0"},
        {"{\"parts\":[" PARTS "],\"weights\":[1e300,1]}", "at most 1e+06"},
        {"{\"parts\":[1,2]}", "parts[0]: found an integer"},
        {"{\"parts\":[{\"name\":\"hashing\",\"dim\":3},{\"name\":\"hashing\"}]}", "parts[0]: unknown setting 'dim'"},
        {"{\"parts\":[{\"name\":3},{\"name\":\"hashing\"}]}", "parts[0]: name"},
        {"{\"parts\":[{\"name\":\"hashing\",\"settings\":3},{\"name\":\"hashing\"}]}", "parts[0]: settings"},
        {"{\"parts\":[{\"name\":\"hashing\"},{\"name\":\"joined\"}]}", "not joined again"},
        {"{\"parts\":[{\"name\":\"hashing\"},{\"name\":\"hashin\"}]}", "unknown encoder 'hashin'"},
        {"{\"parts\":[{\"name\":\"hashing\"},{\"name\":\"hashing\",\"settings\":{\"dim\":1}}]}", "dim"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_encoder *encoder = NULL;

        assert_status(qctx_encoder_create("joined", cases[i].settings, &encoder, &error), QCTX_ERR_CONFIG, &error);
        assert_contains(error.message, cases[i].message);
        assert_null(encoder);
    }
}

static void an_unfitted_part_does_not_encode(void **state)
{
    qctx_encoder *encoder = NULL;
    float rows[TEXTS * DIM];

    (void)state;
    assert_status(qctx_encoder_create("joined", "{\"parts\":[" PARTS "]}", &encoder, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, texts, TEXTS, rows, &error), QCTX_ERR_DATA, &error);
    assert_int_equal(qctx_encoder_work_of(encoder).texts, 0);
    qctx_encoder_destroy(encoder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_stand_side_by_side), cmocka_unit_test(a_part_without_weight_is_zero),
    cmocka_unit_test(restores_what_was_saved), cmocka_unit_test(parts_can_be_saved_apart),
    cmocka_unit_test(fields_are_summed),       cmocka_unit_test(fields_are_saved),
    cmocka_unit_test(refuses_bad_settings),    cmocka_unit_test(an_unfitted_part_does_not_encode),
};
TEST_MAIN(tests)
