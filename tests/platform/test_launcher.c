/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/platform/launcher.h"

/* Every variable that a case sets, so that each begins without them. */
static const char *const known[] = {
    "OMPI_COMM_WORLD_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "PMI_RANK",
    "PMI_FD",
    "MPI_LOCALNRANKS",
    "PMIX_RANK",
    "PMIX_NAMESPACE",
    "SLURM_STEPID",
    "SLURM_STEP_ID",
    "SLURM_NTASKS",
    "SLURM_NPROCS",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "SLURM_PTY_PORT",
    "PMI_PORT",
    "PMI_ID",
};

/* Sets "NAME=VALUE NAME=VALUE …", and nothing else that is known. */
static void surround(const char *surroundings)
{
    char text[256];
    char *rest = text;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        unsetenv(known[i]);
    strcpy(text, surroundings);
    for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(rest, " ", &rest)) {
        char *equals = strchr(word, '=');

        *equals = '\0';
        setenv(word, equals + 1, 1);
    }
}

static void tells_how_many_were_started(void **state)
{
    static const struct {
        const char *surroundings;
        int64_t processes;
        const char *variable;
    } cases[] = {
        {"", 1, NULL},
        {"PMI_SIZE=4 PMI_RANK=2", 4, "PMI_SIZE"},
        {"MPI_LOCALNRANKS=3", 3, "MPI_LOCALNRANKS"},
        {"OMPI_COMM_WORLD_SIZE=2", 2, "OMPI_COMM_WORLD_SIZE"},
        {"MV2_COMM_WORLD_SIZE=8", 8, "MV2_COMM_WORLD_SIZE"},
        {"PMIX_RANK=1", 0, "PMIX_RANK"},
        {"PMIX_RANK=0", 1, NULL},
        {"PMI_SIZE=1 PMI_RANK=0", 1, NULL},
        {"PMI_SIZE=x", 1, NULL},
        {"PMI_SIZE=", 1, NULL},
        /* The nearest launcher says more than the step it was started in. */
        {"OMPI_COMM_WORLD_SIZE=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4", 1, NULL},
        /* An allocation of many tasks, as salloc and sbatch have it. */
        {"SLURM_NTASKS=4 SLURM_PROCID=0", 1, NULL},
        {"SLURM_NTASKS=4 SLURM_STEP_ID=4294967290 SLURM_STEP_NUM_TASKS=1", 1, NULL},
        {"SLURM_NTASKS=4 SLURM_STEP_ID=4294967291", 1, NULL},
        /* srun: of four tasks, of one within an allocation of four, and the shell of --pty. */
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", 4, "SLURM_STEP_NUM_TASKS"},
        {"SLURM_STEPID=3 SLURM_NTASKS=4", 4, "SLURM_NTASKS"},
        {"SLURM_STEP_ID=0 SLURM_PROCID=3", 0, "SLURM_PROCID"},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=1", 1, NULL},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 SLURM_PTY_PORT=40000", 1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_launched launched;

        surround(cases[i].surroundings);
        launched = qctx_launcher_launched();
        if (launched.processes != cases[i].processes)
            fail_msg("%s: %lld, expected %lld", cases[i].surroundings, (long long)launched.processes,
                     (long long)cases[i].processes);
        if (cases[i].variable == NULL)
            assert_null(launched.variable);
        else
            assert_string_equal(launched.variable, cases[i].variable);
    }
}

static void leaves_slurm_where_it_brings_no_mpi(void **state)
{
    static const struct {
        const char *surroundings;
        bool leaves;
    } cases[] = {
        {"SLURM_NTASKS=4", true},
        {"SLURM_STEP_ID=0 SLURM_STEPID=0 SLURM_NTASKS=1", true},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4", true},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=1 PMI_FD=5", true},
        /* srun with the PMI of a job that has something to say to each other. */
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4 PMIX_RANK=1", false},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=1 PMIX_NAMESPACE=slurm.pmix.7.0", false},
        {"SLURM_STEP_ID=0 SLURM_NTASKS=4 PMI_FD=5 PMI_RANK=2", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        surround(cases[i].surroundings);
        setenv("SLURM_NODELIST", "n1", 1);
        qctx_launcher_leave_slurm();
        if ((getenv("SLURM_NODELIST") == NULL) != cases[i].leaves)
            fail_msg("%s: %s", cases[i].surroundings, cases[i].leaves ? "not left" : "left");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tells_how_many_were_started),
    cmocka_unit_test(leaves_slurm_where_it_brings_no_mpi),
};
TEST_MAIN(tests)
