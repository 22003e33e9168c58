/* Time: a monotonic clock for durations and wall-clock texts for records. */
#ifndef QCTX_BASE_CLOCK_H
#define QCTX_BASE_CLOCK_H

#include <stddef.h>

/* Seconds since an arbitrary point, never going back. Local. */
double qctx_clock_seconds(void);

/* Writes the current UTC time as "2026-01-31T12:00:00Z" (21 bytes with the NUL). Local. */
void qctx_clock_timestamp(char *text, size_t bytes);

/* Writes a duration for people: "0.8 s", "12 s", "3:07", "1:02:45". Local. */
void qctx_clock_format(double seconds, char *text, size_t bytes);

#endif
