/* Whether all that a file holds lies within it: links, raw data and virtual datasets may lead to other files. */
#include <stdlib.h>
#include <string.h>

#include "h5_internal.h"

enum { NAME_MAX_BYTES = 1024 };

/* What the visit of a file's links is told, and leaves. */
typedef struct {
    const char *path;
    bool allow; /* other files may be named, if they are there */
    qctx_status status;
    qctx_error *error;
} visit;

/* Refuses what lies elsewhere. `how` is "an external link to", `where` the other file. */
static herr_t refuse(visit *v, const char *name, const char *how, const char *where)
{
    qctx_fail(v->error, QCTX_ERR_FORMAT, "%s: %s is %s another file, %s", v->path, name, how, where);
    v->status = qctx_hint(v->error, "a file of unknown origin could name any other: where this one is trusted, say so "
                                    "with `external: true` beside `store:`, or eval --allow-external");
    return -1;
}

static herr_t check_link(hid_t group, const char *name, size_t bytes, visit *v)
{
    char value[NAME_MAX_BYTES] = "";
    const char *file = "", *object = "";
    unsigned flags;

    if (bytes > sizeof value || H5Lget_val(group, name, value, sizeof value, H5P_DEFAULT) < 0 ||
        H5Lunpack_elink_val(value, bytes, &flags, &file, &object) < 0) {
        v->status = qctx_h5_fail(v->path, name, QCTX_ERR_FORMAT, v->error);
        return -1;
    }
    if (!v->allow)
        return refuse(v, name, "an external link to", file);
    if (H5Oexists_by_name(group, name, H5P_DEFAULT) > 0)
        return 0;
    qctx_fail(v->error, QCTX_ERR_IO, "%s: %s is an external link to %s in %s, which is not there", v->path, name,
              object, file);
    v->status = qctx_hint(v->error, "relative paths are looked for beside the file that links to them");
    return -1;
}

/* A dataset's raw data, or the sources of a virtual one. */
static herr_t check_storage(const char *name, hid_t properties, visit *v)
{
    char file[NAME_MAX_BYTES] = "";
    size_t sources = 0;

    if (H5Pget_external_count(properties) > 0) {
        H5Pget_external(properties, 0, sizeof file - 1, file, NULL, NULL);
        return v->allow ? 0 : refuse(v, name, "kept by external storage in", file);
    }
    if (H5Pget_layout(properties) != H5D_VIRTUAL || H5Pget_virtual_count(properties, &sources) < 0)
        return 0;
    for (size_t i = 0; i < sources; i++)
        if (H5Pget_virtual_filename(properties, i, file, sizeof file) >= 0 && strcmp(file, ".") != 0 && !v->allow)
            return refuse(v, name, "a virtual dataset over", file);
    return 0;
}

static herr_t check_dataset(hid_t group, const char *name, visit *v)
{
    hid_t object = H5Oopen(group, name, H5P_DEFAULT), properties = -1;
    herr_t result = 0;

    if (object >= 0 && H5Iget_type(object) == H5I_DATASET) {
        properties = H5Dget_create_plist(object);
        result = check_storage(name, properties, v);
    }
    qctx_h5_release(-1, -1, -1, properties);
    if (object >= 0)
        H5Oclose(object);
    return result;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    if (info->type == H5L_TYPE_EXTERNAL)
        return check_link(group, name, info->u.val_size, context);
    return info->type == H5L_TYPE_HARD ? check_dataset(group, name, context) : 0;
}

qctx_status qctx_h5_check_inside(const qctx_h5 *file, bool allow, qctx_error *error)
{
    visit v = {.path = file->path, .allow = allow, .error = error};

    if (H5Lvisit(file->id, H5_INDEX_NAME, H5_ITER_INC, visit_link, &v) < 0 && v.status == QCTX_OK)
        return qctx_h5_fail(file->path, "its links cannot be read", QCTX_ERR_FORMAT, error);
    return v.status;
}
