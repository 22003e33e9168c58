/* What writing (checkpoint_write.c) and reading (checkpoint.c) a checkpoint share. */
#ifndef QCTX_ENGINE_CHECKPOINT_INTERNAL_H
#define QCTX_ENGINE_CHECKPOINT_INTERNAL_H

#include <stdbool.h>

#include "qctx/engine/checkpoint.h"

#define CHECKPOINT_SCHEMA "qctx-checkpoint"

/* The head's shape as attributes of the file. */
typedef struct {
    const char *name;
    int64_t value;
} checkpoint_shape;

enum { CHECKPOINT_SHAPES = 8, CHECKPOINT_NAME_MAX = 96, CHECKPOINT_SCALARS = 2 };

/* Datasets of the learned numbers behind the head's. */
extern const char *const checkpoint_scalars[CHECKPOINT_SCALARS];

void checkpoint_describe_head(const qctx_head_config *head, checkpoint_shape *shapes);

/* The tensors of the head, freshly allocated; NULL without memory. */
qctx_head_tensor *checkpoint_tensors(const qctx_head_config *head, qctx_error *error);

/* The dataset of a tensor, and whether it has one dimension only. */
void checkpoint_dataset(const qctx_head_tensor *tensor, char name[CHECKPOINT_NAME_MAX]);
bool checkpoint_is_bias(const qctx_head_tensor *tensor);

#endif
