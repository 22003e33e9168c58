/* What points of a space and the search for them share. */
#ifndef QCTX_SWEEP_SPACE_INTERNAL_H
#define QCTX_SWEEP_SPACE_INTERNAL_H

/* The inverse of the normal distribution function; `unit` in (0, 1). Local. Cannot fail. */
double space_normal_quantile(double unit);

#endif
