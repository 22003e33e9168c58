#include "qctx/base/rng.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t finalise(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t qctx_rng(uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = finalise(seed + golden * ((uint64_t)stream + 1));

    z = finalise(z + golden * (a + 1));
    return finalise(z + golden * (b + 1));
}

double qctx_rng_uniform(uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b)
{
    return (double)(qctx_rng(seed, stream, a, b) >> 11) * 0x1p-53;
}

uint64_t qctx_rng_below(uint64_t bound, uint64_t seed, qctx_stream stream, uint64_t a, uint64_t b)
{
    return (uint64_t)(((wide)qctx_rng(seed, stream, a, b) * bound) >> 64);
}

void qctx_rng_permutation(int64_t *order, int64_t count, uint64_t seed, qctx_stream stream, uint64_t epoch)
{
    for (int64_t i = 0; i < count; i++)
        order[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)qctx_rng_below((uint64_t)i + 1, seed, stream, epoch, (uint64_t)i);
        int64_t swap = order[i];

        order[i] = order[j];
        order[j] = swap;
    }
}
