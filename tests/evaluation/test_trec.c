/* ranks: 1 3 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/evaluation/trec.h"
#include "small_store.h"

static qctx_error error;
static const qctx_projector no_head = {.input = SMALL_DIM, .normalize = true};

static const qctx_trec_run tagged = {"tagged", 20};

static qctx_eval_set set_of(const small_store *small)
{
    const qctx_split *split = qctx_store_split(small->store, "dev", &error);

    assert_non_null(split);
    return qctx_eval_set_of_store(small->store, split->count, split->questions, split->offsets, split->contexts);
}

/* Place of context `id` in the run's list of question `question`, from 0, or −1; checks that the scores fall. */
static int64_t place_in_run(const char *run, const char *question, const char *id)
{
    double last = 1e30;
    int64_t place = 0, found = -1;

    for (const char *line = run; *line != '\0'; line = strchr(line, '\n') + 1) {
        char of[32], context[32];
        double score;
        long long position;

        assert_int_equal(sscanf(line, "%31s Q0 %31s %lld %lf tagged\n", of, context, &position, &score), 4);
        if (strcmp(of, question) != 0)
            continue;
        assert_true((float)score < (float)last);
        assert_int_equal(position, place + 1);
        last = score;
        found = strcmp(context, id) == 0 ? place : found;
        place++;
    }
    return found;
}

static void a_run_file_has_the_order_of_evaluation(void **state)
{
    const qctx_protocol protocol = {.candidates = *(const qctx_candidates *)*state};
    small_store *small = small_open();
    qctx_eval_set set = set_of(small);
    int64_t positions[2 * SMALL_QUESTIONS];
    char *run = NULL;
    size_t bytes;
    FILE *out;

    assert_status(qctx_evaluate(test_comm, &set, &no_head, &protocol, positions, NULL, &error), QCTX_OK, &error);
    out = test_stream(test_path("run.trec"));
    assert_status(qctx_trec_write(test_comm, out, &set, &no_head, &protocol, &tagged, &error), QCTX_OK, &error);
    test_stream_close(out);
    assert_status(qctx_file_read(test_path("run.trec"), &run, &bytes, &error), QCTX_OK, &error);
    for (int64_t q = 0; q < set.count; q++)
        for (int64_t a = set.offsets[q]; a < set.offsets[q + 1]; a++) {
            int64_t place = place_in_run(run, small->question_id[q], small->context_id[set.contexts[a]]);

            assert_int_equal(place, positions[a] < 20 ? positions[a] : -1);
        }
    free(run);
    small_close(small);
}

static qctx_candidates split = QCTX_CANDIDATES_SPLIT, corpus = QCTX_CANDIDATES_CORPUS;

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_prestate(a_run_file_has_the_order_of_evaluation, &split),
    cmocka_unit_test_prestate(a_run_file_has_the_order_of_evaluation, &corpus),
};
TEST_MAIN(tests)
