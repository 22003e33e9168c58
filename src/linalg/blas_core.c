/* Which kernels OpenBLAS should have taken for this CPU, and the restart that mends it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "qctx/linalg/blas.h"

static const char setting[] = "OPENBLAS_CORETYPE";
/* Set by a restart to the core that it replaced, so that there is only one. */
static const char restarted[] = "QCTX_REPLACED_CORE";

/* What a core type's kernels are made of. */
typedef enum { SSE, AVX, AVX2, AVX512 } generation;

/*
 * OpenBLAS's names. Zen's kernels are those of Haswell, but it is chosen only for CPUs that do not gain by AVX-512.
 * A name that is not here is newer than this table, or no x86-64, and trusted.
 */
static const struct {
    const char *name;
    generation made_of;
} cores[] = {
    {"Generic", SSE},      {"Unknown", SSE},       {"Katmai", SSE},     {"Coppermine", SSE},  {"Northwood", SSE},
    {"Banias", SSE},       {"Prescott", SSE},      {"Core2", SSE},      {"Penryn", SSE},      {"Dunnington", SSE},
    {"Nehalem", SSE},      {"Atom", SSE},          {"Nano", SSE},       {"Athlon", SSE},      {"Opteron", SSE},
    {"Opteron_SSE3", SSE}, {"Barcelona", SSE},     {"Bobcat", SSE},     {"Sandybridge", AVX}, {"Bulldozer", AVX},
    {"Piledriver", AVX},   {"Steamroller", AVX},   {"Excavator", AVX2}, {"Haswell", AVX2},    {"Zen", AVX512},
    {"SkylakeX", AVX512},  {"Cooperlake", AVX512},
};

const char *qctx_blas_better_core(qctx_cpu_features features, const char *core)
{
    static const char *const best[] = {NULL, "Sandybridge", "Haswell", "SkylakeX"};
    generation possible = features.avx512 ? AVX512 : features.avx2 ? AVX2 : features.avx ? AVX : SSE;

    for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++)
        if (strcasecmp(core, cores[i].name) == 0 && cores[i].made_of < possible)
            return best[possible];
    return NULL;
}

static qctx_cpu_features features_here(void)
{
    qctx_cpu_features features = {false, false, false};

#ifdef __x86_64__
    __builtin_cpu_init();
    features.avx = __builtin_cpu_supports("avx");
    features.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    return features;
}

void qctx_blas_restart(char **argv, const char *core)
{
    const char *before = getenv(setting);
    char *kept = before == NULL ? NULL : strdup(before);

    if (setenv(setting, core, 1) == 0 && setenv(restarted, qctx_blas_core(), 1) == 0)
        execv("/proc/self/exe", argv);
    unsetenv(restarted);
    unsetenv(setting);
    if (kept != NULL)
        setenv(setting, kept, 1);
    free(kept);
}

void qctx_blas_mend_core(char **argv)
{
    const char *better;

    if (getenv(setting) != NULL || getenv(restarted) != NULL || !qctx_blas_has_cores())
        return;
    better = qctx_blas_better_core(features_here(), qctx_blas_core());
    if (better != NULL)
        qctx_blas_restart(argv, better);
}

const char *qctx_blas_replaced_core(void)
{
    return getenv(restarted);
}
