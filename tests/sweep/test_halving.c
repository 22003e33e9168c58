/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "qctx/base/rng.h"
#include "qctx/sweep/halving.h"

static const qctx_halving nine = {.first = 1, .eta = 3, .last = 9};

static void rungs_are_powers_below_the_end(void **state)
{
    const qctx_halving ten = {1, 3, 10}, four = {2, 4, 9}, one = {5, 2, 5}, far = {1, INT64_MAX / 2, INT64_MAX};

    (void)state;
    assert_int_equal(qctx_halving_rungs(&nine), 2);
    assert_int_equal(qctx_halving_epochs(&nine, 0), 1);
    assert_int_equal(qctx_halving_epochs(&nine, 1), 3);
    assert_int_equal(qctx_halving_epochs(&nine, 2), 9);
    assert_int_equal(qctx_halving_rungs(&ten), 3);
    assert_int_equal(qctx_halving_epochs(&ten, 2), 9);
    assert_int_equal(qctx_halving_epochs(&ten, 3), 10);
    assert_int_equal(qctx_halving_rungs(&four), 2);
    assert_int_equal(qctx_halving_epochs(&four, 1), 8);
    assert_int_equal(qctx_halving_rungs(&one), 0);
    assert_int_equal(qctx_halving_rungs(&far), 2);
    assert_true(qctx_halving_epochs(&far, 2) == INT64_MAX);
}

#define PAUSED(at, ...)                                                                                                \
    {                                                                                                                  \
        .rung = (at), .idle = true, .losses = (const double[])                                                         \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define TAKEN(at, ...)                                                                                                 \
    {                                                                                                                  \
        .rung = (at), .losses = (const double[])                                                                       \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define FAILED(at, ...)                                                                                                \
    {                                                                                                                  \
        .rung = (at), .idle = true, .failed = true, .losses = (const double[])                                         \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

#define NEXT(...)                                                                                                      \
    qctx_halving_next(&nine, (const qctx_halving_trial[]){__VA_ARGS__},                                                \
                      sizeof((const qctx_halving_trial[]){__VA_ARGS__}) / sizeof(qctx_halving_trial))

static void one_of_three_goes_on(void **state)
{
    (void)state;
    assert_int_equal(qctx_halving_next(&nine, NULL, 0), -1);
    assert_int_equal(NEXT(PAUSED(0, 1)), -1);
    assert_int_equal(NEXT(PAUSED(0, 1), PAUSED(0, 2)), -1);
    assert_int_equal(NEXT(PAUSED(0, 3), PAUSED(0, 1), PAUSED(0, 2)), 1);
    /* The best one was taken: the next waits until six have come. */
    assert_int_equal(NEXT(PAUSED(0, 3), TAKEN(0, 1), PAUSED(0, 2)), -1);
    assert_int_equal(NEXT(PAUSED(0, 3), TAKEN(0, 1), PAUSED(0, 2), PAUSED(0, 9), PAUSED(0, 9)), -1);
    assert_int_equal(NEXT(PAUSED(0, 3), TAKEN(0, 1), PAUSED(0, 2), PAUSED(0, 9), PAUSED(0, 9), PAUSED(0, 9)), 2);
    /* One that went on counts where it was. */
    assert_int_equal(NEXT(PAUSED(0, 3), PAUSED(1, 1, 5), PAUSED(0, 2)), -1);
    /* Those that have not reached a rung do not count there. */
    assert_int_equal(NEXT({.rung = -1}, PAUSED(0, 1), PAUSED(0, 2)), -1);
}

/* Two went on before a better one came: it goes on, too, for it is among the best third. */
static void a_better_one_goes_on_however_late(void **state)
{
    (void)state;
    assert_int_equal(NEXT(TAKEN(0, 5), TAKEN(0, 6), PAUSED(0, 1), PAUSED(0, 7), PAUSED(0, 8), PAUSED(0, 9)), 2);
    assert_int_equal(NEXT(TAKEN(0, 1), TAKEN(0, 2), PAUSED(0, 3), PAUSED(0, 7), PAUSED(0, 8), PAUSED(0, 9)), -1);
}

static void the_highest_rung_comes_first(void **state)
{
    (void)state;
    assert_int_equal(NEXT(PAUSED(0, 0.1), PAUSED(0, 0.2), PAUSED(0, 0.3), PAUSED(0, 8), PAUSED(1, 5, 3),
                          PAUSED(1, 6, 2), PAUSED(1, 7, 9), PAUSED(0, 9), PAUSED(0, 9)),
                     5);
    assert_int_equal(NEXT(PAUSED(0, 0.1), PAUSED(0, 0.2), PAUSED(0, 0.3), PAUSED(0, 8), PAUSED(1, 5, 3), TAKEN(1, 6, 2),
                          PAUSED(1, 7, 9), PAUSED(0, 9), PAUSED(0, 9)),
                     0);
}

static void ties_go_to_the_lower_index(void **state)
{
    (void)state;
    assert_int_equal(NEXT(PAUSED(0, 2), PAUSED(0, 2), PAUSED(0, 2)), 0);
    assert_int_equal(NEXT(TAKEN(0, 2), PAUSED(0, 2), PAUSED(0, 2)), -1);
}

static void failed_trials_and_no_numbers_do_not_win(void **state)
{
    (void)state;
    assert_int_equal(NEXT(FAILED(0, 1), PAUSED(0, 2), PAUSED(0, 3)), -1);
    assert_int_equal(NEXT(FAILED(0, 1), PAUSED(0, 2), PAUSED(0, 3), PAUSED(0, 4)), 1);
    assert_int_equal(NEXT(PAUSED(0, NAN), PAUSED(0, 2), PAUSED(0, INFINITY)), 1);
    assert_int_equal(NEXT(PAUSED(0, NAN), PAUSED(0, NAN), PAUSED(0, NAN)), 0);
}

enum { TRIALS_MAX = 64, WORKERS_MAX = 8 };

/* A sweep played through: workers take trials, epochs take random times, and every trial has a loss at each rung. */
typedef struct {
    qctx_halving halving;
    uint64_t seed;
    int64_t trials, workers;
    double noise;
    qctx_halving_trial state[TRIALS_MAX];
    double losses[TRIALS_MAX][8];
    bool finished[TRIALS_MAX];
    int64_t begun, epochs, ended;
    int64_t promotions[TRIALS_MAX];
} game;

/* Quality does not depend on the rung but for noise, which falls from rung to rung; trial 0's neighbours are near it.
 */
static double loss_of(const game *g, int64_t trial, int64_t rung)
{
    const double quality = qctx_rng_uniform(g->seed, QCTX_STREAM_BENCH, (uint64_t)trial, 0);
    const double error = qctx_rng_uniform(g->seed, QCTX_STREAM_BENCH, (uint64_t)trial, (uint64_t)rung + 1) - 0.5;

    return quality + g->noise * error / (double)(rung + 1);
}

static void arrive(game *g, int64_t trial)
{
    qctx_halving_trial *state = &g->state[trial];

    if (state->rung + 1 == qctx_halving_rungs(&g->halving)) {
        assert_false(g->finished[trial]);
        g->finished[trial] = true;
        g->ended++;
        return;
    }
    state->rung++;
    g->losses[trial][state->rung] = loss_of(g, trial, state->rung);
    state->idle = true;
}

/* What a free worker takes, or −1; `epochs` is how far it goes. */
static int64_t take(game *g, int64_t *epochs)
{
    int64_t trial = qctx_halving_next(&g->halving, g->state, g->begun);
    int64_t from = 0;

    if (trial >= 0) {
        assert_true(g->state[trial].idle && !g->finished[trial]);
        from = qctx_halving_epochs(&g->halving, g->state[trial].rung);
        g->promotions[trial]++;
    } else if (g->begun < g->trials) {
        trial = g->begun++;
        g->state[trial] = (qctx_halving_trial){.rung = -1, .losses = g->losses[trial]};
    } else {
        return -1;
    }
    g->state[trial].idle = false;
    *epochs = qctx_halving_epochs(&g->halving, g->state[trial].rung + 1) - from;
    g->epochs += *epochs;
    return trial;
}

static void play(game *g)
{
    int64_t at[WORKERS_MAX];
    double until[WORKERS_MAX] = {0}, now = 0;

    for (int64_t w = 0; w < g->workers; w++)
        at[w] = -1;
    for (int64_t event = 0;; event++) {
        int64_t first = -1, epochs = 0;

        for (int64_t w = 0; w < g->workers; w++) {
            if (at[w] < 0 && (at[w] = take(g, &epochs)) >= 0)
                until[w] = now + (double)epochs * (0.5 + qctx_rng_uniform(g->seed, QCTX_STREAM_BENCH, 1000,
                                                                          (uint64_t)(event * g->workers + w)));
            if (at[w] >= 0 && (first < 0 || until[w] < until[first]))
                first = w;
        }
        if (first < 0)
            return;
        now = until[first];
        arrive(g, at[first]);
        at[first] = -1;
    }
}

/* Every trial has ended or paused for good; none went from a rung twice; few of each rung went on. */
static void assert_legal(const game *g)
{
    int64_t reached[8] = {0}, rungs = qctx_halving_rungs(&g->halving);

    assert_int_equal(g->begun, g->trials);
    for (int64_t i = 0; i < g->trials; i++) {
        assert_true(g->finished[i] != g->state[i].idle);
        assert_in_range(g->state[i].rung, 0, rungs - 1);
        assert_int_equal(g->promotions[i], g->state[i].rung + g->finished[i]);
        for (int64_t k = 0; k <= g->state[i].rung; k++)
            reached[k]++;
    }
    reached[rungs] = g->ended;
    for (int64_t k = 0; k < rungs; k++)
        assert_true(reached[k + 1] >= reached[k] / g->halving.eta);
    assert_int_equal(qctx_halving_next(&g->halving, g->state, g->begun), -1);
}

static int64_t best_of(const game *g, bool only_finished)
{
    int64_t best = -1;

    for (int64_t i = 0; i < g->trials; i++)
        if ((g->finished[i] || !only_finished) && (best < 0 || loss_of(g, i, 7) < loss_of(g, best, 7)))
            best = i;
    return best;
}

/* Where rungs rank as the end does, the best of all trials gets there, whoever works and however long things take. */
static void the_best_trial_wins(void **state)
{
    double most = 0, sum = 0;
    int games = 0, above = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++)
        for (int64_t workers = 1; workers <= WORKERS_MAX; workers *= 2) {
            game g = {.halving = nine, .seed = seed, .trials = 32, .workers = workers};
            double share;

            play(&g);
            assert_legal(&g);
            assert_int_equal(best_of(&g, true), best_of(&g, false));
            share = (double)g.epochs / (32 * 9);
            most = fmax(most, share);
            sum += share;
            games++;
            above += share > 0.4;
        }
    printf("share of the epochs of 32 whole trials: %.3f on average, %.3f at most, above 0.4 in %d of %d\n",
           sum / games, most, above, games);
    /* The synchronous method takes 70 of 288 epochs; some orders of arrival let too many through the first rungs. */
    assert_true(sum / games <= 0.33 && above <= games / 50 && most <= 0.5);
}

static void noise_leaves_every_trial_in_a_legal_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        game g = {.halving = {1, 2 + (int64_t)(seed % 3), 20},
                  .seed = seed,
                  .trials = 1 + (int64_t)(seed % TRIALS_MAX),
                  .workers = 1 + (int64_t)(seed % WORKERS_MAX),
                  .noise = 1};

        play(&g);
        assert_legal(&g);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rungs_are_powers_below_the_end),
    cmocka_unit_test(one_of_three_goes_on),
    cmocka_unit_test(a_better_one_goes_on_however_late),
    cmocka_unit_test(the_highest_rung_comes_first),
    cmocka_unit_test(ties_go_to_the_lower_index),
    cmocka_unit_test(failed_trials_and_no_numbers_do_not_win),
    cmocka_unit_test(the_best_trial_wins),
    cmocka_unit_test(noise_leaves_every_trial_in_a_legal_state),
};

TEST_MAIN(tests)
