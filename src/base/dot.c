#include "qctx/base/dot.h"

#include "qctx/base/multiversion.h"

/* Sums that grow side by side: enough to hide the latency of additions on wide vectors. */
enum { LANES = 32 };

QCTX_MULTIVERSION
double qctx_dot(const float *x, const float *y, int64_t count)
{
    const int64_t whole = count / LANES * LANES;
    double lanes[LANES] = {0};

    for (int64_t i = 0; i < whole; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += (double)x[i + lane] * (double)y[i + lane];
    for (int64_t i = whole; i < count; i++)
        lanes[i - whole] += (double)x[i] * (double)y[i];
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++)
            lanes[lane] += lanes[lane + width];
    return lanes[0];
}
