/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/yaml.h"

static qctx_yaml *parse(const char *text)
{
    static qctx_error error;
    qctx_yaml *root = NULL;

    assert_status(qctx_yaml_parse(text, strlen(text), "a.yaml", &root, &error), QCTX_OK, &error);
    assert_non_null(root);
    return root;
}

/* Expects the text to be refused, returns the message. */
static const char *refuse_bytes(const char *text, size_t bytes, bool tree)
{
    static qctx_error error;
    qctx_yaml *root = NULL;

    memset(&error, 0, sizeof error);
    assert_status(qctx_yaml_parse(text, bytes, "a.yaml", &root, &error), QCTX_ERR_CONFIG, &error);
    assert_int_equal(root != NULL, tree);
    qctx_yaml_destroy(root);
    return error.message;
}

static const char *refuse(const char *text)
{
    return refuse_bytes(text, strlen(text), false);
}

/* `count` times `part` between `before` and `after`; the caller frees it. */
static char *repeat(const char *before, const char *part, int64_t count, const char *after)
{
    size_t length = strlen(part);
    char *text = qctx_alloc((int64_t)(strlen(before) + length * (size_t)count + strlen(after) + 1), 1, "a text", NULL);
    char *end;

    assert_non_null(text);
    end = stpcpy(text, before);
    for (int64_t i = 0; i < count; i++)
        end = mempcpy(end, part, length);
    strcpy(end, after);
    return text;
}

static void knows_where_everything_stands(void **state)
{
    qctx_yaml *root = parse("# a comment\nrun:\n  name: squad   # why\n  seed: \"1\"\nlist: [a, {b: c}]\nempty:\n");
    const qctx_yaml *run = root->children[0], *list = root->children[1], *empty = root->children[2];

    (void)state;
    assert_int_equal(root->kind, QCTX_YAML_MAPPING);
    assert_int_equal(root->count, 3);
    assert_string_equal(run->key, "run");
    assert_int_equal(run->line, 2);
    assert_int_equal(run->column, 1);
    assert_string_equal(run->children[0]->text, "squad");
    assert_false(run->children[0]->quoted);
    assert_int_equal(run->children[0]->line, 3);
    assert_int_equal(run->children[0]->column, 3);
    assert_string_equal(run->children[1]->text, "1");
    assert_true(run->children[1]->quoted);
    assert_int_equal(list->kind, QCTX_YAML_SEQUENCE);
    assert_null(list->children[0]->key);
    assert_int_equal(list->children[0]->column, 8);
    assert_int_equal(list->children[1]->column, 11);
    assert_string_equal(list->children[1]->children[0]->key, "b");
    assert_int_equal(list->children[1]->children[0]->column, 12);
    assert_string_equal(empty->text, "");
    qctx_yaml_destroy(root);
}

static void an_empty_document_is_an_empty_mapping(void **state)
{
    static const char *const texts[] = {"", "\n", "# only a comment\n", "\xEF\xBB\xBF"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        qctx_yaml *root = parse(texts[i]);

        assert_int_equal(root->kind, QCTX_YAML_MAPPING);
        assert_int_equal(root->count, 0);
        qctx_yaml_destroy(root);
    }
}

static void reports_several_problems_at_once(void **state)
{
    static const char text[] = "a: &x 1\nb: !int 2\nc: 3\nc: 4\n";

    (void)state;
    assert_string_equal(refuse_bytes(text, strlen(text), true), "a.yaml:1:4: anchors are not supported: &x\n"
                                                                "a.yaml:2:4: tags are not supported: !int\n"
                                                                "a.yaml:4:1: duplicate key c, given in line 3 already");
    assert_string_equal(refuse("a: &x 1\nb: *x\n<<: {d: 1}\n---\nsecond\n"),
                        "a.yaml:1:4: anchors are not supported: &x\n"
                        "a.yaml:2:4: aliases are not supported: *x\n"
                        "a.yaml:3:1: merge keys (<<) are not supported\n"
                        "a.yaml:4:1: a second document; only one is read");
}

static void shows_the_line_of_a_syntax_error(void **state)
{
    (void)state;
    assert_string_equal(refuse("run: {name: x\nbatch:\n  size: 1\n"),
                        "a.yaml:2:6: did not find expected ',' or '}' while parsing a flow mapping that begins in line "
                        "1\n    batch:");
    assert_string_equal(refuse("run:\n\tname: x\n"), "a.yaml:2:1: a tab; YAML is indented with spaces\n    \\tname: x");
    assert_contains(refuse("a: [1, 2"),
                    "a.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that "
                    "begins in line 1\n    a: [1, 2");
    assert_contains(refuse("a: \"never closed\n"), "a.yaml:");
    assert_contains(refuse("a: 1\n b: 2\n"), "a.yaml:2:3: mapping values are not allowed in this context\n     b: 2");
    assert_contains(refuse("? [a]\n: b\n"), "a.yaml:1:3: a key must be a plain word");
}

static void refuses_cycles_and_alias_bombs(void **state)
{
    char *bomb = repeat("a: &a [x]\n", "b: [*a, *a, *a, *a, *a, *a]\n", 20000, "");

    (void)state;
    assert_contains(refuse("&a [*a]\n"), "a.yaml:1:5: aliases are not supported: *a");
    /* Far more problems than a message holds: the last line says that there are more. */
    assert_contains(refuse(bomb), "aliases are not supported: *a\n…");
    free(bomb);
}

static void caps_depth_and_size(void **state)
{
    char *deep = repeat("a: ", "[", 10000, ""), *blocks = repeat("a: ", "- ", 10000, "x");
    char *wide = repeat("[", "1,", 100000, "]"), *allowed = repeat("", "[", 64, "");
    char *keys = repeat("", "k: 1\n", 40000, ""), *closed = repeat(allowed, "]", 64, "");

    (void)state;
    assert_contains(refuse(deep), "a.yaml:1:67: more than 64 levels");
    assert_contains(refuse(blocks), "a.yaml:1:");
    assert_contains(refuse(wide), "more than 100000 nodes");
    qctx_yaml_destroy(parse(closed));
    assert_contains(refuse_bytes(keys, strlen(keys), true), "a.yaml:2:1: duplicate key k, given in line 1 already\n");
    free(deep);
    free(blocks);
    free(wide);
    free(allowed);
    free(keys);
    free(closed);
}

static void reads_a_text_of_5_megabytes(void **state)
{
    char *text = repeat("a: ", "0123456789", 500000, "\n");
    qctx_yaml *root = parse(text);

    (void)state;
    assert_int_equal(strlen(root->children[0]->text), 5000000);
    qctx_yaml_destroy(root);
    free(text);
    text = repeat("\"", "k", 5000000, "\": 1\n");
    assert_true(strlen(refuse(text)) < 4096);
    free(text);
}

/* A byte order mark is no column: the keys behind it stand where they stand without it. */
static void reads_behind_a_byte_order_mark(void **state)
{
    qctx_yaml *root = parse("\xEF\xBB\xBF"
                            "run:\r\n  name: squad\r\nbatch: {size: 16}\r\n");

    (void)state;
    assert_int_equal(root->count, 2);
    assert_string_equal(root->children[0]->children[0]->text, "squad");
    assert_int_equal(root->children[0]->column, 1);
    assert_int_equal(root->children[1]->line, 3);
    qctx_yaml_destroy(root);
}

static void places_bytes_that_are_no_text(void **state)
{
    qctx_yaml *utf16 = NULL;
    qctx_error error;

    (void)state;
    /* What a text editor or a shell of Windows writes: two bytes a letter. */
    assert_status(qctx_yaml_parse("\xFF\xFE"
                                  "a\0:\0 \0"
                                  "1\0",
                                  10, "a.yaml", &utf16, &error),
                  QCTX_ERR_CONFIG, &error);
    assert_string_equal(error.message, "a.yaml: the text is UTF-16; expected UTF-8");
    assert_string_equal(refuse("a: 1\nb: \xC3\xA9\xFF\n"), "a.yaml:2:5: not UTF-8: invalid leading UTF-8 octet");
    assert_string_equal(refuse("a: caf\xE9}\n"), "a.yaml:1:8: not UTF-8: invalid trailing UTF-8 octet");
    assert_contains(refuse("a: \xC3"), "a.yaml:1:4: not UTF-8: incomplete UTF-8 octet sequence");
    assert_string_equal(refuse_bytes("a: 1\nb: \0x\n", 11, false), "a.yaml:2:4: control character 0x00");
    assert_contains(refuse("a: \"x\\0y\"\n"), "a.yaml:1:4: a NUL character in a text");
}

/* A config file cut anywhere either parses or is refused; nothing else happens (the sanitizers watch). */
static void survives_every_truncation(void **state)
{
    static const char text[] = "run: {name: \"caf\xC3\xA9\", out: 'r'}\ndata:\n  train:\n    - {corpus: a, split: b}\n"
                               "  eval: [\n   {store: x}]\nnote: |\n  two\n  lines\nx: &y !t [*y]\n";

    (void)state;
    for (size_t bytes = 0; bytes < sizeof text; bytes++) {
        qctx_error error;
        qctx_yaml *root = NULL;
        qctx_status status = qctx_yaml_parse(text, bytes, "a.yaml", &root, &error);

        assert_true(status == QCTX_OK || status == QCTX_ERR_CONFIG);
        if (status == QCTX_ERR_CONFIG)
            assert_contains(error.message, "a.yaml:");
        qctx_yaml_destroy(root);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(knows_where_everything_stands),    cmocka_unit_test(an_empty_document_is_an_empty_mapping),
    cmocka_unit_test(reports_several_problems_at_once), cmocka_unit_test(shows_the_line_of_a_syntax_error),
    cmocka_unit_test(refuses_cycles_and_alias_bombs),   cmocka_unit_test(caps_depth_and_size),
    cmocka_unit_test(reads_a_text_of_5_megabytes),      cmocka_unit_test(reads_behind_a_byte_order_mark),
    cmocka_unit_test(places_bytes_that_are_no_text),    cmocka_unit_test(survives_every_truncation),
};
TEST_MAIN(tests)
