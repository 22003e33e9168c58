/* Tiny random models of all architectures, as tensors of a file and the configuration that fits them. */
#ifndef QCTX_TESTS_MADE_MODEL_H
#define QCTX_TESTS_MADE_MODEL_H

#include "made_safetensors.h"
#include "qctx/transformer/transformer.h"

enum {
    MADE_D = 24,
    MADE_F = 40,
    MADE_HEADS = 3,
    MADE_LAYERS = 2,
    MADE_VOCABULARY = 53,
    MADE_MOST = 150, /* tokens of a text: more than MPNet's buckets tell apart */
    MADE_PROJECTION = 16,
};

#define MADE_LAST_ARCHITECTURE QCTX_OPEN_CLIP

/* The tensors of a model. */
void made_model_tensors(const qctx_model_folder *folder, made_tensors *tensors);

/* A configuration, without tensors yet. */
qctx_model_folder made_folder(qctx_architecture architecture);

/* Writes these tensors and opens them as the folder's. */
void made_open(qctx_model_folder *folder, const made_tensors *tensors, const char *type);

/* A whole model; free with qctx_safetensors_close(folder.tensors). */
qctx_model_folder made_model(qctx_architecture architecture, const char *type);

#endif
