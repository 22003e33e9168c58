/* Where tokens stand: the rows of position embeddings, and the buckets of distances between tokens. */
#include <math.h>

#include "transformer_internal.h"

void transformer_positions(const qctx_model_folder *folder, int64_t count, const int32_t *ids, int64_t *positions)
{
    int64_t padding = folder->first_position - 1, seen = 0;

    /* Where positions begin behind a padding token, one that stands in a text is not counted. */
    for (int64_t i = 0; i < count; i++) {
        bool counted = padding < 0 || ids[i] != padding;

        positions[i] = counted ? folder->first_position + seen : padding;
        seen += counted;
    }
}

int64_t transformer_bucket(int64_t distance)
{
    enum { HALF = TRANSFORMER_BUCKET_COUNT / 2, EXACT = HALF / 2 };
    int64_t size = distance < 0 ? -distance : distance;
    int64_t bucket = size;

    /* In float32, as the model was trained with: distances at a bucket's edge depend on it. */
    if (size >= EXACT)
        bucket = EXACT + (int64_t)(logf((float)size / EXACT) / logf(128.0f / EXACT) * (HALF - EXACT));
    if (bucket > HALF - 1)
        bucket = HALF - 1;
    return distance > 0 ? HALF + bucket : bucket;
}
