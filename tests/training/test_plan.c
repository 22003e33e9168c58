/* ranks: 1 2 5 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "qctx/base/tree_sum.h"
#include "qctx/model/contrastive.h"
#include "qctx/training/planner.h"

static const int64_t unlimited = INT64_C(1) << 60;

static qctx_plan_request request_of(int64_t batch, int64_t width)
{
    return (qctx_plan_request){
        .head = {QCTX_HEAD_PLAIN, QCTX_SIDES_BOTH, QCTX_ACTIVATION_RELU, 2, width, width, width, 0.0, 1},
        .kind = QCTX_LOSS_CLIP,
        .direction = QCTX_DIRECTION_BOTH,
        .normalize = true,
        .batch = batch,
        .similarity = QCTX_SIMILARITY_AUTO,
        .precision = QCTX_PRECISION_FLOAT32,
        .reproducible = false,
        .memory = 0,
    };
}

static qctx_plan choose(const qctx_plan_request *request, int ranks, int64_t limit)
{
    static qctx_error error;
    qctx_plan plan;

    assert_status(qctx_plan_choose(request, ranks, limit, &plan, &error), QCTX_OK, &error);
    return plan;
}

/* Expects a refusal and returns its record. */
static const qctx_error *refuse(const qctx_plan_request *request, int ranks, int64_t limit, qctx_status code)
{
    static qctx_error error;
    qctx_plan plan;

    memset(&error, 0, sizeof error);
    assert_status(qctx_plan_choose(request, ranks, limit, &plan, &error), code, &error);
    assert_true(error.hint[0] != '\0');
    return &error;
}

/* The ranks' rows follow each other and are all of the batch, also where leaves are dealt out and some rank gets none.
 */
static void rows_are_dealt_out_without_gap(void **state)
{
    static const int64_t batches[] = {5, 64, 777};
    int ranks = qctx_comm_size(test_comm);

    (void)state;
    for (int b = 0; b < 3; b++)
        for (int reproducible = 0; reproducible < 2; reproducible++) {
            qctx_plan plan = {.leaves = reproducible ? qctx_leaf_count(batches[b]) : 0};
            int64_t first, rows, counts[8], before = 0, all = 0;

            qctx_plan_rows(test_comm, &plan, batches[b], &first, &rows);
            qctx_comm_gather_counts(test_comm, rows, counts);
            for (int r = 0; r < ranks; r++) {
                before += r < qctx_comm_rank(test_comm) ? counts[r] : 0;
                all += counts[r];
            }
            assert_int_equal(all, batches[b]);
            assert_true(rows == 0 || first == before);
            assert_true(counts[0] >= rows);
        }
}

static void too_few_rows_are_refused(void **state)
{
    qctx_plan_request request = request_of(7, 16);
    const qctx_error *error = refuse(&request, 8, unlimited, QCTX_ERR_MISMATCH);

    (void)state;
    assert_contains(error->message, "batch.size: 7 questions a step are too few for 8 ranks");
    assert_contains(error->hint, "at most 7 ranks");
    choose(&request, 7, unlimited);
    request.similarity = QCTX_SIMILARITY_RING;
    error = refuse(&request, 4, unlimited, QCTX_ERR_MISMATCH);
    assert_contains(error->message, "loss.similarity: ring needs two questions a rank, batch.size 7 gives one to some "
                                    "of 4 ranks");
    assert_contains(error->hint, "raise batch.size to 8, start at most 3 ranks, or set loss.similarity: rows");
}

static void contradictions_are_refused(void **state)
{
    static const struct {
        qctx_loss_kind kind;
        qctx_similarity similarity;
        qctx_precision precision;
        bool reproducible;
        const char *key;
    } cases[] = {
        {QCTX_LOSS_CLIP, QCTX_SIMILARITY_AUTO, QCTX_PRECISION_BFLOAT16, true, NULL},
        {QCTX_LOSS_SIGMOID, QCTX_SIMILARITY_RING, QCTX_PRECISION_AUTO, false, NULL},
        {QCTX_LOSS_SOFT, QCTX_SIMILARITY_FULL, QCTX_PRECISION_AUTO, false, NULL},
        {QCTX_LOSS_SOFT, QCTX_SIMILARITY_ROWS, QCTX_PRECISION_FLOAT32, false, "loss.similarity"},
        {QCTX_LOSS_SOFT, QCTX_SIMILARITY_AUTO, QCTX_PRECISION_BFLOAT16, false, "run.precision"},
        {QCTX_LOSS_SOFT, QCTX_SIMILARITY_AUTO, QCTX_PRECISION_FLOAT32, true, "run.reproducible"},
        {QCTX_LOSS_CLIP, QCTX_SIMILARITY_FULL, QCTX_PRECISION_BFLOAT16, false, "run.precision"},
        {QCTX_LOSS_CLIP, QCTX_SIMILARITY_FULL, QCTX_PRECISION_FLOAT32, true, "run.reproducible"},
        {QCTX_LOSS_CLIP, QCTX_SIMILARITY_RING, QCTX_PRECISION_FLOAT32, true, "run.reproducible"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_loss_conflict conflict =
            qctx_loss_check(cases[i].kind, cases[i].similarity, cases[i].precision, cases[i].reproducible);

        assert_int_equal(conflict.key == NULL, cases[i].key == NULL);
        if (cases[i].key != NULL)
            assert_string_equal(conflict.key, cases[i].key);
    }
}

/* What a refusal for memory says would fit does fit, and a little less of it does not. */
static void what_would_fit_does(void **state)
{
    qctx_plan_request request = request_of(4096, 64);
    const qctx_error *error;
    long long most_rows, least;
    const char *at;

    (void)state;
    request.similarity = QCTX_SIMILARITY_FULL;
    request.memory = 20000000;
    error = refuse(&request, 2, request.memory, QCTX_ERR_CONFIG);
    assert_contains(error->message, "run.memory: 20MB is below the least that a step of 4096 questions needs on 2 "
                                    "ranks, ");
    assert_contains(error->message, "with similarity full");
    at = strstr(error->hint, "run.memory: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "run.memory: %lldMB", &least), 1);
    at = strstr(error->hint, "batch.size: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "batch.size: %lld", &most_rows), 1);
    choose(&request, 2, least * 1000000);
    refuse(&request, 2, (least - 1) * 1000000, QCTX_ERR_CONFIG);
    request.batch = most_rows;
    choose(&request, 2, request.memory);
    request.batch = most_rows + 1;
    refuse(&request, 2, request.memory, QCTX_ERR_CONFIG);
    request.memory = 0;
    error = refuse(&request, 2, 1000, QCTX_ERR_MEMORY);
    assert_contains(error->message, "the node has 1kB free for each");
}

static qctx_plan_cost cost_of(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    const qctx_plan_rates rates = {{100e9, 200e9}, 1e-5, 1e9};

    return qctx_plan_cost_of(request, plan, ranks, &rates);
}

/*
 * Two heads d-d-d over b = B/P rows: forward 2 products a side, backward 2 for the weights and 1 for the activations,
 * each of 2bd² operations; the loss by rows 6bBd. Exchanged: contexts and their gradients, and the heads' gradients
 * twice.
 */
static void the_cost_is_what_one_counts_by_hand(void **state)
{
    const double b = 2048, B = 4096, d = 1024, parameters = 2 * 2 * (d * d + d);
    qctx_plan_request request = request_of((int64_t)B, (int64_t)d);
    qctx_plan plan = choose(&request, 2, unlimited);
    qctx_plan_cost cost = cost_of(&request, &plan, 2);

    (void)state;
    assert_int_equal(plan.scheme, QCTX_SIMILARITY_ROWS);
    assert_int_equal(plan.micro_rows, 2048);
    assert_close(cost.flops, 2 * 5 * 2 * b * d * d + 6 * b * B * d, 1e-12);
    assert_close(cost.computing, cost.flops / 100e9, 1e-12);
    assert_close(cost.bytes, 0.5 * (B * d * (4 + 4) + 2 * 4 * parameters), 1e-2);
    assert_close(cost.hidden, QCTX_PLAN_HIDDEN * cost.bytes / 1e9, 1e-12);
    assert_close(cost.communicating, cost.bytes / 1e9 + cost.messages * 1e-5, 1e-12);
    assert_close(cost.seconds, cost.computing + cost.communicating - cost.hidden, 1e-12);
    /* The scores of this rank, 4bB bytes. */
    assert_true(plan.keep_bytes >= 4 * 2048 * 4096 && plan.keep_bytes < 5 * 2048 * 4096);
    request.precision = QCTX_PRECISION_BFLOAT16;
    plan = choose(&request, 2, unlimited);
    assert_int_equal(plan.precision, QCTX_PRECISION_BFLOAT16);
    assert_close(cost_of(&request, &plan, 2).computing, cost.flops / 200e9, 1e-12);
    assert_close(cost_of(&request, &plan, 2).bytes, 0.5 * (B * d * (2 + 4) + 2 * 4 * parameters), 1e-2);
    assert_true(plan.keep_bytes < 3 * 2048 * 4096);
    assert_close(cost_of(&request, &plan, 1).bytes, 0.0, 0.0);
}

/* Of the schemes, the fewest operations that fit; less memory never makes them fewer. */
static void the_cheapest_that_fits_is_chosen(void **state)
{
    qctx_plan_request request = request_of(4096, 64);
    qctx_plan most = choose(&request, 4, unlimited), plan;
    double flops = cost_of(&request, &most, 4).flops, least = 0.0;
    bool rings = false;
    static qctx_error error;

    (void)state;
    for (int64_t limit = most.memory; qctx_plan_choose(&request, 4, limit, &plan, &error) == QCTX_OK;
         limit = limit / 20 * 19) {
        least = flops;
        flops = cost_of(&request, &plan, 4).flops;
        assert_true(flops >= least);
        assert_true(plan.memory <= limit);
        assert_int_equal(cost_of(&request, &plan, 4).memory, plan.memory);
        rings = rings || plan.scheme == QCTX_SIMILARITY_RING;
        for (int s = QCTX_SIMILARITY_FULL; s <= QCTX_SIMILARITY_RING; s++) {
            qctx_plan_request fixed = request;
            qctx_plan other;

            fixed.similarity = (qctx_similarity)s;
            if (s != (int)QCTX_SIMILARITY_FULL && qctx_plan_choose(&fixed, 4, limit, &other, &error) == QCTX_OK)
                assert_true(cost_of(&fixed, &other, 4).flops >= flops);
        }
    }
    /* Where not even ring fits, and not before, is the end. */
    assert_true(rings);
    assert_int_equal(plan.scheme, QCTX_SIMILARITY_RING);
}

static void what_may_be_chosen_follows_the_loss_and_the_mode(void **state)
{
    qctx_plan_request request = request_of(64, 16);

    (void)state;
    assert_int_equal(choose(&request, 1, unlimited).scheme, QCTX_SIMILARITY_ROWS);
    assert_false(choose(&request, 1, unlimited).split_step);
    assert_true(choose(&request, 2, unlimited).split_step);
    request.kind = QCTX_LOSS_SIGMOID;
    assert_int_equal(choose(&request, 2, unlimited).scheme, QCTX_SIMILARITY_ROWS);
    request.kind = QCTX_LOSS_SOFT;
    assert_int_equal(choose(&request, 2, unlimited).scheme, QCTX_SIMILARITY_FULL);
    request = request_of(4096, 64);
    request.reproducible = true;
    assert_int_equal(choose(&request, 2, unlimited).leaves, qctx_leaf_count(4096));
    for (int64_t limit = 1000000; limit < 100000000; limit += limit / 4) {
        static qctx_error error;
        qctx_plan plan;

        /* Also where only ring would fit, for it is not reproducible. */
        if (qctx_plan_choose(&request, 4, limit, &plan, &error) == QCTX_OK)
            assert_int_not_equal(plan.scheme, QCTX_SIMILARITY_RING);
    }
}

/* The corpus's contexts go through the head and into the scores; their memory is foreseen, and named where it lacks. */
static void the_corpus_is_part_of_the_plan(void **state)
{
    qctx_plan_request batch = request_of(512, 64), corpus = batch;
    qctx_plan plan, without;
    const qctx_error *error;
    int64_t least;

    (void)state;
    corpus.extras = 20000;
    for (int ranks = 1; ranks <= 4; ranks *= 4) {
        int64_t contexts = 512 / ranks + corpus.extras / ranks;

        without = choose(&batch, ranks, unlimited);
        plan = choose(&corpus, ranks, unlimited);
        assert_int_equal(plan.micro_rows, contexts);
        /* At the least all of them projected, their scores kept, and one rank's hidden units. */
        assert_true(plan.memory - without.memory >= 4 * 20000 * (64 + 512 / ranks) + 4 * (20000 / ranks) * 64);
        assert_true(cost_of(&corpus, &plan, ranks).flops > 20.0 * cost_of(&batch, &without, ranks).flops);
    }
    least = choose(&batch, 1, unlimited).memory;
    error = refuse(&corpus, 1, least, QCTX_ERR_MEMORY);
    assert_contains(error->message, "a step of 512 questions against the corpus's 20000 contexts on 1 rank needs");
    assert_contains(error->hint, "loss.candidates: batch");
}

/*
 * A teacher's contexts go through the head beside the batch's, on the rank of the question: as many as the lists have,
 * but none twice on a rank or, in a reproducible run, in a leaf.
 */
static void a_teachers_lists_are_part_of_the_plan(void **state)
{
    qctx_plan_request batch = request_of(512, 64), taught = batch;
    qctx_plan plan, without;
    const qctx_error *error;
    int64_t least;

    (void)state;
    taught.lists = (qctx_plan_lists){.longest = 20, .distinct = 4000};
    assert_int_equal(choose(&taught, 1, unlimited).micro_rows, 512 + 4000);
    assert_int_equal(choose(&taught, 4, unlimited).micro_rows, 128 + 20 * 128);
    plan = choose(&taught, 4, unlimited);
    without = choose(&batch, 4, unlimited);
    /* At the least all of them projected, and their hidden units. */
    assert_true(plan.memory - without.memory >= 4 * 2 * 64 * 20 * 128);
    /* Two layers forward and both gradients, but none of the encoder's rows: 5 products of 64 × 64 for each. */
    assert_close(cost_of(&taught, &plan, 4).flops - cost_of(&batch, &without, 4).flops, 2.0 * 5 * 64 * 64 * 20 * 128,
                 1.0);
    assert_close(cost_of(&taught, &plan, 4).bytes, cost_of(&batch, &without, 4).bytes, 0.0);
    /* 8 leaves of 64 questions, and no leaf knows of another's: at most 65 questions where they do not divide evenly.
     */
    taught.reproducible = true;
    plan = choose(&taught, 2, unlimited);
    assert_int_equal(qctx_plan_most_scored(&plan, taught.lists, 256, 2), 4 * 65 * 20);
    taught.reproducible = false;
    least = choose(&batch, 1, unlimited).memory;
    error = refuse(&taught, 1, least, QCTX_ERR_MEMORY);
    assert_contains(error->message, "a step of 512 questions with up to 4000 scored contexts a rank on 1 rank needs");
    assert_contains(error->hint, "shorter lists of the teacher");
}

/* All ranks make one plan, whatever each measured. */
static void the_plan_is_one_on_all_ranks(void **state)
{
    qctx_plan_request request = request_of(64, 16);
    static qctx_error error;
    qctx_plan plan;
    double reason = 0.0, others;

    (void)state;
    memset(&plan, 0, sizeof plan);
    assert_status(qctx_plan_make(test_comm, &request, &plan, &error), QCTX_OK, &error);
    for (const char *c = plan.reason; *c != '\0'; c++)
        reason = 31.0 * fmod(reason, 1e9) + *c;
    others = reason;
    qctx_comm_max_double(test_comm, &others, 1);
    assert_true(reason == others);
    assert_true(plan.memory > 0 && plan.memory <= plan.limit);
    assert_contains(plan.reason, "similarity ");
    assert_contains(plan.reason, "float32");
    assert_true(strlen(plan.reason) < sizeof plan.reason - 1);
    assert_string_equal(plan.warning, "");
    request.reproducible = true;
    assert_status(qctx_plan_make(test_comm, &request, &plan, &error), QCTX_OK, &error);
    if (qctx_leaf_is_invariant(plan.leaves, qctx_comm_size(test_comm)))
        assert_string_equal(plan.warning, "");
    else
        assert_contains(plan.warning, "ranks the run is repeatable, but not the same as on other numbers of ranks");
    request.memory = 1000;
    assert_status(qctx_plan_make(test_comm, &request, &plan, &error), QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "run.memory: 1kB is below the least");
}

/* Bytes of address space that this process has taken. */
static int64_t address_space(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* The last rank may take no more than 32 MB; the scores of 4000 questions are 64 MB. */
static void an_allocation_that_fails_on_one_rank_ends_all(void **state)
{
    const qctx_loss_config config = {.kind = QCTX_LOSS_CLIP, .normalize = true, .scheme = QCTX_SIMILARITY_FULL};
    int size = qctx_comm_size(test_comm);
    bool is_last = qctx_comm_rank(test_comm) == size - 1;
    struct rlimit usual, tight;
    static qctx_error error;
    qctx_loss *loss = NULL;
    qctx_status status;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    test_skip("a limit of address space: the sanitizer takes terabytes of it");
#endif
    assert_int_equal(getrlimit(RLIMIT_AS, &usual), 0);
    tight = usual;
    tight.rlim_cur = (rlim_t)(address_space() + (32 << 20));
    if (is_last)
        assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    status = qctx_loss_create(test_comm, &config, (qctx_loss_size){4000 / size + 1, 4000, 0, 0, 8}, &loss, &error);
    if (is_last)
        assert_int_equal(setrlimit(RLIMIT_AS, &usual), 0);
    assert_status(status, QCTX_ERR_MEMORY, &error);
    assert_contains(error.message, "the batch's scores");
    assert_null(loss);
}

static void rates_are_measured(void **state)
{
    qctx_plan_rates rates = qctx_plan_measure(test_comm, false);

    (void)state;
    assert_true(rates.flops[QCTX_PRECISION_FLOAT32] > 0.0);
    assert_true(rates.flops[QCTX_PRECISION_BFLOAT16] == 0.0);
    if (qctx_comm_size(test_comm) == 1) {
        assert_true(isinf(rates.bandwidth));
        assert_true(rates.latency == 0.0);
    } else {
        assert_true(rates.bandwidth > 0.0 && isfinite(rates.bandwidth));
        assert_true(rates.latency > 0.0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_are_dealt_out_without_gap),
    cmocka_unit_test(too_few_rows_are_refused),
    cmocka_unit_test(contradictions_are_refused),
    cmocka_unit_test(what_would_fit_does),
    cmocka_unit_test(the_cost_is_what_one_counts_by_hand),
    cmocka_unit_test(the_cheapest_that_fits_is_chosen),
    cmocka_unit_test(what_may_be_chosen_follows_the_loss_and_the_mode),
    cmocka_unit_test(an_allocation_that_fails_on_one_rank_ends_all),
    cmocka_unit_test(the_corpus_is_part_of_the_plan),
    cmocka_unit_test(a_teachers_lists_are_part_of_the_plan),
    cmocka_unit_test(the_plan_is_one_on_all_ranks),
    cmocka_unit_test(rates_are_measured),
};
TEST_MAIN(tests)
