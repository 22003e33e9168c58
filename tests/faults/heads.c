/*
 * heads FILE COUNT SEED: changes one to three attributes of a checkpoint COUNT times, makes its hash anew, as a forger
 * would, and asks its reader. It must be refused with FORMAT or DATA and its name, or be one that a configuration
 * makes: by the check of configurations, within the bounds of a run, and with finite rows for finite rows. What is
 * neither is told, and ends it with 1. The file is as before at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5_edit.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/base/rng.h"
#include "qctx/config/config.h"
#include "qctx/platform/comm.h"
#include "qctx/run/run.h"

typedef enum { WHOLE, REAL, NAME, KINDS } kind;

/* Of the schema in run/checkpoint.h. */
static const struct {
    const char *name;
    kind kind;
} attributes[] = {
    {"head_form", NAME},
    {"head_sides", NAME},
    {"head_activation", NAME},
    {"similarity", NAME},
    {"precision", NAME},
    {"head_layers", WHOLE},
    {"head_input", WHOLE},
    {"head_hidden", WHOLE},
    {"head_output", WHOLE},
    {"seed", WHOLE},
    {"epoch", WHOLE},
    {"step", WHOLE},
    {"evaluated", WHOLE},
    {"best_epoch", WHOLE},
    {"best_step", WHOLE},
    {"widened", WHOLE},
    {"trained_on", WHOLE},
    {"summed", WHOLE},
    {"ranks", WHOLE},
    {"threads", WHOLE},
    {"head_dropout", REAL},
    {"strength", REAL},
    {"best_metric", REAL},
    {"best_strength", REAL},
    {"best_mrr", REAL},
    {"unguarded_metric", REAL},
    {"unguarded_mrr", REAL},
    {"unguarded_epoch", WHOLE},
    {"unguarded_strength", REAL},
    {"limited_by", WHOLE},
    {"seconds", REAL},
    {"loss_sum", REAL},
    {"accuracy_sum", REAL},
    {"loss_start", REAL},
    {"loss_now", REAL},
    {"optimizer_steps", WHOLE},
    {"version", WHOLE},
    {"config", NAME},
    {"sources", NAME},
    {"encoder_fingerprint", NAME},
};
enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

static const int64_t wholes[] = {INT64_MIN,  -2,         -1,       0,   1,   2,    3,    4,       8,
                                 63,         64,         65,       256, 512, 1024, 1025, 1 << 20, (1 << 20) + 1,
                                 1000000000, 1000000001, INT64_MAX};
static const double reals[] = {-INFINITY, -1e308, -1,       -1e-300, 0,     1e-300,   0.3, 0.5,
                               1 - 1e-16, 1,      1 + 1e-9, 2,       1e308, INFINITY, NAN};
static const char *const names[] = {
    "plain",    "residual", "question", "context", "both",     "shared",       "relu",
    "gelu",     "tanh",     "full",     "rows",    "ring",     "rows_columns", "float32",
    "bfloat16", "auto",     "none",     "",        "RESIDUAL", "{}",           "data: {train: [{corpus: other}]}"};
#define COUNT_OF(list) ((int64_t)(sizeof(list) / sizeof((list)[0])))

typedef struct {
    qctx_comm *comm;
    const char *path;
    char *bytes; /* of the whole file */
    size_t count;
    uint64_t seed, draws;
    int64_t tried, refused, taken;
    char change[256]; /* what was done to it */
} forgery;

static void give_up(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(EXIT_FAILURE);
}

/* A number below `below`. */
static int64_t draw(forgery *on, int64_t below)
{
    return (int64_t)qctx_rng_below((uint64_t)below, on->seed, QCTX_STREAM_BENCH, on->draws++, 0);
}

static qctx_status change_one(forgery *on, qctx_h5 *file, qctx_error *error)
{
    const int64_t at = draw(on, ATTRIBUTES);
    const char *name = attributes[at].name;
    /* Now and then of another kind. */
    const kind as = draw(on, 16) == 0 ? (kind)draw(on, KINDS) : attributes[at].kind;
    const size_t said = strlen(on->change), room = sizeof on->change - said;

    if (as == NAME) {
        const char *value = names[draw(on, COUNT_OF(names))];

        snprintf(on->change + said, room, " %s '%s'", name, value);
        return qctx_h5_set_text(file, "/", name, value, error);
    }
    if (as == REAL) {
        const double value = reals[draw(on, COUNT_OF(reals))];

        snprintf(on->change + said, room, " %s %g", name, value);
        return qctx_h5_set_double(file, "/", name, value, error);
    }
    snprintf(on->change + said, room, " %s %" PRId64, name, wholes[draw(on, COUNT_OF(wholes))]);
    return qctx_h5_set_int(file, "/", name, strtoll(strrchr(on->change, ' '), NULL, 10), error);
}

/* A header that fits what the file holds now. */
static void seal(const char *path)
{
    qctx_h5_image image = {.front = 512};
    qctx_error error = {0};
    size_t bytes = 0;

    if (qctx_file_read(path, &image.bytes, &bytes, &error) != QCTX_OK)
        give_up(path, error.message);
    image.count = (int64_t)bytes;
    qctx_checkpoint_seal(&image);
    if (qctx_file_write(path, image.bytes, bytes, &error) != QCTX_OK)
        give_up(path, error.message);
    free(image.bytes);
}

static void forge(forgery *on)
{
    qctx_error error = {0};
    qctx_h5 *file = NULL;

    on->change[0] = '\0';
    if (qctx_file_write(on->path, on->bytes, on->count, &error) != QCTX_OK ||
        test_h5_reopen(on->path, &file, &error) != QCTX_OK)
        give_up(on->path, error.message);
    for (int64_t changes = 1 + draw(on, 3); changes > 0; changes--)
        if (change_one(on, file, &error) != QCTX_OK)
            give_up(on->path, error.message);
    if (qctx_h5_close(file, &error) != QCTX_OK)
        give_up(on->path, error.message);
    seal(on->path);
}

/* Whether a configuration says such a head. Residual heads and single sides take no width but the encoder's. */
static bool is_of_a_configuration(const qctx_head_config *head, qctx_error *error)
{
    static const char text[] = "data: {train: [{store: a.h5}]}\n";
    char settings[7][64];
    const char *overrides[7];
    qctx_config config = {0};
    qctx_status status;

    /* Not asked by the check: the encoder's width is known to a training alone. */
    if (head->output != head->input &&
        (head->form == QCTX_HEAD_RESIDUAL || head->sides == QCTX_SIDES_QUESTION || head->sides == QCTX_SIDES_CONTEXT))
        return false;
    snprintf(settings[0], 64, "model.form=%s", qctx_head_form_names[head->form]);
    snprintf(settings[1], 64, "model.sides=%s", qctx_head_sides_names[head->sides]);
    snprintf(settings[2], 64, "model.activation=%s", qctx_activation_names[head->activation]);
    snprintf(settings[3], 64, "model.layers=%" PRId64, head->layers);
    snprintf(settings[4], 64, "model.hidden=%" PRId64, head->hidden);
    snprintf(settings[5], 64, "model.output=%" PRId64, head->output == head->input ? 0 : head->output);
    snprintf(settings[6], 64, "model.dropout=%.17g", head->dropout);
    for (int i = 0; i < 7; i++)
        overrides[i] = settings[i];
    status = qctx_config_parse(text, sizeof text - 1, "a configuration", overrides, 7, &config, error);
    qctx_config_free(&config);
    return status == QCTX_OK;
}

static bool is_of_a_run(const qctx_checkpoint *of)
{
    const qctx_progress *progress = &of->progress;
    const int64_t numbers[] = {progress->epoch, progress->step,      progress->summed, progress->best_epoch,
                               of->ranks,       of->optimizer.steps, of->threads};

    for (int64_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i] < 0 || numbers[i] > 1000000000)
            return false;
    return of->strength >= 0 && of->strength <= 1 && progress->best_strength >= 0 && progress->best_strength <= 1 &&
           isfinite(progress->best_metric) && isfinite(progress->loss_sum) && isfinite(progress->seconds);
}

static bool projects(const qctx_run *run)
{
    enum { ROWS = 3 };
    const int64_t input = run->head.input, output = qctx_projector_output(&run->head);
    float *x = malloc((size_t)(ROWS * input) * sizeof *x), *y = malloc((size_t)(ROWS * output) * sizeof *y);
    bool finite = x != NULL && y != NULL;
    qctx_error error;

    for (int64_t i = 0; finite && i < ROWS * input; i++)
        x[i] = 0.25f * (float)(i % 5);
    for (qctx_side side = QCTX_QUESTION; side <= QCTX_CONTEXT && finite; side++) {
        finite = qctx_projector_apply(&run->head, side, x, ROWS, y, &error) == QCTX_OK;
        for (int64_t i = 0; i < ROWS * output && finite; i++)
            finite = isfinite(y[i]);
    }
    free(x);
    free(y);
    return finite;
}

static void ask(forgery *on)
{
    qctx_run run = {0};
    qctx_error error = {0};
    qctx_status status = qctx_run_open(on->comm, on->path, &run, &error);
    bool good;

    on->tried++;
    if (status != QCTX_OK) {
        good = (status == QCTX_ERR_DATA || status == QCTX_ERR_FORMAT || status == QCTX_ERR_CONFIG) &&
               strstr(error.message, on->path) != NULL;
        on->refused += good;
    } else {
        good = is_of_a_configuration(&run.checkpoint.head, &error) && is_of_a_run(&run.checkpoint) && projects(&run);
        on->taken += good;
        qctx_run_close(&run);
    }
    if (!good)
        fprintf(stderr, "%s:%s: %s\n", on->path, on->change, status != QCTX_OK ? error.message : "taken");
}

int main(int argc, char **argv)
{
    qctx_comm *comm = qctx_comm_start(&argc, &argv);
    forgery on = {.comm = comm, .path = argv[1]};
    qctx_error error = {0};

    if (argc != 4 || qctx_file_read(on.path, &on.bytes, &on.count, &error) != QCTX_OK)
        give_up(argv[0], "expected FILE COUNT SEED");
    on.seed = (uint64_t)atoll(argv[3]);
    for (int64_t left = atoll(argv[2]); left > 0; left--) {
        forge(&on);
        ask(&on);
    }
    if (qctx_file_write(on.path, on.bytes, on.count, &error) != QCTX_OK)
        give_up(on.path, error.message);
    printf("%s, %" PRId64 " forged: %" PRId64 " refused, %" PRId64 " as a configuration makes them\n",
           qctx_path_base(on.path), on.tried, on.refused, on.taken);
    free(on.bytes);
    qctx_comm_finish(comm);
    return on.refused + on.taken == on.tried ? EXIT_SUCCESS : EXIT_FAILURE;
}
