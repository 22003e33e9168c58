/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/text/unicode.h"

static qctx_error error;

static void expect_normal(qctx_normal_form form, const char *text, const char *expected)
{
    char *normal = NULL;
    int64_t length = -1;

    assert_status(qctx_unicode_normalize(form, text, (int64_t)strlen(text), &normal, &length, &error), QCTX_OK, &error);
    assert_string_equal(normal, expected);
    assert_int_equal(length, strlen(expected));
    free(normal);
}

static void expect_lower(const char *text, const char *expected)
{
    char *lower = NULL;
    int64_t length = -1;

    assert_status(qctx_unicode_lower(text, (int64_t)strlen(text), &lower, &length, &error), QCTX_OK, &error);
    assert_string_equal(lower, expected);
    assert_int_equal(length, strlen(expected));
    free(lower);
}

static void expect_repaired(const char *text, int64_t length, const char *expected)
{
    char *repaired = NULL;
    int64_t repaired_length = -1;

    assert_status(qctx_unicode_repair(text, length, &repaired, &repaired_length, &error), QCTX_OK, &error);
    assert_string_equal(repaired, expected);
    assert_int_equal(repaired_length, strlen(expected));
    free(repaired);
}

/* Every code point that is no surrogate survives being written and read, in the bytes that UTF-8 gives it. */
static void points_are_written_and_read(void **state)
{
    (void)state;
    for (uint32_t point = 1; point <= 0x10FFFF; point++) {
        char bytes[4];
        uint32_t found = 0;
        int length, expected = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

        if (point >= 0xD800 && point < 0xE000)
            continue;
        length = qctx_unicode_put(point, bytes);
        if (length != expected || qctx_unicode_next(bytes, length, 0, &found) != length || found != point)
            fail_msg("U+%04X was read as U+%04X", (unsigned)point, (unsigned)found);
    }
}

/* Samples of the Unicode Character Database. */
static void properties_are_those_of_unicode(void **state)
{
    (void)state;
    assert_true(qctx_unicode_is_letter('a') && qctx_unicode_is_letter(0x4E2D) && qctx_unicode_is_letter(0x2B0));
    assert_false(qctx_unicode_is_letter('1') || qctx_unicode_is_letter(0x301) || qctx_unicode_is_letter('_'));
    assert_true(qctx_unicode_is_number('7') && qctx_unicode_is_number(0xBD) && qctx_unicode_is_number(0x2167));
    assert_false(qctx_unicode_is_number('x'));
    assert_true(qctx_unicode_is_mark(0x301) && qctx_unicode_is_mark(0x20D0));
    assert_false(qctx_unicode_is_mark(0x903) || qctx_unicode_is_mark(0x20DD) || qctx_unicode_is_mark('a'));
    assert_true(qctx_unicode_is_punctuation('!') && qctx_unicode_is_punctuation(0x3002));
    assert_false(qctx_unicode_is_punctuation('$') || qctx_unicode_is_punctuation('+'));
    assert_true(qctx_unicode_is_other(0) && qctx_unicode_is_other(0x200B) && qctx_unicode_is_other(0xE000) &&
                qctx_unicode_is_other(0x378));
    assert_false(qctx_unicode_is_other(' ') || qctx_unicode_is_other(0xFFFD));
    assert_true(qctx_unicode_is_space(' ') && qctx_unicode_is_space('\t') && qctx_unicode_is_space(0xA0) &&
                qctx_unicode_is_space(0x3000) && qctx_unicode_is_space(0x85) && qctx_unicode_is_space(0x2028));
    assert_false(qctx_unicode_is_space(0x200B) || qctx_unicode_is_space(0xFEFF) || qctx_unicode_is_space(0x1C));
}

/* U+0378 is not assigned, U+FDD0 a noncharacter; the others by DerivedAge.txt. */
static void ages_are_those_of_unicode(void **state)
{
    (void)state;
    assert_int_equal(qctx_unicode_age('a'), 1);
    assert_int_equal(qctx_unicode_age(0x20AC), 2);
    assert_int_equal(qctx_unicode_age(0x8D4), 9);
    assert_int_equal(qctx_unicode_age(0x0378), 0);
    assert_int_equal(qctx_unicode_age(0xFDD0), 0);
}

/* U+24B6 is Other_Alphabetic, U+13460 came with Unicode 16. */
static void words_are_made_of_what_the_report_says(void **state)
{
    (void)state;
    assert_true(qctx_unicode_is_word('a') && qctx_unicode_is_word('7') && qctx_unicode_is_word('_') &&
                qctx_unicode_is_word(0x301) && qctx_unicode_is_word(0x200D) && qctx_unicode_is_word(0x24B6) &&
                qctx_unicode_is_word(0x13460));
    assert_false(qctx_unicode_is_word('-') || qctx_unicode_is_word(' ') || qctx_unicode_is_word(0xBD) ||
                 qctx_unicode_is_word(0x20AC) || qctx_unicode_is_word(0x0378));
    assert_true(qctx_unicode_is_any_mark(0x903) && qctx_unicode_is_any_mark(0x20DD));
    assert_false(qctx_unicode_is_any_mark('a'));
}

/* Unicode Standard Annex 15, figures 3 to 6. */
static void normal_forms_are_those_of_the_standard(void **state)
{
    char ligatures[3 * 1000 + 1] = "", letters[3 * 1000 + 1] = "";

    (void)state;
    expect_normal(QCTX_NFD, "", "");
    expect_normal(QCTX_NFD, "plain", "plain");
    expect_normal(QCTX_NFD, "\u00C5 \u1E69", "A\u030A s\u0323\u0307");
    expect_normal(QCTX_NFC, "A\u030A s\u0307\u0323 \u212B", "\u00C5 \u1E69 \u00C5");
    expect_normal(QCTX_NFC, "\u1112\u1161\u11AB", "\uD55C");
    expect_normal(QCTX_NFC, "\uFB01 2\u2075", "\uFB01 2\u2075");
    expect_normal(QCTX_NFKC, "\uFB01 2\u2075 \u1E9B\u0323", "fi 25 \u1E69");
    expect_normal(QCTX_NFKD, "\u1E9B\u0323", "s\u0323\u0307");

    /* Three letters for one, which overflows the first buffer. */
    for (int i = 0; i < 1000; i++)
        strcat(ligatures, "\uFB03"), strcat(letters, "ffi");
    expect_normal(QCTX_NFKD, ligatures, letters);
}

static void lower_case_knows_no_context(void **state)
{
    (void)state;
    expect_lower("", "");
    expect_lower("ABC xyz 1", "abc xyz 1");
    expect_lower("\u039F\u0394\u039F\u03A3", "\u03BF\u03B4\u03BF\u03C3");
    expect_lower("\u0130\u0130", "i\u0307i\u0307");
    expect_lower("\u1E9E\u00DF", "\u00DF\u00DF");
    expect_lower("\u023A\u023A\u023A\u023A", "\u2C65\u2C65\u2C65\u2C65");
    expect_lower("\U0001D400\U00010400", "\U0001D400\U00010428");
    /* Unicode 16 and 17. */
    expect_lower("\uA7CB\uA7DC\U00010D65\U00016EA0", "\u0264\u019B\U00010D85\U00016EBB");
}

/* The examples of the Unicode Standard, tables 3-8 to 3-11. */
static void bad_bytes_are_replaced_by_parts(void **state)
{
    (void)state;
    expect_repaired("", 0, "");
    expect_repaired("ok \u00E4", 5, "ok \u00E4");
    expect_repaired("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 9,
                    "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
                    "A");
    expect_repaired("\xED\xA0\x80\x41", 4, "\uFFFD\uFFFD\uFFFD\x41");
    expect_repaired("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9,
                    "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
                    "A\uFFFD\uFFFD"
                    "B");
    expect_repaired("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 9, "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
    expect_repaired("a\xE2\x82", 3, "a\uFFFD");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(points_are_written_and_read),
    cmocka_unit_test(properties_are_those_of_unicode),
    cmocka_unit_test(normal_forms_are_those_of_the_standard),
    cmocka_unit_test(ages_are_those_of_unicode),
    cmocka_unit_test(words_are_made_of_what_the_report_says),
    cmocka_unit_test(lower_case_knows_no_context),
    cmocka_unit_test(bad_bytes_are_replaced_by_parts),
};

TEST_MAIN(tests)
