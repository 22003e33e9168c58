#include "made_checkpoint.h"

#include <stdlib.h>

#include "harness.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"

enum { MADE_PARAMETERS_MAX = 256 };

qctx_checkpoint made_checkpoint(void)
{
    static float parameters[MADE_PARAMETERS_MAX], best[MADE_PARAMETERS_MAX], mined[MADE_PARAMETERS_MAX],
        first[MADE_PARAMETERS_MAX], second[MADE_PARAMETERS_MAX];
    qctx_checkpoint checkpoint = {
        .progress = {.epoch = 3,
                     .step = 120,
                     .evaluated = 80,
                     .seconds = 12.125,
                     .loss_sum = 1.0 / 3.0,
                     .accuracy_sum = 2.0 / 3.0,
                     .summed = 41,
                     .loss_start = 7.1,
                     .loss_now = 0.1,
                     .best_metric = 0.625,
                     .best_epoch = 2,
                     .best_step = 79,
                     .best_strength = 0.3,
                     .best_mrr = 0.75,
                     .unguarded_metric = 0.6875,
                     .unguarded_mrr = 0.8,
                     .unguarded_epoch = 1,
                     .unguarded_strength = 0.9,
                     .limited_by = 1},
        .widened = 1,
        .strength = 0.7,
        .ranks = 4,
        .threads = 2,
        .config = "run: {seed: 1}\n",
        .encoder_fingerprint = "hashing-0123456789abcdef",
        .sources = "[]",
        .head = {QCTX_HEAD_RESIDUAL, QCTX_SIDES_BOTH, QCTX_ACTIVATION_GELU, 2, 4, 5, 4, 0.1, 9},
        .similarity = QCTX_SIMILARITY_RING,
        .precision = QCTX_PRECISION_BFLOAT16,
        .scalar_count = 1,
        .parameters = parameters,
        .best = best,
        .mined = mined,
    };
    int64_t count = qctx_head_parameter_count(&checkpoint.head) + 1;

    assert_true(count < MADE_PARAMETERS_MAX);
    for (int64_t i = 0; i < count; i++) {
        parameters[i] = 0.5f * (float)i - 3.0f;
        best[i] = 0.25f * (float)i - 1.0f;
        mined[i] = 0.125f * (float)i - 2.0f;
        first[i] = (float)i;
        second[i] = (float)(i * i);
    }
    checkpoint.optimizer = (qctx_optimizer_state){count, 120, first, second};
    return checkpoint;
}

void write_checkpoint(const char *path, const qctx_checkpoint *checkpoint)
{
    qctx_h5_image image = {0};
    qctx_error error;

    if (qctx_comm_rank(test_comm) == 0) {
        assert_status(qctx_checkpoint_encode(checkpoint, &image, &error), QCTX_OK, &error);
        qctx_checkpoint_seal(&image);
        assert_status(qctx_file_write(path, image.bytes, (size_t)image.count, &error), QCTX_OK, &error);
        free(image.bytes);
    }
    qctx_comm_barrier(test_comm);
}
