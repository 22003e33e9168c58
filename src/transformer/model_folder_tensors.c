/* The tensors of a model folder: where they are, and what their names begin with. */
#include <stdio.h>
#include <stdlib.h>

#include "model_folder_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

static bool has_index(const char *home, const char *name)
{
    char *index = qctx_format(NULL, "%s.index.json", name);
    bool there = index != NULL && qctx_folder_has(home, index);

    free(index);
    return there;
}

static qctx_status refuse_missing(const char *home, const char *name, const char *pytorch, qctx_error *error)
{
    if (qctx_folder_has(home, pytorch) || has_index(home, pytorch)) {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %s, expected %s: only safetensors are read", home, pytorch, name);
        return qctx_hint(error,
                         "convert it, inside that folder: python3 -c \"import torch; from safetensors.torch import "
                         "save_file; save_file({k: v.contiguous().clone() for k, v in torch.load('%s').items()}, "
                         "'%s')\"",
                         pytorch, name);
    }
    qctx_fail(error, QCTX_ERR_IO, "%s: there is no %s in the folder", home, name);
    return qctx_hint(error, "the folder of a model holds its weights as safetensors beside its configuration");
}

qctx_status model_folder_tensors(const char *home, const char *name, const char *pytorch, qctx_safetensors **tensors,
                                 qctx_error *error)
{
    bool whole = qctx_folder_has(home, name);
    qctx_status status;
    char *path;

    if (!whole && !has_index(home, name))
        return refuse_missing(home, name, pytorch, error);
    path = qctx_format(error, "%s/%s%s", home, name, whole ? "" : ".index.json");
    status = path != NULL ? qctx_safetensors_open(path, tensors, error) : QCTX_ERR_MEMORY;
    free(path);
    return status;
}

static const qctx_tensor *find(const qctx_model_folder *folder, const char *prefix, const char *name)
{
    char full[128];

    snprintf(full, sizeof full, "%s%s", prefix, name);
    return qctx_safetensors_find(folder->tensors, full);
}

qctx_status model_folder_find_prefix(qctx_model_folder *folder, const char *embeddings, qctx_error *error)
{
    static const char *const prefixes[] = {"",       "bert.",  "distilbert.", "roberta.",
                                           "mpnet.", "model.", "text_model.", "text."};
    const char *path = qctx_safetensors_path(folder->tensors);

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (find(folder, prefixes[i], embeddings) == NULL)
            continue;
        if (folder->prefix != NULL)
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: found two models, tensors '%s%s' and '%s%s'; expected one",
                             path, folder->prefix, embeddings, prefixes[i], embeddings);
        folder->prefix = prefixes[i];
    }
    if (folder->prefix == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '%s' is missing, with and without bert., distilbert., roberta., mpnet., model., "
                         "text_model. or text. before it: not the weights of a %s model",
                         path, embeddings, qctx_architecture_names[folder->architecture]);
    return QCTX_OK;
}
