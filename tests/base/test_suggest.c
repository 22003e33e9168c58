/* ranks: 1 */
#include "harness.h"

#include "qctx/base/suggest.h"

static const char *const words[] = {"train", "eval", "embed", "learning_rate"};

static void finds_the_nearest_word(void **state)
{
    (void)state;
    assert_string_equal(qctx_suggest("trian", words, 4), "train");
    assert_string_equal(qctx_suggest("evla", words, 4), "eval");
    assert_string_equal(qctx_suggest("learnin_rate", words, 4), "learning_rate");
}

static void stays_silent_when_nothing_is_near(void **state)
{
    (void)state;
    assert_null(qctx_suggest("zebra", words, 4));
    assert_null(qctx_suggest("", words, 4));
    assert_null(qctx_suggest("a word that is far longer than any key of this program ever will be, truly", words, 4));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_the_nearest_word),
    cmocka_unit_test(stays_silent_when_nothing_is_near),
};
TEST_MAIN(tests)
