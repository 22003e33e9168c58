/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "qctx/base/arena.h"
#include "qctx/base/textmap.h"

static void keeps_thousands_of_texts_where_they_are(void **state)
{
    enum { COUNT = 5000 };
    static const char *keys[COUNT];
    qctx_arena arena = {0};
    qctx_textmap map = {0};
    char text[32], big[2000];
    qctx_error error;
    int64_t kept;

    (void)state;
    assert_int_equal(qctx_textmap_find(&map, "none"), -1);
    memset(big, 'b', sizeof big);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "key %d", i);
        keys[i] = qctx_arena_text(&arena, text, strlen(text), &error);
        assert_non_null(keys[i]);
        assert_non_null(qctx_arena_text(&arena, big, sizeof big, &error));
        assert_status(qctx_textmap_add(&map, keys[i], i, &kept, &error), QCTX_OK, &error);
        assert_int_equal(kept, i);
    }
    assert_int_equal(map.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "key %d", i);
        assert_string_equal(keys[i], text);
        assert_int_equal(qctx_textmap_find(&map, text), i);
    }
    assert_int_equal(qctx_textmap_find(&map, "key"), -1);
    assert_status(qctx_textmap_add(&map, "key 7", 99, &kept, &error), QCTX_OK, &error);
    assert_int_equal(kept, 7);
    assert_int_equal(map.count, COUNT);
    qctx_textmap_free(&map);
    qctx_arena_free(&arena);
}

static void takes_texts_larger_than_a_block(void **state)
{
    static char huge[3 << 20];
    qctx_arena arena = {0};
    const char *small, *large, *after;

    (void)state;
    memset(huge, 'h', sizeof huge);
    small = qctx_arena_text(&arena, "s", 1, NULL);
    large = qctx_arena_text(&arena, huge, sizeof huge, NULL);
    after = qctx_arena_text(&arena, "", 0, NULL);
    assert_string_equal(small, "s");
    assert_int_equal(strlen(large), sizeof huge);
    assert_string_equal(after, "");
    qctx_arena_free(&arena);
    assert_null(arena.last);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_thousands_of_texts_where_they_are),
    cmocka_unit_test(takes_texts_larger_than_a_block),
};
TEST_MAIN(tests)
