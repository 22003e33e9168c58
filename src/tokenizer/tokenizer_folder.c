#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "tokenizer_parts.h"

qctx_status tokenizer_folder_read(const char *folder, json_t **root, char **path, uint64_t *hash, qctx_error *error)
{
    qctx_status status;

    *path = qctx_path_join(folder, "tokenizer.json", error);
    if (*path == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_hash_file(*path, 0, hash, error);
    if (status == QCTX_OK)
        status = qctx_json_load_file(*path, root, error);
    return status;
}
