#include "qctx/base/clock.h"

#include <stdio.h>
#include <time.h>

double qctx_clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void qctx_clock_timestamp(char *text, size_t bytes)
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, bytes, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void qctx_clock_format(double seconds, char *text, size_t bytes)
{
    long whole = (long)(seconds + 0.5);

    if (seconds < 9.95)
        snprintf(text, bytes, "%.1f s", seconds);
    else if (whole < 60)
        snprintf(text, bytes, "%ld s", whole);
    else if (whole < 3600)
        snprintf(text, bytes, "%ld:%02ld", whole / 60, whole % 60);
    else
        snprintf(text, bytes, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}
