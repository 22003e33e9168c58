/* ranks: 1 */
#include "harness.h"

#include "qctx/data/sampler.h"

/* 10 examples in batches of 4: two batches an epoch, two examples rest, nothing twice. */
static void an_epoch_deals_every_example_at_most_once(void **state)
{
    qctx_sampler sampler;
    qctx_error error;

    (void)state;
    assert_status(qctx_sampler_create(10, 4, 3, &sampler, &error), QCTX_OK, &error);
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

static void a_batch_depends_on_epoch_and_place_only(void **state)
{
    qctx_sampler straight, jumping;
    qctx_error error;
    int64_t expected[4];

    (void)state;
    assert_status(qctx_sampler_create(100, 4, 3, &straight, &error), QCTX_OK, &error);
    assert_status(qctx_sampler_create(100, 4, 3, &jumping, &error), QCTX_OK, &error);
    for (int64_t epoch = 0; epoch < 3; epoch++)
        for (int64_t b = 0; b < 25; b++)
            for (int i = 0; i < 4; i++)
                expected[i] = qctx_sampler_batch(&straight, epoch, b)[i];
    /* Straight to the last batch, as a resumed run goes. */
    for (int i = 0; i < 4; i++)
        assert_int_equal(qctx_sampler_batch(&jumping, 2, 24)[i], expected[i]);
    qctx_sampler_destroy(&straight);
    qctx_sampler_destroy(&jumping);
}

static void a_batch_larger_than_the_data_is_refused(void **state)
{
    qctx_sampler sampler;
    qctx_error error;

    (void)state;
    assert_status(qctx_sampler_create(10, 11, 3, &sampler, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "a batch of 11 is larger than the training data (10 questions)");
    assert_contains(error.hint, "at most 10");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_epoch_deals_every_example_at_most_once),
    cmocka_unit_test(a_batch_depends_on_epoch_and_place_only),
    cmocka_unit_test(a_batch_larger_than_the_data_is_refused),
};
TEST_MAIN(tests)
