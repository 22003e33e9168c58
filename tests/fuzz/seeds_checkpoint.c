#include "seeds_binary.h"

#include <string.h>

#include "harness.h"
#include "made_checkpoint.h"

static char config[] = "run: {name: small, out: runs, seed: 1}\ndata: {train: [{corpus: corpora/made}]}\n"
                       "model: {form: residual, layers: 2, hidden: 5}\n";

static void write(const char *folder, const char *name, const qctx_checkpoint *checkpoint)
{
    char path[FUZZ_PATH_MAX];

    fuzz_path(path, folder, name);
    write_checkpoint(path, checkpoint);
}

void fuzz_write_checkpoints(const char *folder)
{
    qctx_checkpoint made = made_checkpoint();

    made.config = config;
    write(folder, "step.checkpoint", &made);
    made.best = made.mined = NULL;
    made.optimizer.count = 0;
    write(folder, "best.checkpoint", &made);
    made.scalar_count = 2;
    made.head = (qctx_head_config){QCTX_HEAD_PLAIN, QCTX_SIDES_SHARED, QCTX_ACTIVATION_RELU, 1, 4, 5, 3, 0, 1};
    write(folder, "plain.checkpoint", &made);
    made.head = (qctx_head_config){QCTX_HEAD_PLAIN, QCTX_SIDES_QUESTION, QCTX_ACTIVATION_TANH, 3, 2, 3, 2, 0, 1};
    write(folder, "question.checkpoint", &made);
}
