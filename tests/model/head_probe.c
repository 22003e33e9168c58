#include "head_probe.h"

#include <stdlib.h>

#include "harness.h"
#include "qctx/base/mem.h"

void probe_mask(const qctx_head_config *config, qctx_side side, int64_t layer, int64_t rows,
                const qctx_dropout_key *key, double *mask)
{
    qctx_head_config probe = *config;
    int64_t hidden = config->hidden, count;
    qctx_head_tape *tape;
    float *parameters, *x, *y, *open;

    probe.form = QCTX_HEAD_PLAIN;
    probe.sides = QCTX_SIDES_SHARED;
    probe.layers = layer + 2;
    probe.input = 1;
    probe.output = hidden;
    count = qctx_head_parameter_count(&probe);
    parameters = qctx_alloc(count, sizeof(float), "a probe", NULL);
    x = qctx_alloc(rows, sizeof(float), "a probe's rows", NULL);
    y = qctx_alloc(rows * hidden, sizeof(float), "a probe's masks", NULL);
    open = qctx_alloc(rows * hidden, sizeof(float), "a probe without dropout", NULL);
    /* From the end: bias, identity, then the bias before the activation. */
    for (int64_t i = 0; i < hidden; i++) {
        parameters[count - hidden - hidden * hidden + i * hidden + i] = 1.0f;
        parameters[count - hidden - hidden * hidden - hidden + i] = 1.0f;
    }
    assert_int_equal(qctx_head_tape_create(&probe, QCTX_PRECISION_FLOAT32, rows, 1, &tape, NULL), QCTX_OK);
    qctx_head_forward(&probe, parameters, side, 1.0, x, rows, NULL, tape, 0, open);
    qctx_head_forward(&probe, parameters, side, 1.0, x, rows, key, tape, 0, y);
    for (int64_t i = 0; i < rows * hidden; i++)
        mask[i] = (double)y[i] / open[i];
    qctx_head_tape_destroy(tape);
    free(parameters);
    free(x);
    free(y);
    free(open);
}
