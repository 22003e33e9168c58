/* Products by OpenBLAS, and what it says of itself. */
#include "qctx/linalg/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

void qctx_sgemm(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k, float alpha,
                const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
    if (m == 0 || n == 0)
        return;
    if (k == 0) {
        /* The sum over nothing: only the beta part remains. */
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                c[i * ldc + j] = beta == 0.0f ? 0.0f : beta * c[i * ldc + j];
        return;
    }
    cblas_sgemm(CblasRowMajor, a_form == QCTX_PLAIN ? CblasNoTrans : CblasTrans,
                b_form == QCTX_PLAIN ? CblasNoTrans : CblasTrans, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}

void qctx_blas_set_threads(int threads)
{
    openblas_set_num_threads(threads);
}

const char *qctx_blas_core(void)
{
    return openblas_get_corename();
}

bool qctx_blas_has_cores(void)
{
    return strstr(openblas_get_config(), "DYNAMIC_ARCH") != NULL;
}

const char *qctx_blas_library(void)
{
    static const char *const threading[] = {"serial", "pthreads", "openmp"};
    static char text[128];
    int parallel = openblas_get_parallel();
    char name[32] = "", version[32] = "";

    /* openblas_get_config() reads "OpenBLAS 0.3.21 DYNAMIC_ARCH …"; the first two words say enough. */
    sscanf(openblas_get_config(), "%31s %31s", name, version);
    snprintf(text, sizeof text, "%s %s %s, %s", name, version, openblas_get_corename(),
             parallel >= 0 && parallel <= 2 ? threading[parallel] : "unknown");
    return text;
}
