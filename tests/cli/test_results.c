/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/cli/results.h"
#include "qctx/text/json.h"
#include "small_store.h"

static qctx_error error;

/* What qctx_results_print writes, the caller's to free. */
static char *printed(const qctx_results *results, bool json)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_status(qctx_results_print(results, json, stream, &error), QCTX_OK, &error);
    fclose(stream);
    return text;
}

static void results_say_where_they_are_from(void **state)
{
    small_store *small = small_open();
    qctx_store *stores[] = {small->store, small->store};
    const char *names[] = {"first.txt", "second"};
    const qctx_found found[] = {{0.75, 1, 3}, {-0.5, 0, 0}};
    qctx_results results = {.question = "which?", .found = found, .count = 2, .stores = stores};
    char expected[256], *text = printed(&results, false);
    const char *question, *id, *context, *source;
    json_t *object = NULL;
    json_int_t position;
    double score;

    (void)state;
    snprintf(expected, sizeof expected, "  1  0.7500 %s\n            %s\n  2 -0.5000 %s\n            %s\n",
             small->title[3], small->text[3], small->title[0], small->text[0]);
    assert_string_equal(text, expected);
    free(text);
    text = printed(&results, true);
    assert_null(strstr(text, "source"));
    free(text);

    results.names = names;
    text = printed(&results, false);
    snprintf(expected, sizeof expected, "  1  0.7500 [second] %s\n", small->title[3]);
    assert_contains(text, expected);
    free(text);
    text = printed(&results, true);
    assert_status(qctx_json_parse(text, strlen(text), "results", &object, &error), QCTX_OK, &error);
    assert_int_equal(json_unpack(object, "{s:s, s:[{s:I, s:F, s:s, s:s, s:s}]}", "question", &question, "hits",
                                 "position", &position, "score", &score, "id", &id, "text", &context, "source",
                                 &source),
                     0);
    assert_string_equal(question, "which?");
    assert_int_equal(position, 1);
    assert_close(score, 0.75, 0);
    assert_string_equal(id, small->context_id[3]);
    assert_string_equal(context, small->text[3]);
    assert_string_equal(source, "second");
    json_decref(object);
    free(text);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(results_say_where_they_are_from),
};
TEST_MAIN(tests)
