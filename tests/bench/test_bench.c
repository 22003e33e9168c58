/* ranks: 1 3 */
#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/bench/bench.h"

enum { BATCH = 12, DIM = 4, HIDDEN = 3, LARGE = 19 };

static qctx_error error;

/* A request for B = 12, d = 4, h = 3 with up to two more keys of the configuration. */
static qctx_bench_request ask(qctx_config *config, const char *key, const char *other)
{
    static const char text[] = "data: {train: [{store: none}]}\n"
                               "model: {form: plain, hidden: 3}\n"
                               "loss: {similarity: full}\n"
                               "batch: {size: 12}\n";
    const char *const overrides[] = {key, other};
    const int64_t count = (key != NULL) + (other != NULL);

    assert_status(qctx_config_parse(text, strlen(text), "test", overrides, count, config, &error), QCTX_OK, &error);
    return (qctx_bench_request){.config = config,
                                .dim = DIM,
                                .repetitions = 3,
                                .topk = {.questions = 5, .contexts = 700, .k = 3},
                                .scaling = {.latency = 10, .bandwidth = 10}};
}

static double figure(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static bool is_told(const json_t *result)
{
    const bool tells = qctx_comm_rank(test_comm) == 0;

    assert_true(tells == (result != NULL));
    return tells;
}

/* Rows of rank 0. */
static double rows_of_batch(void)
{
    return BATCH / qctx_comm_size(test_comm);
}

/* The least operations of a step, counted by hand: `head` for each row of the head, and 6·B·d = 288 for its scores. */
static void check_least(const char *key, const char *other, double head)
{
    qctx_config config;
    const qctx_bench_request request = ask(&config, key, other);
    json_t *result = NULL;

    assert_status(qctx_bench_step(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        const double scores = 2.0 * BATCH * BATCH * DIM + 4.0 * rows_of_batch() * BATCH * DIM;

        assert_close(1e9 * figure(result, "gflop_least_per_rank"), rows_of_batch() * (head + 288), 1e-9);
        assert_close(1e9 * figure(result, "gflop_per_rank"), rows_of_batch() * head + scores, 1e-9);
    }
    json_decref(result);
    qctx_config_free(&config);
}

static void operations_are_those_counted_by_hand(void **state)
{
    (void)state;
    /* Two sides of 4·3 + 3·4 weights: forward 48, their gradients 48, the hidden units' 24. */
    check_least(NULL, NULL, 240);
    /* One side of 16 weights: forward 32, their gradient 32, nothing behind it. */
    check_least("model.layers=1", "model.sides=question", 64);
    /* Two sides through the same 12 + 9 + 12 weights: forward 66, their gradients 66, the hidden units' 42. */
    check_least("model.layers=3", "model.sides=shared", 348);
}

static void the_scheme_rows_takes_the_least(void **state)
{
    qctx_config config;
    const qctx_bench_request request = ask(&config, "loss.similarity=rows", NULL);
    json_t *result = NULL;

    (void)state;
    assert_status(qctx_bench_step(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result))
        assert_close(figure(result, "gflop_per_rank"), figure(result, "gflop_least_per_rank"), 1e-15);
    json_decref(result);
    qctx_config_free(&config);
}

static void a_step_tells_what_it_cost(void **state)
{
    static const char *const phases[] = {"load", "forward", "loss", "backward", "optimize"};
    qctx_config config;
    const qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL;

    (void)state;
    assert_status(qctx_bench_step(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        const double median = figure(result, "seconds_median");

        assert_true(figure(result, "seconds_min") > 0);
        assert_true(figure(result, "seconds_min") <= median && median <= figure(result, "seconds_max"));
        assert_close(figure(result, "sgemm_share"),
                     figure(result, "gflop_least_per_rank") / (median * figure(result, "sgemm_gflops")), 1e-6);
        assert_true(figure(result, "hidden_share") >= 0 && figure(result, "hidden_share") <= 1);
        assert_true((figure(result, "bytes_received") > 0) == (qctx_comm_size(test_comm) > 1));
        assert_int_equal(json_array_size(json_object_get(result, "peak_rss_mb")), qctx_comm_size(test_comm));
        assert_true(json_number_value(json_array_get(json_object_get(result, "peak_rss_mb"), 0)) >=
                    figure(result, "rss_before_mb"));
        for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
            assert_true(figure(json_object_get(json_object_get(result, "phases"), phases[i]), "seconds") > 0);
        assert_string_equal(json_string_value(json_object_get(result, "scheme")), "full");
        assert_string_equal(json_string_value(json_object_get(result, "precision")), "float32");
    }
    json_decref(result);
    qctx_config_free(&config);
}

static void products_are_those_of_a_step(void **state)
{
    qctx_config config;
    const qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL, *rows;
    double best = 0;

    (void)state;
    assert_status(qctx_bench_gemm(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        rows = json_object_get(result, "products");
        assert_int_equal(json_array_size(rows), 8);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            assert_true(figure(json_array_get(rows, i), "gflops") > 0);
            best = fmax(best, figure(json_array_get(rows, i), "share"));
        }
        assert_close(best, 1.0, 1e-12);
        assert_close(figure(json_array_get(rows, 0), "m"), rows_of_batch(), 0);
        assert_close(figure(json_array_get(rows, 0), "n"), BATCH, 0);
        assert_close(figure(json_array_get(rows, 0), "k"), DIM, 0);
        assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 2), "form")), "TN");
        assert_close(figure(json_array_get(rows, 6), "m"), HIDDEN, 0);
        assert_close(figure(json_array_get(rows, 6), "k"), rows_of_batch(), 0);
    }
    json_decref(result);
    qctx_config_free(&config);
}

static void every_exchange_is_timed(void **state)
{
    qctx_config config;
    qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL, *rows;

    (void)state;
    request.repetitions = 1;
    assert_status(qctx_bench_comm(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        rows = json_object_get(result, "exchanges");
        assert_int_equal(json_array_size(rows), LARGE);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            assert_true(figure(json_array_get(rows, i), "seconds") > 0);
            assert_true(json_is_null(json_object_get(json_array_get(rows, i), "gbytes_per_second")) ==
                        (qctx_comm_size(test_comm) == 1));
        }
        assert_close(figure(json_array_get(rows, LARGE - 1), "bytes"), 16 << 20, 0);
    }
    json_decref(result);
    qctx_config_free(&config);
}

static void scans_are_timed_in_what_was_asked_for(void **state)
{
    qctx_config config;
    const qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL, *rows;

    (void)state;
    assert_status(qctx_bench_topk(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        rows = json_object_get(result, "scans");
        assert_int_equal(json_array_size(rows), 2);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);

            assert_string_equal(json_string_value(json_object_get(row, "precision")), "float32");
            assert_close(figure(row, "gflops") * figure(row, "seconds"),
                         2e-9 * 5 * 700 * DIM / qctx_comm_size(test_comm), 1e-9);
        }
    }
    json_decref(result);
    qctx_config_free(&config);
}

/* The number of ranks from which on exchanging takes half of a step of 32768 pairs, or null; borrowed. */
static const json_t *half_of(const json_t *result)
{
    return json_object_get(json_array_get(json_object_get(result, "halves"), 0), "ranks_of_half");
}

static void a_network_decides_how_many_ranks_are_worth_it(void **state)
{
    qctx_config config;
    qctx_bench_request request = ask(&config, "run.memory=4000GB", NULL);
    json_t *result = NULL, *steps;

    (void)state;
    request.scaling.bandwidth = 1e-3;
    request.scaling.latency = 1e15;
    assert_status(qctx_bench_scaling(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        steps = json_object_get(result, "steps");
        assert_int_equal(json_array_size(steps), 26);
        assert_close(figure(json_array_get(steps, 0), "exchanging"), 0, 0);
        assert_close(figure(json_array_get(steps, 25), "ranks"), 4096, 0);
        assert_close(figure(json_array_get(steps, 25), "batch"), 262144, 0);
        assert_int_equal(json_integer_value(half_of(result)), 2);
    }
    json_decref(result);
    request.scaling.bandwidth = 1e9;
    request.scaling.latency = 1e-15;
    assert_status(qctx_bench_scaling(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result))
        assert_true(json_is_null(half_of(result)));
    json_decref(result);
    qctx_config_free(&config);
}

static int64_t count_entries(const char *folder)
{
    DIR *stream = opendir(folder);
    int64_t count = 0;

    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream))
        count += entry->d_name[0] != '.';
    closedir(stream);
    return count;
}

static void a_made_up_store_is_read_and_removed(void **state)
{
    qctx_config config;
    const qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL, *rows;

    (void)state;
    setenv("TMPDIR", test_folder(), 1);
    assert_status(qctx_bench_load(test_comm, &request, &result, &error), QCTX_OK, &error);
    if (is_told(result)) {
        rows = json_object_get(result, "loads");
        assert_int_equal(json_array_size(rows), 3);
        for (size_t i = 0; i < json_array_size(rows); i++)
            assert_true(figure(json_array_get(rows, i), "seconds") > 0);
        assert_close(figure(result, "store_mb"), 4 * 2 * BATCH * DIM * 4 / 1e6, 1e-12);
        assert_close(figure(result, "batch"), BATCH, 0);
        assert_int_equal(count_entries(test_folder()), 0);
    }
    json_decref(result);
    qctx_config_free(&config);
}

static void stores_that_cannot_be_are_refused(void **state)
{
    qctx_config config;
    qctx_bench_request request = ask(&config, NULL, NULL);
    json_t *result = NULL;

    (void)state;
    setenv("TMPDIR", test_path("absent"), 1);
    assert_status(qctx_bench_load(test_comm, &request, &result, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "cannot make the folder");
    assert_null(result);
    request.load.store = test_path("absent.h5");
    assert_status(qctx_bench_load(test_comm, &request, &result, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "absent.h5");
    assert_null(result);
    qctx_config_free(&config);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(operations_are_those_counted_by_hand),
    cmocka_unit_test(the_scheme_rows_takes_the_least),
    cmocka_unit_test(a_step_tells_what_it_cost),
    cmocka_unit_test(products_are_those_of_a_step),
    cmocka_unit_test(every_exchange_is_timed),
    cmocka_unit_test(scans_are_timed_in_what_was_asked_for),
    cmocka_unit_test(a_made_up_store_is_read_and_removed),
    cmocka_unit_test(stores_that_cannot_be_are_refused),
    cmocka_unit_test(a_network_decides_how_many_ranks_are_worth_it),
};

TEST_MAIN(tests)
