#include "transformer_model.h"

double qctx_transformer_flops(const qctx_transformer *transformer, const int64_t *lengths, int64_t texts)
{
    const qctx_model_folder *folder = transformer->folder;
    double d = (double)folder->hidden, f = (double)folder->intermediate;
    double tokens = 0.0, pairs = 0.0, maps = 0.0, rest;

    for (int64_t i = 0; i < texts; i++) {
        double n = (double)lengths[i];

        tokens += n;
        pairs += transformer->clip ? n * (n + 1.0) / 2.0 : n * n;
    }
    /* Where one token of a text is pooled, all that follows attention in the last layer is done for it alone. */
    rest = (double)folder->layers * tokens;
    if (transformer_pools_one(transformer) && folder->layers > 0)
        rest += (double)texts - tokens;
    if (folder->projection > 0)
        maps += d * (double)folder->projection;
    for (int64_t i = 0; i < folder->dense_count; i++)
        maps += (double)folder->dense[i].input * (double)folder->dense[i].output;
    return 2.0 * ((double)folder->layers * (3.0 * tokens * d * d + 2.0 * pairs * d) + rest * (d * d + 2.0 * d * f) +
                  (double)texts * maps);
}
