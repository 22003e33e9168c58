/* What the files of the model folder share: JSON configurations whose every value is checked, and the parts of a
 * folder. */
#ifndef QCTX_TRANSFORMER_MODEL_FOLDER_INTERNAL_H
#define QCTX_TRANSFORMER_MODEL_FOLDER_INTERNAL_H

#include "qctx/text/json.h"
#include "qctx/transformer/model_folder.h"

/* A configuration file. A section of one borrows path and root. */
typedef struct {
    char *path;
    json_t *root;   /* an object; empty for an optional file that is not there */
    json_t *object; /* what keys are looked up in: the root, or an object inside it */
} model_config;

/*
 * Reads FOLDER/NAME; one that is not there counts as {} unless it is `required`. Free it (safe on a zeroed one). Local.
 * Errors: IO, MEMORY, FORMAT.
 */
qctx_status model_config_open(const char *folder, const char *name, bool required, model_config *config,
                              qctx_error *error);
void model_config_free(model_config *config);

/* The object under `key` as a section; absent or null: an empty one if `optional`. Local. Errors: FORMAT. */
qctx_status model_config_section(const model_config *config, const char *key, bool optional, model_config *section,
                                 qctx_error *error);

/* No value, that is, the key is required. */
#define MODEL_REQUIRED INT64_MIN

/*
 * Values under a key, `fallback` where it is absent (for flags and texts also where it is null). Local. Errors: FORMAT:
 * file, key, found and expected.
 */
qctx_status model_config_integer(const model_config *config, const char *key, int64_t fallback, int64_t least,
                                 int64_t most, int64_t *value, qctx_error *error);
qctx_status model_config_flag(const model_config *config, const char *key, bool fallback, bool *value,
                              qctx_error *error);
qctx_status model_config_number(const model_config *config, const char *key, double fallback, double *value,
                                qctx_error *error);
qctx_status model_config_text(const model_config *config, const char *key, const char *fallback, const char **value,
                              qctx_error *error);

/* Refuses what is not supported: file, key, what was found, what is supported. Returns CONFIG. */
qctx_status model_config_refuse(const model_config *config, const char *key, const char *found, const char *supported,
                                qctx_error *error);

/* Refuses each of the keys that is there and is not null, false, 0 or empty: options that are not supported. */
qctx_status model_config_without(const model_config *config, const char *const *keys, int64_t count, qctx_error *error);

/* The function of the feed-forward part under `key`. Local. Errors: FORMAT, CONFIG. */
qctx_status model_config_function(const model_config *config, const char *key, const char *fallback,
                                  qctx_linear_function *function, qctx_error *error);

/* Largest numbers that a configuration may claim: beyond those of any model, small enough to be multiplied. */
enum { MODEL_LAYERS_MAX = 1024, MODEL_WIDTH_MAX = 1 << 16, MODEL_POSITIONS_MAX = 1 << 20 };

/*
 * Parts of opening a folder; `home` is the folder of the transformer's files. Local. Errors: IO, MEMORY, FORMAT,
 * CONFIG. _hugging_face: config.json with tensors, pooling as a folder without any saying has it, and max_tokens.
 */
qctx_status model_folder_open_hugging_face(qctx_model_folder *folder, const char *home, qctx_error *error);
qctx_status model_folder_open_sentence(qctx_model_folder *folder, qctx_error *error);
qctx_status model_folder_open_open_clip(qctx_model_folder *folder, qctx_error *error);

/* Opens `home`/NAME.safetensors or its index. Local. Errors: IO, MEMORY, FORMAT, CONFIG (PyTorch's own format). */
qctx_status model_folder_tensors(const char *home, const char *name, const char *pytorch, qctx_safetensors **tensors,
                                 qctx_error *error);

/* Finds the prefix of the names: `embeddings` stands behind one of them. Local. Errors: FORMAT, CONFIG. */
qctx_status model_folder_find_prefix(qctx_model_folder *folder, const char *embeddings, qctx_error *error);

/* Reads a Pooling module's configuration; `hidden` is its input's width. Local. Errors: IO, MEMORY, FORMAT, CONFIG. */
qctx_status model_folder_read_pooling(const char *home, int64_t hidden, unsigned *pooling, bool *with_prompt,
                                      qctx_error *error);

/* Appends a Dense module behind a vector of `input` values. Local. Errors: IO, MEMORY, FORMAT, CONFIG. */
qctx_status model_folder_read_dense(qctx_model_folder *folder, const char *home, int64_t input, qctx_error *error);

/* How many vectors of width d the pooling joins. Local. Cannot fail. */
int64_t model_folder_pooled(unsigned pooling);

#endif
