#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "qctx/base/version.h"
#include "qctx/cli/commands.h"
#include "qctx/linalg/blas.h"
#include "qctx/linalg/threads.h"
#include "qctx/platform/launcher.h"
#include "qctx/platform/stop.h"
#include "qctx/platform/terminal.h"

/* In the order in which --help lists them. */
static const qctx_command *const commands[] = {
    &qctx_cmd_import, &qctx_cmd_synth, &qctx_cmd_embed,  &qctx_cmd_mine, &qctx_cmd_train,
    &qctx_cmd_sweep,  &qctx_cmd_eval,  &qctx_cmd_search, &qctx_cmd_info, &qctx_cmd_bench,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *out)
{
    fputs("usage: qctx-dist COMMAND [ARGUMENT ...]\n"
          "       mpirun -np N qctx-dist COMMAND [ARGUMENT ...]\n"
          "\n"
          "Semantic search from a frozen sentence encoder and a small trained head,\n"
          "data-parallel over MPI.\n"
          "\n"
          "commands:\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->usage->command, commands[i]->usage->brief);
    fputs("\n"
          "qctx-dist COMMAND --help says more about each; qctx-dist --version names the build.\n",
          out);
}

/* The command of this name, or NULL. */
static const qctx_command *find_command(const char *word)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(word, commands[i]->usage->command) == 0)
            return commands[i];
    return NULL;
}

static qctx_status unknown_command(const char *word, qctx_error *error)
{
    const char *names[COMMAND_COUNT];
    const char *nearest;

    for (int i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->usage->command;
    nearest = qctx_suggest(word, names, COMMAND_COUNT);
    qctx_fail(error, QCTX_ERR_USAGE, "'%s' is not a command of qctx-dist", word);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return qctx_hint(error, "qctx-dist --help lists the commands");
}

/* A process that was started among others and finds itself alone: another MPI's mpiexec started it. */
static qctx_status check_alone(const qctx_comm *comm, const qctx_command *command, const qctx_launched *launched,
                               qctx_error *error)
{
    char count[32] = "several";

    if (qctx_comm_size(comm) > 1 || launched->variable == NULL)
        return QCTX_OK;
    if (launched->processes > 0)
        snprintf(count, sizeof count, "%lld", (long long)launched->processes);
    if (!command->writes) {
        qctx_warn("this process is one of %s by %s, but rank 0 of 1 for its MPI, %s: each does all of the work "
                  "alone",
                  count, launched->variable, qctx_comm_library());
        return QCTX_OK;
    }
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: this process is one of %s by %s, but rank 0 of 1 for its MPI, %s: each would do all of the work "
              "alone and write the same files",
              command->usage->command, count, launched->variable, qctx_comm_library());
    return qctx_hint(error,
                     "start it with the mpirun of that MPI, or with srun --mpi=pmix; for one process alone: env -u %s "
                     "qctx-dist %s ...",
                     launched->variable, command->usage->command);
}

/* Parses the command line of a subcommand (argv[0] is its name) and answers --help, or runs it. */
static qctx_status run_command(qctx_comm *comm, const qctx_command *command, const qctx_launched *launched, int argc,
                               char **argv, qctx_error *error)
{
    const char **positional = qctx_alloc(argc, sizeof *positional, "the arguments", error);
    int64_t count = 0;
    bool help = false;
    qctx_status status = positional == NULL
                             ? QCTX_ERR_MEMORY
                             : qctx_options_parse(command->usage, argc, argv, positional, &count, &help, error);

    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK && !help)
        status = check_alone(comm, command, launched, error);
    if (status == QCTX_OK && !help)
        status = command->run(comm, positional, count, error);
    else if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        qctx_options_print_usage(command->usage, stdout);
    free(positional);
    return status;
}

/* `help COMMAND` is `COMMAND --help`. */
static qctx_status help_on(const char *word, bool speaks, qctx_error *error)
{
    const qctx_command *command = find_command(word);

    if (command == NULL)
        return unknown_command(word, error);
    if (speaks)
        qctx_options_print_usage(command->usage, stdout);
    return QCTX_OK;
}

/* Every rank sees the same argv, so all take the same branch. `command` is what argv[1] names, or NULL. */
static qctx_status dispatch(qctx_comm *comm, const qctx_command *command, const qctx_launched *launched, int argc,
                            char **argv, qctx_error *error)
{
    bool speaks = qctx_comm_rank(comm) == 0;

    if (argc < 2) {
        if (speaks)
            print_usage(stderr);
        qctx_fail(error, QCTX_ERR_USAGE, "no command given");
        return qctx_hint(error, "to see the main job at work: make demo");
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2)
        return help_on(argv[2], speaks, error);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        if (speaks)
            print_usage(stdout);
        return QCTX_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        if (speaks)
            printf("qctx-dist %s, lines edited by %s\n", qctx_version(),
                   qctx_terminal_editor() != NULL ? qctx_terminal_editor() : "nothing (built without libedit)");
        return QCTX_OK;
    }
    if (command == NULL)
        return unknown_command(argv[1], error);
    return run_command(comm, command, launched, argc - 1, argv + 1, error);
}

/* A result that could not be written (a full disk, a closed pipe) is no success. */
static qctx_status flush_results(qctx_comm *comm, qctx_status status, qctx_error *error)
{
    qctx_status flushed = QCTX_OK;

    errno = 0;
    if (status == QCTX_OK && (fflush(stdout) != 0 || ferror(stdout)))
        flushed = qctx_write_failed("standard output", "cannot write the results", errno, error);
    return status != QCTX_OK ? status : qctx_agree(comm, flushed, error);
}

/* Adds to a failure what those below cannot know: that memory is a matter of nodes and their ranks. */
static void advise(qctx_error *error)
{
    if (error->code == QCTX_ERR_MEMORY && error->hint[0] == '\0')
        qctx_hint(error, "use more nodes, or fewer ranks per node");
}

int main(int argc, char **argv)
{
    static qctx_error error;
    const qctx_command *command = argc > 1 ? find_command(argv[1]) : NULL;
    const qctx_launched launched = qctx_launcher_launched();
    qctx_comm *comm;
    qctx_status status;

    qctx_blas_mend_core(argv);
    if (command != NULL && command->stops)
        qctx_stop_listen();
    /* Work is not lost because nobody reads its table: what could not be written is an error, told at the end. */
    if (command != NULL && command->writes)
        signal(SIGPIPE, SIG_IGN);
    qctx_launcher_leave_slurm();
    comm = qctx_comm_start(&argc, &argv);
    qctx_log_set_rank(qctx_comm_rank(comm));
    qctx_threads_set(comm);
    status = dispatch(comm, command, &launched, argc, argv, &error);
    status = flush_results(comm, status, &error);
    if (status != QCTX_OK && qctx_comm_rank(comm) == 0) {
        advise(&error);
        qctx_log_error(&error);
    }
    qctx_comm_finish(comm);
    return (int)status;
}
