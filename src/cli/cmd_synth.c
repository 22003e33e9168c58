#include <inttypes.h>
#include <stdio.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/plural.h"
#include "qctx/base/shown.h"
#include "qctx/cli/commands.h"
#include "qctx/data/synth.h"

static struct {
    const char *out;
    int64_t questions, seed;
    bool force;
} options = {.questions = 20000, .seed = 1};

static const qctx_option table[] = {
    {"out", QCTX_OPTION_TEXT, &options.out, "FOLDER", "the corpus to make", 0, 0},
    {"questions", QCTX_OPTION_INT, &options.questions, "N", "questions in all", QCTX_SYNTH_LEAST, QCTX_SYNTH_MOST},
    {"seed", QCTX_OPTION_INT, &options.seed, "N", "another seed, other names and facts", 0, 9007199254740992.0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a corpus that exists", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "synth",
    .brief = "generate a synthetic corpus of any size",
    .arguments = "--out FOLDER [OPTION ...]",
    .summary = "Generates a synthetic corpus: readable English about places that do not exist.",
    .details = "Questions and contexts often name the same thing in different words, so that a\n"
               "head has something to learn; dev and test (10% each) are about other places\n"
               "than train. The same seed gives the same bytes.\n",
    .options = table,
};

static void print_summary(double seconds)
{
    qctx_synth_sizes sizes = qctx_synth_divide(options.questions);
    const struct {
        const char *name;
        int64_t questions;
    } splits[] = {{"train", sizes.train}, {"dev", sizes.dev}, {"test", sizes.test}};
    qctx_synth_pair example = qctx_synth_make((uint64_t)options.seed, 0);
    char duration[32];

    printf("%-16s %9s %9s\n", "split", "questions", "contexts");
    for (int i = 0; i < 3; i++)
        printf("%-16s %9" PRId64 " %9" PRId64 "\n", splits[i].name, splits[i].questions, splits[i].questions);
    printf("\nfor example\n  question  %s\n  context   %s\n", example.question, example.context);
    qctx_clock_format(seconds, duration, sizeof duration);
    qctx_shown_print(stdout, "\n%s: %" PRId64 " question%s, %" PRId64 " context%s, in %s\n", options.out,
                     options.questions, qctx_plural(options.questions), options.questions,
                     qctx_plural(options.questions), duration);
}

static qctx_status write_on_one_rank(qctx_error *error)
{
    double started = qctx_clock_seconds();
    qctx_status status = qctx_synth_write(options.out, options.questions, (uint64_t)options.seed, options.force, error);

    if (status == QCTX_OK)
        print_summary(qctx_clock_seconds() - started);
    else
        qctx_hint_place(error, options.out, "--out FOLDER");
    return status;
}

static qctx_status synth(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    (void)positional;
    (void)count;
    if (options.out == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "synth: --out FOLDER is missing");
        status = qctx_hint(error, "for example: qctx-dist synth --out corpora/synth --questions 20000");
    } else if (qctx_comm_rank(comm) == 0) {
        status = write_on_one_rank(error);
    }
    return qctx_agree(comm, status, error);
}

const qctx_command qctx_cmd_synth = {.usage = &usage, .run = synth, .stops = true, .writes = true};
