/* Where model folders are now: as they are named, beside a run, and in the folders of QCTX_MODELS. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/trust.h"

static const char variable[] = "QCTX_MODELS";

static char *beside; /* the folder of the run that is open, or NULL */

void qctx_pretrained_look_beside(const char *folder)
{
    free(beside);
    beside = folder == NULL ? NULL : qctx_strdup(folder, NULL);
}

/* The models that the user has named since the program began, each once: what a file says of them is no news. */
static struct {
    char **paths;
    int64_t count, capacity;
} named;

static bool is_named(const char *path)
{
    for (int64_t i = 0; i < named.count; i++)
        if (strcmp(named.paths[i], path) == 0)
            return true;
    return false;
}

static void note_named(const char *path)
{
    char *copy = is_named(path) ? NULL : qctx_strdup(path, NULL);

    if (copy != NULL && qctx_grow((void **)&named.paths, &named.capacity, named.count + 1, sizeof *named.paths,
                                  "models that are named", NULL) == QCTX_OK)
        named.paths[named.count++] = copy;
    else
        free(copy);
}

bool qctx_pretrained_may_follow(const char *path)
{
    return beside == NULL || qctx_trusts(path, beside, variable);
}

qctx_status qctx_pretrained_refuse(const char *path, qctx_error *error)
{
    return qctx_refuse_untrusted(path, beside, variable, error);
}

/* A model that is looked for by its name. */
typedef struct {
    const char *name;
    char *found;
} named_model;

static bool take_named(void *context, const char *folder)
{
    named_model *wanted = context;
    char *tried = qctx_path_join(folder, wanted->name, NULL);

    if (tried == NULL || !qctx_model_folder_is(tried)) {
        free(tried);
        return false;
    }
    wanted->found = tried;
    return true;
}

qctx_status qctx_pretrained_search(const char *path, char **found, qctx_error *error)
{
    char *trimmed = qctx_path_trim(path, error);
    named_model wanted = {0};

    *found = NULL;
    if (trimmed == NULL)
        return QCTX_ERR_MEMORY;
    wanted.name = qctx_path_base(trimmed);
    if (beside != NULL)
        *found = qctx_path_beside(beside, trimmed, variable, NULL);
    if (*found != NULL && !qctx_model_folder_is(*found)) {
        free(*found);
        *found = NULL;
    }
    if (*found == NULL && qctx_folders_each(variable, take_named, &wanted))
        *found = wanted.found;
    free(trimmed);
    return QCTX_OK;
}

/*
 * Where the folder `path` is now. If there is no model anywhere, what stands under its name is found, to be refused. A
 * path that a file records, and nobody has named, is not followed everywhere.
 */
static qctx_status locate(const char *path, bool recorded, char **found, qctx_error *error)
{
    const char *list = getenv(variable);
    bool set = list != NULL && *list != '\0';
    bool followed;
    char *trimmed = qctx_path_trim(path, error);
    qctx_status status = QCTX_OK;

    *found = NULL;
    if (trimmed == NULL)
        return QCTX_ERR_MEMORY;
    followed = qctx_path_exists(trimmed) && (!recorded || qctx_trusts(trimmed, beside, variable));
    if (!followed || !qctx_model_folder_is(trimmed))
        status = qctx_pretrained_search(trimmed, found, error);
    if (status == QCTX_OK && *found == NULL && followed) {
        *found = trimmed;
        return QCTX_OK;
    }
    if (status == QCTX_OK && *found == NULL && qctx_path_exists(trimmed)) {
        status = qctx_pretrained_refuse(trimmed, error);
    } else if (status == QCTX_OK && *found == NULL) {
        qctx_fail(error, QCTX_ERR_IO, "%s: there is no such model folder%s%s%s%s%s", trimmed,
                  beside != NULL ? ", nor in " : "", beside != NULL ? beside : "",
                  beside != NULL ? " or the folders between it and this one" : "",
                  set ? ", nor one of its name in " : ", and QCTX_MODELS is not set", set ? list : "");
        status = qctx_hint(error, "name the folder that the model's folder is in, in %s (several are separated by ':')",
                           variable);
    }
    free(trimmed);
    return status;
}

/* A model that is looked for by its hash, under any name. */
typedef struct {
    const pretrained_settings *settings;
    pretrained_model *model; /* opened where it is found */
} hashed_model;

bool pretrained_has_hash(const pretrained_model *model, const char *expected)
{
    char digits[sizeof "0123456789abcdef"];

    snprintf(digits, sizeof digits, "%016" PRIx64, model->hash);
    return strcmp(digits, expected) == 0;
}

static bool take_hashed(void *context, const char *folder)
{
    const hashed_model *wanted = context;
    DIR *opened = opendir(folder);
    const struct dirent *entry;
    bool taken = false;

    while (opened != NULL && !taken && (entry = readdir(opened)) != NULL) {
        char *path = entry->d_name[0] == '.' ? NULL : qctx_path_join(folder, entry->d_name, NULL);
        pretrained_model model = {0};

        if (path != NULL && qctx_model_folder_is(path)) {
            taken = pretrained_model_open(path, wanted->settings, &model, NULL) == QCTX_OK &&
                    pretrained_has_hash(&model, wanted->settings->hash);
            if (taken)
                *wanted->model = model;
            else
                pretrained_model_close(&model);
        }
        free(path);
    }
    if (opened != NULL)
        closedir(opened);
    return taken;
}

qctx_status pretrained_model_find(const char *path, bool by_hash, const pretrained_settings *settings,
                                  pretrained_model *model, qctx_error *error)
{
    pretrained_model found_by_hash = {0};
    hashed_model wanted = {settings, &found_by_hash};
    char *found = NULL;
    const bool recorded = beside != NULL || settings->hash[0] != '\0';
    qctx_status status;

    if (!recorded)
        note_named(path);
    status = locate(path, recorded && !is_named(path), &found, error);

    if (status == QCTX_OK)
        status = pretrained_model_open(found, settings, model, error);
    by_hash =
        by_hash && settings->hash[0] != '\0' && !(status == QCTX_OK && pretrained_has_hash(model, settings->hash));
    if (by_hash && qctx_folders_each(variable, take_hashed, &wanted)) {
        qctx_info("%s is found as %s, by its hash", path, found_by_hash.folder.path);
        pretrained_model_close(model);
        *model = found_by_hash;
        status = QCTX_OK;
    }
    free(found);
    return status;
}
