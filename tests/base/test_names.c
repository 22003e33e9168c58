/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include "qctx/base/names.h"

static const char *const fruits[] = {"apple", "pear", "quince", NULL}, *const one[] = {"apple", NULL};

static void the_place_of_a_name_is_found(void **state)
{
    (void)state;
    assert_int_equal(qctx_name_find(fruits, "apple"), 0);
    assert_int_equal(qctx_name_find(fruits, "quince"), 2);
    assert_int_equal(qctx_name_find(one, "apple"), 0);
}

static void what_is_no_name_has_no_place(void **state)
{
    (void)state;
    assert_int_equal(qctx_name_find(fruits, "plum"), -1);
    assert_int_equal(qctx_name_find(fruits, "app"), -1);
    assert_int_equal(qctx_name_find(fruits, "apples"), -1);
    assert_int_equal(qctx_name_find(fruits, "Apple"), -1);
    assert_int_equal(qctx_name_find(fruits, ""), -1);
}

static void names_are_counted(void **state)
{
    (void)state;
    assert_int_equal(qctx_name_count(fruits), 3);
    assert_int_equal(qctx_name_count(one), 1);
}

static void names_are_joined(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(qctx_names_join(fruits, ", ", " or ", text, sizeof text), "apple, pear or quince");
    assert_string_equal(qctx_names_join(fruits, "|", "|", text, sizeof text), "apple|pear|quince");
    assert_string_equal(qctx_names_join(one, ", ", " or ", text, sizeof text), "apple");
}

static void what_does_not_fit_is_cut(void **state)
{
    char text[16];

    (void)state;
    memset(text, '#', sizeof text);
    assert_string_equal(qctx_names_join(fruits, ", ", " or ", text, 9), "apple, p");
    assert_int_equal(text[9], '#');
    assert_string_equal(qctx_names_join(fruits, ", ", " or ", text, 1), "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_place_of_a_name_is_found),
    cmocka_unit_test(what_is_no_name_has_no_place),
    cmocka_unit_test(names_are_counted),
    cmocka_unit_test(names_are_joined),
    cmocka_unit_test(what_does_not_fit_is_cut),
};
TEST_MAIN(tests)
