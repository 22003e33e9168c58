/* ranks: 1 3 */
#include "harness.h"

#include <omp.h>

#include "qctx/linalg/threads.h"

/* OMP_NUM_THREADS stands, whatever the library of products makes of its own setting. */
static void keeps_the_threads_that_the_user_set(void **state)
{
    int threads = omp_get_max_threads();

    (void)state;
    qctx_threads_set(test_comm);
    assert_int_equal(omp_get_max_threads(), threads);
}

static void says_what_the_job_runs_on(void **state)
{
    qctx_error error;

    (void)state;
    assert_int_equal(qctx_threads_log(test_comm, &error), QCTX_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_the_threads_that_the_user_set),
    cmocka_unit_test(says_what_the_job_runs_on),
};
TEST_MAIN(tests)
