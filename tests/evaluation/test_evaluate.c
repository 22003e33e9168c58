/* ranks: 1 2 3 5 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/outfile.h"
#include "ranking_data.h"

static qctx_error error;

/* The position of a context in the sorted list of the candidates that `is_candidate` marks. */
static int64_t position_by_sorting(const ranking_data *data, int64_t question, int64_t context,
                                   const bool *is_candidate, ranking_entry *list)
{
    int64_t count = 0, position = 0;

    for (int64_t c = 0; c < data->contexts; c++)
        if (is_candidate[c])
            list[count++] = (ranking_entry){ranking_score(data, question, c), c};
    qsort(list, (size_t)count, sizeof *list, ranking_compare);
    while (list[position].row != context)
        position++;
    return position;
}

static void mark_answers(const ranking_data *data, int64_t question, bool *is_candidate)
{
    for (int64_t a = data->offsets[question]; a < data->offsets[question + 1]; a++)
        if (data->answers[a] != QCTX_ABSENT)
            is_candidate[data->answers[a]] = true;
}

/* Takes the context of the question's own id away, unless it answers. */
static void unmark_own(const ranking_data *data, int64_t question, bool *is_candidate)
{
    const int64_t own = data->set.own != NULL ? data->set.own[data->rows[question]] : QCTX_ABSENT;

    for (int64_t a = data->offsets[question]; a < data->offsets[question + 1]; a++)
        if (data->answers[a] == own)
            return;
    if (own != QCTX_ABSENT)
        is_candidate[own] = false;
}

/* Marks the candidates of a question under a protocol. */
static void mark_candidates(const ranking_data *data, const qctx_protocol *protocol, const int64_t *order,
                            int64_t question, bool *is_candidate)
{
    int64_t place = 0, first;

    memset(is_candidate, protocol->candidates == QCTX_CANDIDATES_CORPUS, (size_t)data->contexts);
    if (protocol->candidates == QCTX_CANDIDATES_SPLIT)
        for (int64_t q = 0; q < data->questions; q++)
            mark_answers(data, q, is_candidate);
    if (protocol->candidates != QCTX_CANDIDATES_POOLS)
        return;
    while (order[place] != question)
        place++;
    first = place / protocol->pool * protocol->pool;
    for (int64_t i = first; i < first + protocol->pool && i < data->questions; i++)
        mark_answers(data, order[i], is_candidate);
}

/* Holds the positions against sorting; every `step`-th question, so that large sets stay quick. */
static void check(const ranking_data *data, qctx_protocol protocol, int64_t step)
{
    int64_t answers = data->offsets[data->questions];
    int64_t *positions = qctx_alloc(answers, sizeof *positions, "a test", NULL);
    int64_t *order = qctx_alloc(data->questions, sizeof *order, "a test", NULL);
    int64_t *candidates = qctx_alloc(data->questions, sizeof *candidates, "a test", NULL);
    bool *is_candidate = qctx_alloc(data->contexts, sizeof *is_candidate, "a test", NULL);
    ranking_entry *list = qctx_alloc(data->contexts, sizeof *list, "a test", NULL);

    assert_status(qctx_evaluate(test_comm, &data->set, &data->projector, &protocol, positions, candidates, &error),
                  QCTX_OK, &error);
    for (int64_t i = 0; i < data->questions; i++)
        order[i] = i;
    if (protocol.order == QCTX_POOLS_SHUFFLED)
        qctx_rng_permutation(order, data->questions, protocol.seed, QCTX_STREAM_POOL, 0);
    for (int64_t q = 0; q < data->questions; q += step) {
        int64_t count = 0;

        mark_candidates(data, &protocol, order, q, is_candidate);
        unmark_own(data, q, is_candidate);
        for (int64_t c = 0; c < data->contexts; c++)
            count += is_candidate[c];
        assert_int_equal(candidates[q], count);
        for (int64_t a = data->offsets[q]; a < data->offsets[q + 1]; a++)
            assert_int_equal(positions[a], data->answers[a] == QCTX_ABSENT
                                               ? count
                                               : position_by_sorting(data, q, data->answers[a], is_candidate, list));
    }
    free(candidates);
    free(positions);
    free(order);
    free(is_candidate);
    free(list);
}

/* Every third question has no own document, and every ninth only contexts that are not there. */
static ranking_data make_own_and_absent(int64_t questions, int64_t contexts, int64_t *own)
{
    ranking_data data = ranking_make(questions, contexts);

    for (int64_t q = 0; q < questions; q++)
        own[q] = q % 3 == 0 ? QCTX_ABSENT : (q * 7) % contexts;
    for (int64_t q = 0; q < questions; q++)
        if (q % 9 == 0 || q % 3 == 2)
            data.answers[data.offsets[q]] = QCTX_ABSENT;
    data.set.own = own;
    return data;
}

static void own_and_absent_contexts(void **state)
{
    enum { QUESTIONS = 300, CONTEXTS = 1100 };
    int64_t own[QUESTIONS];
    ranking_data data = make_own_and_absent(QUESTIONS, CONTEXTS, own);

    (void)state;
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS}, 1);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_SPLIT}, 1);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS, .pool = 50}, 1);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS, .order = QCTX_POOLS_SHUFFLED, .pool = 300}, 1);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS, .pool = 1}, 1);
    ranking_free(&data);
    data = make_own_and_absent(60, 12, own);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS}, 1);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS, .pool = 20}, 1);
    ranking_free(&data);
}

/* Lists are full to their depth without the own document, held against sorting. */
static void lists_leave_own_contexts_out(void **state)
{
    enum { QUESTIONS = 40, CONTEXTS = 30 };
    static const int64_t depths[] = {1, 7, CONTEXTS};
    int64_t own[QUESTIONS], all[CONTEXTS], asked[QUESTIONS];
    ranking_data data = make_own_and_absent(QUESTIONS, CONTEXTS, own);
    const qctx_rows *contexts = &data.from[QCTX_CONTEXT];
    qctx_shard shard = {0};
    const qctx_query query = {test_comm, &shard, &data.projector, &data.from[QCTX_QUESTION], data.rows, QUESTIONS};
    qctx_hit hits[QUESTIONS * CONTEXTS];
    ranking_entry list[CONTEXTS];

    (void)state;
    for (int64_t c = 0; c < CONTEXTS; c++)
        all[c] = c;
    for (int64_t q = 0; q < QUESTIONS; q++)
        asked[q] = q;
    assert_status(
        qctx_shard_create(test_comm, contexts, &data.projector, all, CONTEXTS, QCTX_PRECISION_FLOAT32, &shard, &error),
        QCTX_OK, &error);
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
        const int64_t k = depths[d];

        assert_status(qctx_evaluate_lists(&query, &data.set, asked, all, k, hits, &error), QCTX_OK, &error);
        for (int64_t q = 0; q < QUESTIONS; q++) {
            bool is_candidate[CONTEXTS];
            int64_t count = 0;

            memset(is_candidate, true, sizeof is_candidate);
            unmark_own(&data, q, is_candidate);
            for (int64_t c = 0; c < CONTEXTS; c++)
                if (is_candidate[c])
                    list[count++] = (ranking_entry){ranking_score(&data, q, c), c};
            qsort(list, (size_t)count, sizeof *list, ranking_compare);
            for (int64_t i = 0; i < k; i++)
                assert_int_equal(hits[q * k + i].candidate, i < count ? list[i].row : -1);
        }
    }
    qctx_shard_free(&shard);
    ranking_free(&data);
}

/* Nothing to find, and nothing that is right enough, are no figures. */
static void refuses_what_nothing_answers(void **state)
{
    ranking_data data = ranking_make(4, 10);
    const float grades[] = {1, 2, 1, 0.5f, 1, 1, 1};
    int64_t positions[7];

    (void)state;
    data.set.grades = grades;
    assert_status(qctx_evaluate(test_comm, &data.set, &data.projector,
                                &(qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS, .relevant = 3}, positions, NULL,
                                &error),
                  QCTX_ERR_DATA, &error);
    assert_contains(error.message, "eval.relevant: no context of the 4 questions to evaluate has a grade of 3 or more; "
                                   "their grades are 0.5 to 2");
    for (int64_t a = 0; a < 7; a++)
        data.answers[a] = QCTX_ABSENT;
    assert_status(qctx_evaluate(test_comm, &data.set, &data.projector,
                                &(qctx_protocol){.candidates = QCTX_CANDIDATES_SPLIT}, positions, NULL, &error),
                  QCTX_ERR_DATA, &error);
    assert_contains(error.message, "no context that answers the 4 questions to evaluate is there");
    ranking_free(&data);
}

static void positions_by_hand(void **state)
{
    /* Products with (1, 0): 3, 1, 3, 2, 1. Right are rows 2 (ties with 0) and 4 (ties with 1), and 0 for the other. */
    const float questions[] = {1, 0, 0, 1}, contexts[] = {3, 0, 1, 5, 3, 5, 2, 0, 1, 7};
    const int64_t rows[] = {0, 1}, offsets[] = {0, 2, 3}, answers[] = {2, 4, 0};
    const qctx_rows from[] = {qctx_rows_of_array(questions, 2, 0), qctx_rows_of_array(contexts, 2, 0)};
    const qctx_eval_set set = {.rows = {from[0], from[1]},
                               .context_count = 5,
                               .count = 2,
                               .questions = rows,
                               .offsets = offsets,
                               .contexts = answers};
    const qctx_projector projector = {.input = 2};
    qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS};
    int64_t positions[3];

    (void)state;
    assert_status(qctx_evaluate(test_comm, &set, &projector, &protocol, positions, NULL, &error), QCTX_OK, &error);
    assert_int_equal(positions[0], 1);
    assert_int_equal(positions[1], 4);
    /* Products with (0, 1): 0, 5, 5, 0, 7. Row 0 ties with row 3 and is the lower. */
    assert_int_equal(positions[2], 3);
    /* Only rows 0, 2 and 4 answer something. */
    protocol.candidates = QCTX_CANDIDATES_SPLIT;
    assert_status(qctx_evaluate(test_comm, &set, &projector, &protocol, positions, NULL, &error), QCTX_OK, &error);
    assert_int_equal(positions[0], 1);
    assert_int_equal(positions[1], 2);
    assert_int_equal(positions[2], 2);
    /* Alone in its pool, the second question has one candidate. */
    protocol = (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                               .order = QCTX_POOLS_CONSECUTIVE,
                               .pool = 1,
                               .seed = 0,
                               .scan = QCTX_PRECISION_FLOAT32};
    assert_status(qctx_evaluate(test_comm, &set, &projector, &protocol, positions, NULL, &error), QCTX_OK, &error);
    assert_int_equal(positions[0], 0);
    assert_int_equal(positions[1], 1);
    assert_int_equal(positions[2], 0);
}

static void candidates_of_a_split_and_of_a_corpus_match_sorting(void **state)
{
    /* Several tiles of questions and of contexts, the last of each short. */
    ranking_data data = ranking_make(600, 1300);

    (void)state;
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS}, 7);
    check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_SPLIT}, 7);
    ranking_free(&data);
}

static void pools_match_sorting(void **state)
{
    ranking_data data = ranking_make(233, 150);

    (void)state;
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_CONSECUTIVE,
                          .pool = 50,
                          .seed = 0,
                          .scan = QCTX_PRECISION_FLOAT32},
          1);
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_SHUFFLED,
                          .pool = 50,
                          .seed = 3,
                          .scan = QCTX_PRECISION_FLOAT32},
          1);
    /* Fewer pools than ranks, one pool only, and pools of one question. */
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_CONSECUTIVE,
                          .pool = 120,
                          .seed = 0,
                          .scan = QCTX_PRECISION_FLOAT32},
          1);
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_SHUFFLED,
                          .pool = INT64_MAX,
                          .seed = 3,
                          .scan = QCTX_PRECISION_FLOAT32},
          1);
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_CONSECUTIVE,
                          .pool = 1,
                          .seed = 0,
                          .scan = QCTX_PRECISION_FLOAT32},
          1);
    ranking_free(&data);
    /* A pool of more questions than one product takes. */
    data = ranking_make(700, 90);
    check(&data,
          (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                          .order = QCTX_POOLS_SHUFFLED,
                          .pool = 600,
                          .seed = 4,
                          .scan = QCTX_PRECISION_FLOAT32},
          5);
    ranking_free(&data);
}

static void the_smallest_sets_work(void **state)
{
    (void)state;
    for (int64_t questions = 1; questions <= 3; questions++)
        for (int64_t contexts = 1; contexts <= 3; contexts++) {
            ranking_data data = ranking_make(questions, contexts);

            check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS}, 1);
            check(&data, (qctx_protocol){.candidates = QCTX_CANDIDATES_SPLIT}, 1);
            check(&data,
                  (qctx_protocol){.candidates = QCTX_CANDIDATES_POOLS,
                                  .order = QCTX_POOLS_SHUFFLED,
                                  .pool = 2,
                                  .seed = 1,
                                  .scan = QCTX_PRECISION_FLOAT32},
                  1);
            ranking_free(&data);
        }
}

/* Rows of any real numbers and a head: the products round, so this sees whether their bits depend on the ranks. */
static uint64_t hash_of_rounding_positions(qctx_candidates candidates)
{
    enum { QUESTIONS = 300, CONTEXTS = 1100, DIM = 24 };
    const qctx_head_config head = {QCTX_HEAD_RESIDUAL, QCTX_SIDES_BOTH, QCTX_ACTIVATION_GELU, 2, DIM, 32, DIM, 0.0, 7};
    float *parameters = qctx_alloc(qctx_head_parameter_count(&head), sizeof *parameters, "a test", NULL);
    ranking_data data = ranking_make(QUESTIONS, CONTEXTS);
    float *sides[2];
    int64_t *positions = qctx_alloc(data.offsets[QUESTIONS], sizeof *positions, "a test", NULL);
    qctx_projector projector = {&head, parameters, 0.7, true, DIM};
    qctx_protocol protocol = {
        .candidates = candidates, .order = QCTX_POOLS_SHUFFLED, .pool = 70, .seed = 5, .scan = QCTX_PRECISION_FLOAT32};
    uint64_t hash;

    for (int64_t i = 0; i < qctx_head_parameter_count(&head); i++)
        parameters[i] = (float)qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 7, (uint64_t)i) - 0.5f;
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        int64_t count = side == 0 ? QUESTIONS : CONTEXTS;

        sides[side] = qctx_alloc(count * DIM, sizeof **sides, "a test", NULL);
        /* Every third row repeats the one before, so that equal rows must get equal scores. */
        for (int64_t i = 0; i < count * DIM; i++)
            sides[side][i] = i >= DIM && i / DIM % 3 == 0
                                 ? sides[side][i - DIM]
                                 : (float)qctx_rng_uniform(2, QCTX_STREAM_SYNTH, (uint64_t)side, (uint64_t)i) - 0.5f;
        data.set.rows[side] = qctx_rows_of_array(sides[side], DIM, 0);
    }
    assert_status(qctx_evaluate(test_comm, &data.set, &projector, &protocol, positions, NULL, &error), QCTX_OK, &error);
    hash = qctx_hash(positions, (size_t)data.offsets[QUESTIONS] * sizeof *positions, 0);
    free(parameters);
    free(positions);
    free(sides[0]);
    free(sides[1]);
    ranking_free(&data);
    return hash;
}

/* The first of the runs at different rank counts leaves its hashes for the others. */
static void positions_do_not_depend_on_the_ranks(void **state)
{
    const char *folder = getenv("QCTX_TEST_TMP");
    char path[512], now[128], *before = NULL;
    size_t bytes;

    (void)state;
    snprintf(now, sizeof now, "%016llx %016llx %016llx",
             (unsigned long long)hash_of_rounding_positions(QCTX_CANDIDATES_POOLS),
             (unsigned long long)hash_of_rounding_positions(QCTX_CANDIDATES_SPLIT),
             (unsigned long long)hash_of_rounding_positions(QCTX_CANDIDATES_CORPUS));
    assert_true(qctx_comm_same(test_comm, qctx_hash(now, strlen(now), 0)));
    if (folder == NULL)
        test_skip("there is no folder that the runs at several rank counts share");
    if (qctx_comm_rank(test_comm) != 0)
        return;
    snprintf(path, sizeof path, "%s/evaluate-positions", folder);
    if (!qctx_path_exists(path))
        assert_status(qctx_file_write(path, now, strlen(now), &error), QCTX_OK, &error);
    assert_status(qctx_file_read(path, &before, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(now, before);
    free(before);
}

static void no_questions_are_refused(void **state)
{
    ranking_data data = ranking_make(1, 1);
    qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS};

    (void)state;
    data.set.count = 0;
    assert_status(qctx_evaluate(test_comm, &data.set, &data.projector, &protocol, NULL, NULL, &error), QCTX_ERR_DATA,
                  &error);
    ranking_free(&data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(positions_by_hand),
    cmocka_unit_test(own_and_absent_contexts),
    cmocka_unit_test(lists_leave_own_contexts_out),
    cmocka_unit_test(refuses_what_nothing_answers),
    cmocka_unit_test(candidates_of_a_split_and_of_a_corpus_match_sorting),
    cmocka_unit_test(pools_match_sorting),
    cmocka_unit_test(the_smallest_sets_work),
    cmocka_unit_test(positions_do_not_depend_on_the_ranks),
    cmocka_unit_test(no_questions_are_refused),
};
TEST_MAIN(tests)
