/* What writing (checkpoint_write.c), the header (checkpoint_header.c) and reading (checkpoint.c) share. */
#ifndef QCTX_TRAINING_CHECKPOINT_INTERNAL_H
#define QCTX_TRAINING_CHECKPOINT_INTERNAL_H

#include <stdbool.h>

#include "qctx/training/checkpoint.h"

#define CHECKPOINT_SCHEMA "qctx-checkpoint"

/* The head's shape as attributes of the file. */
typedef struct {
    const char *name;
    int64_t value;
} checkpoint_shape;

/* A number of the struct qctx_checkpoint that is an attribute of the same name. */
typedef struct {
    const char *name;
    size_t offset;
    bool is_whole;   /* an int64_t, else a double */
    int64_t minimum; /* of a whole number */
} checkpoint_number;

enum {
    CHECKPOINT_FRONT = 512, /* bytes before the HDF5 file */
    CHECKPOINT_SHAPES = 8,
    CHECKPOINT_NUMBERS = 17,
    CHECKPOINT_NAME_MAX = 96,
    CHECKPOINT_SCALARS = 2
};

extern const checkpoint_number checkpoint_numbers[CHECKPOINT_NUMBERS];

/* Datasets of the learned numbers behind the head's. */
extern const char *const checkpoint_scalars[CHECKPOINT_SCALARS];

void checkpoint_describe_head(const qctx_head_config *head, checkpoint_shape *shapes);

/* The tensors of the head, freshly allocated; NULL without memory. */
qctx_head_tensor *checkpoint_tensors(const qctx_head_config *head, qctx_error *error);

/* The dataset of a tensor, and whether it has one dimension only. */
void checkpoint_dataset(const qctx_head_tensor *tensor, char name[CHECKPOINT_NAME_MAX]);
bool checkpoint_is_bias(const qctx_head_tensor *tensor);

/*
 * The whole file's bytes, verified against their header: the HDF5 file begins at CHECKPOINT_FRONT and is as it was
 * written. The caller frees image->bytes. Local. Errors: IO, MEMORY, FORMAT, DATA.
 */
qctx_status checkpoint_load(const char *path, qctx_h5_image *image, qctx_error *error);

#endif
