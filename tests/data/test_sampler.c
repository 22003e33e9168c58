/* ranks: 1 2 3 5 */
#include "harness.h"

#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/rng.h"
#include "qctx/data/sampler.h"

static qctx_error error;

/* 10 examples in batches of 4: two batches an epoch, two examples rest, nothing twice. */
static void an_epoch_deals_every_example_at_most_once(void **state)
{
    qctx_sampler sampler;

    (void)state;
    assert_status(qctx_sampler_create(&(qctx_sampling){10, 4, 3, .run = 1}, &sampler, &error), QCTX_OK, &error);
    assert_int_equal(qctx_sampler_batches(&sampler), 2);
    for (int64_t epoch = 0; epoch < 5; epoch++) {
        int seen[10] = {0};

        for (int64_t b = 0; b < 2; b++)
            for (int i = 0; i < 4; i++)
                seen[qctx_sampler_batch(&sampler, epoch, b)[i]]++;
        for (int i = 0; i < 10; i++)
            assert_in_range(seen[i], 0, 1);
    }
    qctx_sampler_destroy(&sampler);
}

static void a_batch_larger_than_the_data_is_refused(void **state)
{
    qctx_sampler sampler;

    (void)state;
    assert_status(qctx_sampler_create(&(qctx_sampling){10, 11, 3, .run = 1}, &sampler, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "a batch of 11 is larger than the training data (10 questions)");
    assert_contains(error.hint, "at most 10");
}

/*
 * Three sources: 300 examples in groups of 100, 33, 7 and 160, whose members alternate in the file; 40 without
 * neighbours; 64 in one group.
 */
enum { FIRST = 300, SECOND = 40, THIRD = 64, ALL = FIRST + SECOND + THIRD, SOURCES = 3 };

static const int64_t group_sizes[4] = {100, 33, 7, 160};
static int32_t source[ALL];
static uint64_t group[ALL];
static int64_t next_neighbour[ALL]; /* the next example of the same group, or −1 */
static int64_t batches[ALL * 8];    /* an epoch, batch by batch */

static void fill(void)
{
    int64_t left[4];

    memcpy(left, group_sizes, sizeof left);
    for (int64_t i = 0, g = 0; i < ALL; i++) {
        source[i] = i < FIRST ? 0 : i < FIRST + SECOND ? 1 : 2;
        group[i] = i < FIRST ? 0 : i < FIRST + SECOND ? (uint64_t)(1000 + i) : 7;
        if (source[i] != 0)
            continue;
        for (g = (g + 1) % 4; left[g] == 0;)
            g = (g + 1) % 4;
        left[g]--;
        /* Numbers of groups are hashes: their order says nothing. */
        group[i] = (uint64_t)((g * 7 + 3) % 5);
    }
    for (int64_t i = 0; i < ALL; i++) {
        next_neighbour[i] = -1;
        for (int64_t j = i + 1; j < ALL && next_neighbour[i] < 0; j++)
            if (source[j] == source[i] && group[j] == group[i])
                next_neighbour[i] = j;
    }
}

static qctx_sampling sampling(int64_t batch, int64_t run)
{
    fill();
    return (qctx_sampling){.count = ALL, .batch = batch, .seed = 3, .run = run, .source = source, .groups = group};
}

/* Copies an epoch; returns its rows. */
static int64_t read_epoch(qctx_sampler *sampler, int64_t epoch)
{
    const int64_t size = sampler->how.batch;

    for (int64_t b = 0; b < qctx_sampler_batches(sampler); b++)
        memcpy(batches + b * size, qctx_sampler_batch(sampler, epoch, b), (size_t)size * sizeof *batches);
    return qctx_sampler_batches(sampler) * size;
}

/* What no run, no weight and no choice of sources change: the permutation that runs of earlier versions had. */
static void without_runs_it_is_the_permutation_of_the_epoch(void **state)
{
    qctx_sampler sampler;
    qctx_sampling how = sampling(50, 1);
    int64_t expected[ALL];

    (void)state;
    assert_status(qctx_sampler_create(&how, &sampler, &error), QCTX_OK, &error);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        int64_t rows = read_epoch(&sampler, epoch);

        assert_int_equal(rows, 400);
        qctx_rng_permutation(expected, ALL, 3, QCTX_STREAM_ORDER, (uint64_t)epoch);
        assert_memory_equal(batches, expected, (size_t)rows * sizeof *expected);
    }
    qctx_sampler_destroy(&sampler);
}

/* Whether an example of an epoch stands behind the one before it, or -1, in its group. */
static bool goes_on(int64_t before, int64_t example)
{
    return before >= 0 && next_neighbour[before] == example;
}

/*
 * Runs of 16 in one batch of all: every example once; of a group of n at most ⌈n/16⌉ + 1 pieces, so that groups that
 * fit into a run stay whole; a piece has at most 16, but for two that came to stand side by side.
 */
static void runs_are_neighbours(void **state)
{
    enum { RUN = 16, PIECES = (7 + 1) + (3 + 1) + 1 + (10 + 1) + SECOND + (4 + 1) };
    qctx_sampling how = sampling(ALL, RUN);
    qctx_sampler sampler;
    bool begins[2][ALL] = {{false}};

    (void)state;
    assert_status(qctx_sampler_create(&how, &sampler, &error), QCTX_OK, &error);
    for (int64_t epoch = 0; epoch < 20; epoch++) {
        int seen[ALL] = {0};
        int64_t pieces = 0, whole = 0, length = 0, before = -1;

        assert_int_equal(read_epoch(&sampler, epoch), ALL);
        for (int64_t i = 0; i < ALL; i++) {
            const bool begun = !goes_on(before, batches[i]);

            length = begun ? 1 : length + 1;
            pieces += begun;
            whole += length == RUN;
            assert_in_range(length, 1, 4 * RUN);
            seen[batches[i]]++;
            if (epoch < 2)
                begins[epoch][batches[i]] = begun;
            before = batches[i];
        }
        for (int64_t i = 0; i < ALL; i++)
            assert_int_equal(seen[i], 1);
        assert_in_range(pieces, 4 + SECOND + 1, PIECES);
        /* At least ⌊(n − 15) / 16⌋ runs of a group are whole, less those that stand behind one another. */
        assert_in_range(whole, 10, 20);
    }
    /* Each epoch cuts anew. */
    assert_memory_not_equal(begins[0], begins[1], sizeof begins[0]);
    qctx_sampler_destroy(&sampler);
}

/* A run that does not divide the batch, or is longer than it, goes on in the next batch. */
static void any_run_goes_with_any_batch(void **state)
{
    static const int64_t sizes[] = {2, 7, 30, 400}, runs[] = {2, 5, 64, 1000};

    (void)state;
    for (size_t s = 0; s < 4; s++)
        for (size_t r = 0; r < 4; r++) {
            qctx_sampling how = sampling(sizes[s], runs[r]);
            qctx_sampler sampler;
            int seen[ALL] = {0};

            assert_status(qctx_sampler_create(&how, &sampler, &error), QCTX_OK, &error);
            assert_int_equal(read_epoch(&sampler, 4), ALL / sizes[s] * sizes[s]);
            for (int64_t i = 0; i < ALL / sizes[s] * sizes[s]; i++)
                assert_int_equal(++seen[batches[i]], 1);
            qctx_sampler_destroy(&sampler);
        }
}

/* All ranks deal alike, and a resumed run goes straight to its batch. */
static void a_batch_depends_on_epoch_and_place_only(void **state)
{
    static const double weights[SOURCES] = {0.5, 2.5, 1};

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        qctx_sampling how = sampling(20, kind == 0 ? 1 : 16);
        qctx_sampler straight, jumping;
        int64_t rows;

        how.one_source = kind > 1;
        how.source_count = kind == 0 ? 0 : SOURCES;
        how.weights = kind == 3 ? weights : (const double[]){1, 1, 1};
        assert_status(qctx_sampler_create(&how, &straight, &error), QCTX_OK, &error);
        assert_status(qctx_sampler_create(&how, &jumping, &error), QCTX_OK, &error);
        for (int64_t epoch = 0; epoch < 6; epoch++)
            rows = read_epoch(&straight, epoch);
        for (int64_t b = rows / 20 - 1; b >= 0; b--)
            assert_memory_equal(qctx_sampler_batch(&jumping, 5, b), batches + 20 * b, 20 * sizeof *batches);
        assert_true(qctx_comm_same(test_comm, qctx_hash(batches, (size_t)rows * sizeof *batches, 0)));
        qctx_sampler_destroy(&straight);
        qctx_sampler_destroy(&jumping);
    }
}

/* Sources drawn half, two and a half times, and once: over four epochs each example so often, exactly. */
static void weights_hold_over_the_epochs(void **state)
{
    static const double weights[SOURCES] = {0.5, 2.5, 1};

    (void)state;
    for (int64_t run = 1; run <= 16; run += 15) {
        qctx_sampling how = sampling(1, run);
        qctx_sampler sampler;
        int seen[ALL] = {0};
        bool first[ALL] = {false};
        int64_t rows = FIRST / 2 + SECOND * 5 / 2 + THIRD, again = 0;

        how.source_count = SOURCES;
        how.weights = weights;
        assert_status(qctx_sampler_create(&how, &sampler, &error), QCTX_OK, &error);
        assert_int_equal(qctx_sampler_batches(&sampler), rows);
        for (int64_t epoch = 0; epoch < 4; epoch++) {
            assert_int_equal(read_epoch(&sampler, epoch), rows);
            for (int64_t i = 0; i < rows; i++) {
                seen[batches[i]]++;
                first[batches[i]] = first[batches[i]] || epoch == 0;
                again += epoch == 2 && source[batches[i]] == 0 && first[batches[i]];
            }
        }
        for (int64_t i = 0; i < ALL; i++)
            assert_int_equal(seen[i], 4 * weights[source[i]]);
        /* The halves of a second pass are others than those of the first: half of 150 in the mean, ± 6. */
        assert_in_range(again, 50, 100);
        qctx_sampler_destroy(&sampler);
    }
}

/* Batches of 20 of one source each: 15 + 2 + 3 of them an epoch, in mixed order. */
static void a_batch_has_one_source_alone(void **state)
{
    (void)state;
    for (int64_t run = 1; run <= 16; run += 15) {
        qctx_sampling how = sampling(20, run);
        qctx_sampler sampler;
        int seen[ALL] = {0};
        int64_t of[SOURCES] = {0}, changes = 0;

        how.one_source = true;
        how.source_count = SOURCES;
        how.weights = (const double[]){1, 1, 1};
        assert_status(qctx_sampler_create(&how, &sampler, &error), QCTX_OK, &error);
        assert_int_equal(read_epoch(&sampler, 1), 20 * (15 + 2 + 3));
        for (int64_t b = 0; b < 20; b++) {
            const int32_t own = source[batches[20 * b]];

            of[own]++;
            changes += b > 0 && own != source[batches[20 * b - 1]];
            for (int64_t i = 20 * b; i < 20 * (b + 1); i++) {
                assert_int_equal(source[batches[i]], own);
                assert_int_equal(++seen[batches[i]], 1);
            }
        }
        assert_int_equal(of[0], 15);
        assert_int_equal(of[1], 2);
        assert_int_equal(of[2], 3);
        assert_in_range(changes, 3, 10);
        qctx_sampler_destroy(&sampler);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_epoch_deals_every_example_at_most_once),
    cmocka_unit_test(a_batch_larger_than_the_data_is_refused),
    cmocka_unit_test(without_runs_it_is_the_permutation_of_the_epoch),
    cmocka_unit_test(runs_are_neighbours),
    cmocka_unit_test(any_run_goes_with_any_batch),
    cmocka_unit_test(a_batch_depends_on_epoch_and_place_only),
    cmocka_unit_test(weights_hold_over_the_epochs),
    cmocka_unit_test(a_batch_has_one_source_alone),
};
TEST_MAIN(tests)
