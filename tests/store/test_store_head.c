/* ranks: 1 */
#include "harness.h"

#include "qctx/base/outfile.h"
#include "qctx/store/store.h"

static qctx_error error;

/* What is damaged is said when it is opened, so that nobody takes a damaged store for something else. */
static void what_begins_as_a_store_is_one_whatever_follows(void **state)
{
    static const char cut[] = "qctx-store 2 bytes 600";
    static const char other[] = "qctx-stone 2 bytes 600 questions 512+8 contexts 520+8";

    (void)state;
    assert_status(qctx_file_write(test_path("cut.h5"), cut, sizeof cut, &error), QCTX_OK, &error);
    assert_true(qctx_store_is(test_path("cut.h5")));
    assert_status(qctx_file_write(test_path("other.h5"), other, sizeof other, &error), QCTX_OK, &error);
    assert_false(qctx_store_is(test_path("other.h5")));
    assert_false(qctx_store_is(test_path("none.h5")));
    assert_false(qctx_store_is(test_folder()));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_begins_as_a_store_is_one_whatever_follows),
};
TEST_MAIN(tests)
