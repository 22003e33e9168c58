/* What exchanges and collectives cost: bytes, and seconds. */
#include "comm_internal.h"

#include "qctx/base/clock.h"

static struct {
    qctx_traffic until_now; /* without the exchanges that are under way at present */
    int under_way;
    double since; /* when the first of those under way began */
} traffic;

void comm_count_received(int64_t bytes)
{
    traffic.until_now.bytes_received += bytes;
}

void comm_count_began(void)
{
    if (traffic.under_way++ == 0)
        traffic.since = qctx_clock_seconds();
}

void comm_count_ended(void)
{
    if (--traffic.under_way == 0)
        traffic.until_now.under_way += qctx_clock_seconds() - traffic.since;
}

void comm_count_waited(double seconds)
{
    traffic.until_now.waited += seconds;
}

qctx_traffic qctx_comm_traffic(void)
{
    qctx_traffic so_far = traffic.until_now;

    if (traffic.under_way > 0)
        so_far.under_way += qctx_clock_seconds() - traffic.since;
    return so_far;
}

void qctx_comm_reset_traffic(void)
{
    traffic.until_now = (qctx_traffic){0};
    traffic.since = qctx_clock_seconds();
}
