#include "qctx/platform/launcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* The value of a variable that is a whole number, or −1. */
static int64_t number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    int64_t number = text == NULL ? -1 : strtoll(text, &end, 10);

    return text == NULL || end == text || *end != '\0' ? -1 : number;
}

static bool any_is_set(const char *const *variables)
{
    while (*variables != NULL && getenv(*variables) == NULL)
        variables++;
    return *variables != NULL;
}

/* The number of the step, which SLURM has given two names; −1 outside of one. */
static int64_t step_number(void)
{
    int64_t number = number_in("SLURM_STEP_ID");

    return number >= 0 ? number : number_in("SLURM_STEPID");
}

/*
 * The tasks of the step that srun started this process in. The shells of salloc, of batch scripts (both of numbers that
 * no srun has, where they have one) and of srun --pty were not started to work together.
 */
static qctx_launched step_of_slurm(void)
{
    static const char *const counts[] = {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS", NULL};
    static const char *const others[] = {"SLURM_PROCID", "SLURM_LOCALID", NULL};
    const int64_t first_special = 0xfffffff0;

    if (step_number() < 0 || step_number() >= first_special || getenv("SLURM_PTY_PORT") != NULL)
        return (qctx_launched){.processes = 1};
    for (const char *const *count = counts; *count != NULL; count++)
        if (number_in(*count) > 0)
            return (qctx_launched){number_in(*count), number_in(*count) > 1 ? *count : NULL};
    for (const char *const *other = others; *other != NULL; other++)
        if (number_in(*other) > 0)
            return (qctx_launched){0, *other};
    return (qctx_launched){.processes = 1};
}

void qctx_launcher_leave_slurm(void)
{
    static const char *const pmix[] = {"PMIX_NAMESPACE", "PMIX_RANK", NULL};
    static const char *const pmi[] = {"PMI_FD", "PMI_RANK", "PMI_PORT", "PMI_ID", "PMI_SIZE", NULL};

    if (!any_is_set(pmix) && (!any_is_set(pmi) || step_of_slurm().processes == 1))
        unsetenv("SLURM_NODELIST");
}

qctx_launched qctx_launcher_launched(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS",
                                        NULL};
    bool launched = false;

    for (const char *const *size = sizes; *size != NULL; size++) {
        launched = launched || number_in(*size) > 0;
        if (number_in(*size) > 1)
            return (qctx_launched){number_in(*size), *size};
    }
    if (!launched && number_in("PMIX_RANK") > 0)
        return (qctx_launched){0, "PMIX_RANK"};
    if (launched)
        return (qctx_launched){.processes = 1};
    return step_of_slurm();
}
