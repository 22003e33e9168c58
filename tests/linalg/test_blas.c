/* ranks: 1 2 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qctx/linalg/blas.h"

static void mends_only_what_is_older_than_the_cpu(void **state)
{
    static const struct {
        qctx_cpu_features features;
        const char *core, *better;
    } cases[] = {
        /* An AVX-512 Xeon that the library does not know, and the CPUs for which it stopped half-way. */
        {{true, true, true}, "Prescott", "SkylakeX"},
        {{true, true, true}, "Nehalem", "SkylakeX"},
        {{true, true, true}, "Sandybridge", "SkylakeX"},
        {{true, true, true}, "Haswell", "SkylakeX"},
        {{true, true, false}, "Prescott", "Haswell"},
        {{true, true, false}, "Core2", "Haswell"},
        {{true, true, false}, "Barcelona", "Haswell"},
        {{true, true, false}, "Piledriver", "Haswell"},
        {{true, true, false}, "prescott", "Haswell"},
        {{true, false, false}, "Prescott", "Sandybridge"},
        {{true, false, false}, "Opteron_SSE3", "Sandybridge"},
        /* Right choices. */
        {{true, true, true}, "SkylakeX", NULL},
        {{true, true, true}, "Cooperlake", NULL},
        {{true, true, true}, "Zen", NULL},
        {{true, true, false}, "Haswell", NULL},
        {{true, true, false}, "Zen", NULL},
        {{true, true, false}, "Excavator", NULL},
        {{true, false, false}, "Sandybridge", NULL},
        {{true, false, false}, "Piledriver", NULL},
        {{false, false, false}, "Prescott", NULL},
        {{false, false, false}, "Core2", NULL},
        /* Names of later versions and other machines. */
        {{true, true, true}, "SapphireRapids", NULL},
        {{false, false, false}, "neoversen1", NULL},
        {{true, true, true}, "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *better = qctx_blas_better_core(cases[i].features, cases[i].core);

        if (cases[i].better == NULL)
            assert_null(better);
        else
            assert_string_equal(better, cases[i].better);
    }
}

/* main restarted each rank before MPI: the library obeyed, MPI still finds all ranks, and there is no second time. */
static void restarts_once_with_another_core(void **state)
{
    static char *const no_arguments[] = {NULL};
    int64_t ranks = 1;

    (void)state;
    if (!qctx_blas_has_cores())
        test_skip("this OpenBLAS has kernels for one CPU only");
    assert_non_null(qctx_blas_replaced_core());
    assert_string_equal(getenv("OPENBLAS_CORETYPE"), "Prescott");
    assert_int_equal(strcasecmp(qctx_blas_core(), "Prescott"), 0);
    assert_contains(qctx_blas_library(), qctx_blas_core());
    qctx_comm_sum_int64(test_comm, &ranks, 1);
    assert_int_equal(ranks, qctx_comm_size(test_comm));
    qctx_blas_mend_core((char **)no_arguments);
}

/* A product by the kernels that the restart chose, and the sum over nothing. */
static void multiplies(void **state)
{
    const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 2, 1, 0, 3};
    float c[] = {10, 20, 30, 40};

    (void)state;
    qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, 2, 2, 3, 2.0f, a, 3, b, 3, 1.0f, c, 2);
    assert_true(c[0] == 24 && c[1] == 40 && c[2] == 62 && c[3] == 84);
    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, 2, 2, 0, 1.0f, a, 1, b, 2, 0.5f, c, 2);
    assert_true(c[0] == 12 && c[3] == 42);
    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, 2, 2, 0, 1.0f, a, 1, b, 2, 0.0f, c, 2);
    assert_true(c[0] == 0 && c[3] == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(mends_only_what_is_older_than_the_cpu),
    cmocka_unit_test(restarts_once_with_another_core),
    cmocka_unit_test(multiplies),
};

int main(int argc, char **argv)
{
    if (qctx_blas_has_cores() && qctx_blas_replaced_core() == NULL)
        qctx_blas_restart(argv, "Prescott");
    return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
}
