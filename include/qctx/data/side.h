/*
 * The two sides of everything here: questions, and the contexts that answer them. Arrays of both stand in this order,
 * by which seeds, checksums and flat buffers are defined.
 */
#ifndef QCTX_DATA_SIDE_H
#define QCTX_DATA_SIDE_H

typedef enum { QCTX_QUESTION, QCTX_CONTEXT, QCTX_SIDE_COUNT } qctx_side;
extern const char *const qctx_side_names[];

#endif
