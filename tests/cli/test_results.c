/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/cli/results.h"
#include "qctx/text/json.h"

static qctx_error error;

static void sentences_are_results(void **state)
{
    char *sentences[] = {"First one.", "Second \"one\"."};
    const qctx_hit hits[] = {{0.75f, 1}, {-0.5f, 0}};
    const qctx_results results = {.question = "which?", .hits = hits, .count = 2, .sentences = sentences};
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    json_t *object = NULL;
    const char *question, *id, *found;
    json_int_t position;
    double score;

    (void)state;
    assert_status(qctx_results_print(&results, false, stream, &error), QCTX_OK, &error);
    fclose(stream);
    assert_string_equal(text, "  1  0.7500 Second \"one\".\n  2 -0.5000 First one.\n");
    free(text);
    stream = open_memstream(&text, &bytes);
    assert_status(qctx_results_print(&results, true, stream, &error), QCTX_OK, &error);
    fclose(stream);
    assert_status(qctx_json_parse(text, bytes, "results", &object, &error), QCTX_OK, &error);
    assert_int_equal(json_unpack(object, "{s:s, s:[{s:I, s:F, s:s, s:s}]}", "question", &question, "hits", "position",
                                 &position, "score", &score, "id", &id, "text", &found),
                     0);
    assert_string_equal(question, "which?");
    assert_int_equal(position, 1);
    assert_close(score, 0.75, 0);
    assert_string_equal(id, "2");
    assert_string_equal(found, "Second \"one\".");
    json_decref(object);
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sentences_are_results),
};
TEST_MAIN(tests)
