/* The files in a run's folder of checkpoints, and their names. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoints_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "qctx/run/checkpoints.h"

#define FOLDER "checkpoints"
#define BEST   "best.h5"

char *checkpoints_folder(const char *run, qctx_error *error)
{
    return qctx_path_join(run, FOLDER, error);
}

char *qctx_checkpoints_step_path(const char *run, int64_t step, qctx_error *error)
{
    return qctx_format(error, "%s/" FOLDER "/step-%09lld.h5", run, (long long)step);
}

char *qctx_checkpoints_best_path(const char *run, qctx_error *error)
{
    return qctx_path_join(run, FOLDER "/" BEST, error);
}

qctx_status checkpoints_refuse_links(const char *run, const char *file, qctx_error *error)
{
    char *folder = checkpoints_folder(run, error);
    qctx_status status = folder == NULL ? QCTX_ERR_MEMORY : qctx_link_refuse(folder, error);

    free(folder);
    return status == QCTX_OK && file != NULL ? qctx_link_refuse(file, error) : status;
}

/* The step in "step-000000800.h5", or −1. */
static int64_t step_of(const char *name)
{
    long long step;
    int end = 0;

    if (sscanf(name, "step-%18lld.h5%n", &step, &end) == 1 && end > 0 && name[end] == '\0' && step >= 0)
        return step;
    return -1;
}

static bool is_partial(const char *name)
{
    size_t length = strlen(name), ending = strlen(qctx_outfile_ending);

    return length > ending && strcmp(name + length - ending, qctx_outfile_ending) == 0;
}

static int newest_first(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a < b) - (a > b);
}

static qctx_status collect(DIR *open, int64_t **steps, int64_t *count, qctx_error *error)
{
    int64_t capacity = 0;
    qctx_status status = qctx_grow((void **)steps, &capacity, 1, sizeof **steps, "a list of checkpoints", error);

    for (struct dirent *entry; status == QCTX_OK && (entry = readdir(open)) != NULL;) {
        int64_t step = step_of(entry->d_name);

        if (step < 0)
            continue;
        status = qctx_grow((void **)steps, &capacity, *count + 1, sizeof **steps, "a list of checkpoints", error);
        if (status == QCTX_OK)
            (*steps)[(*count)++] = step;
    }
    return status;
}

/* *opened is NULL where there is no such folder. */
static qctx_status open_folder(const char *folder, DIR **opened, qctx_error *error)
{
    *opened = folder == NULL ? NULL : opendir(folder);
    if (folder == NULL)
        return QCTX_ERR_MEMORY;
    if (*opened == NULL && errno != ENOENT)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open the folder: %s", folder, strerror(errno));
    return QCTX_OK;
}

qctx_status checkpoints_list(const char *run, int64_t **steps, int64_t *count, qctx_error *error)
{
    char *folder = checkpoints_folder(run, error);
    DIR *open;
    qctx_status status = open_folder(folder, &open, error);

    *steps = NULL;
    *count = 0;
    free(folder);
    if (open == NULL)
        return status;
    status = collect(open, steps, count, error);
    closedir(open);
    if (status != QCTX_OK) {
        free(*steps);
        *steps = NULL;
        return status;
    }
    qsort(*steps, (size_t)*count, sizeof **steps, newest_first);
    return QCTX_OK;
}

static qctx_status remove_file(const char *folder, const char *name, qctx_error *error)
{
    char *path = qctx_path_join(folder, name, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && unlink(path) != 0)
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return status;
}

qctx_status checkpoints_clean(const char *run, bool resume, qctx_error *error)
{
    char *folder = checkpoints_folder(run, error);
    DIR *open;
    qctx_status status = open_folder(folder, &open, error);

    for (struct dirent *entry; open != NULL && status == QCTX_OK && (entry = readdir(open)) != NULL;) {
        bool is_of_run = step_of(entry->d_name) >= 0 || strcmp(entry->d_name, BEST) == 0;

        if (is_partial(entry->d_name) || (is_of_run && !resume))
            status = remove_file(folder, entry->d_name, error);
    }
    if (open != NULL)
        closedir(open);
    free(folder);
    return status;
}

int64_t qctx_checkpoints_newest_step(const char *run)
{
    int64_t *steps = NULL;
    int64_t count = 0;
    int64_t newest = checkpoints_list(run, &steps, &count, NULL) == QCTX_OK && count > 0 ? steps[0] : 0;

    free(steps);
    return newest;
}

void checkpoints_prune(const char *run, int64_t written, int64_t keep)
{
    int64_t *steps = NULL;
    int64_t count = 0, kept = 0;

    if (checkpoints_list(run, &steps, &count, NULL) != QCTX_OK)
        return;
    for (int64_t i = 0; i < count; i++) {
        char *path;

        if (steps[i] <= written && kept++ < keep)
            continue;
        path = qctx_checkpoints_step_path(run, steps[i], NULL);
        if (path != NULL)
            unlink(path);
        free(path);
    }
    free(steps);
}
