#include "qctx/bench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/platform/topology.h"

/* Places in the pool where rows may begin, a power of two, and an odd step that visits each of them once. */
enum { POOL_PLACES = 1 << 20, POOL_STEP = 654321 };

bool bench_is_asked(qctx_precision precision, qctx_precision asked)
{
    return asked == precision || (asked == QCTX_PRECISION_AUTO && qctx_product_is_native(precision));
}

double bench_mean(qctx_comm *comm, double value)
{
    qctx_comm_sum_double(comm, &value, 1);
    return value / qctx_comm_size(comm);
}

double bench_most(qctx_comm *comm, double value)
{
    qctx_comm_max_double(comm, &value, 1);
    return value;
}

void bench_of_all(qctx_comm *comm, double value, double *values)
{
    for (int r = 0; r < qctx_comm_size(comm); r++)
        values[r] = r == qctx_comm_rank(comm) ? value : 0.0;
    qctx_comm_sum_double(comm, values, qctx_comm_size(comm));
}

double bench_product_rate(qctx_comm *comm, qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form,
                          int64_t m, int64_t n, int64_t k, int64_t times)
{
    qctx_comm_barrier(comm);
    return bench_mean(comm, qctx_product_rate(precision, a_form, b_form, m, n, k, times));
}

qctx_status bench_check_room(qctx_comm *comm, double bytes, const char *purpose, qctx_error *error)
{
    const double room = (double)qctx_topology_memory(comm);
    qctx_status status = QCTX_OK;

    if (room > 0.0 && bytes > room) {
        status =
            qctx_fail(error, QCTX_ERR_MEMORY, "bench: %s need %.0f MB a rank, and the node has %.0f MB free for each",
                      purpose, bytes / BENCH_MEGA, room / BENCH_MEGA);
        qctx_hint(error, "give smaller sizes, or start fewer ranks on a node");
    }
    return qctx_agree(comm, status, error);
}

json_t *bench_result(const qctx_comm *comm, const char *kind)
{
    return json_pack("{s:s, s:i, s:i}", "bench", kind, "ranks", qctx_comm_size(comm), "threads",
                     qctx_topology_threads());
}

json_t *bench_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

qctx_status bench_check(const json_t *result, qctx_error *error)
{
    return result == NULL ? qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate the JSON of a measurement") : QCTX_OK;
}

/* Box and Muller's transform of two uniform numbers. */
static float gaussian(uint64_t index)
{
    double radius = sqrt(-2.0 * log1p(-qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 0)));
    double turn = qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 1);

    return (float)(radius * cos(6.283185307179586 * turn));
}

qctx_status bench_pool_create(int64_t dim, bench_pool *pool, qctx_error *error)
{
    pool->dim = dim;
    pool->values = qctx_alloc(POOL_PLACES + dim, sizeof *pool->values, "made-up vectors", error);
    if (pool->values == NULL)
        return QCTX_ERR_MEMORY;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < POOL_PLACES + dim; i++)
        pool->values[i] = gaussian((uint64_t)i);
    return QCTX_OK;
}

void bench_pool_free(bench_pool *pool)
{
    free(pool->values);
}

int64_t bench_pool_bytes(int64_t dim)
{
    return (POOL_PLACES + dim) * (int64_t)sizeof(float);
}

void bench_pool_row(const bench_pool *pool, qctx_side side, int64_t row, float *out)
{
    uint64_t place = (2 * (uint64_t)row + (uint64_t)side) * POOL_STEP % POOL_PLACES;

    memcpy(out, pool->values + place, (size_t)pool->dim * sizeof *out);
}
