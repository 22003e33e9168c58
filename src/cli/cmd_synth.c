#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "qctx/base/clock.h"
#include "qctx/cli/commands.h"
#include "qctx/cli/options.h"
#include "qctx/data/synth.h"

/* The command line as it was given. */
typedef struct {
    const char *out;
    int64_t questions, seed;
    bool force;
} arguments;

static const char *const details = "Questions and contexts often name the same thing in different words, so that a\n"
                                   "head has something to learn; dev and test (10% each) are about other places\n"
                                   "than train. The same seed gives the same bytes.\n";

static void print_summary(const arguments *given, double seconds)
{
    qctx_synth_sizes sizes = qctx_synth_divide(given->questions);
    const struct {
        const char *name;
        int64_t questions;
    } splits[] = {{"train", sizes.train}, {"dev", sizes.dev}, {"test", sizes.test}};
    qctx_synth_pair example = qctx_synth_make((uint64_t)given->seed, 0);
    char duration[32];

    printf("%-16s %9s %9s\n", "split", "questions", "contexts");
    for (int i = 0; i < 3; i++)
        printf("%-16s %9" PRId64 " %9" PRId64 "\n", splits[i].name, splits[i].questions, splits[i].questions);
    printf("\nfor example\n  question  %s\n  context   %s\n", example.question, example.context);
    qctx_clock_format(seconds, duration, sizeof duration);
    printf("\n%s: %" PRId64 " questions, %" PRId64 " contexts, in %s\n", given->out, given->questions, given->questions,
           duration);
}

static qctx_status write_on_one_rank(const arguments *given, qctx_error *error)
{
    double started = qctx_clock_seconds();
    qctx_status status = qctx_synth_write(given->out, given->questions, (uint64_t)given->seed, given->force, error);

    if (status == QCTX_OK)
        print_summary(given, qctx_clock_seconds() - started);
    return status;
}

qctx_status qctx_cmd_synth(qctx_comm *comm, int argc, char **argv, qctx_error *error)
{
    arguments given = {.questions = 20000, .seed = 1};
    const qctx_option options[] = {
        {"out", QCTX_OPTION_TEXT, &given.out, "FOLDER", "the corpus to make", 0, 0},
        {"questions", QCTX_OPTION_INT, &given.questions, "N", "questions in all", QCTX_SYNTH_LEAST, QCTX_SYNTH_MOST},
        {"seed", QCTX_OPTION_INT, &given.seed, "N", "another seed, other names and facts", 0, 9007199254740992.0},
        {"force", QCTX_OPTION_FLAG, &given.force, NULL, "replace a corpus that exists", 0, 0},
        {0},
    };
    const qctx_usage usage = {
        .command = "synth",
        .arguments = "--out FOLDER [OPTION ...]",
        .summary = "Generate a synthetic corpus: readable English about places that do not exist.",
        .details = details,
        .options = options,
    };
    const char **none;
    int64_t count;
    qctx_status status = qctx_options_begin(comm, &usage, argc, argv, &none, &count, error);

    if (none == NULL)
        return status;
    free(none);
    /* All ranks see the same arguments. */
    if (given.out == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "synth: --out FOLDER is missing");
        return qctx_hint(error, "for example: qctx-dist synth --out corpora/synth --questions 20000");
    }
    if (qctx_comm_rank(comm) == 0)
        status = write_on_one_rank(&given, error);
    return qctx_agree(comm, status, error);
}
