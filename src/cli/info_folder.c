/* What is said of a folder that holds runs, sweeps, stores or corpora: a table of the runs, best first, and the others'
 * names.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/data/corpus.h"
#include "qctx/run/outcome.h"
#include "qctx/run/run.h"
#include "qctx/store/store.h"
#include "qctx/sweep/sweep.h"

/* What a folder may hold that can be described; the lists of the description are called so. */
static const struct {
    const char *list;
    bool (*is)(const char *path);
} kinds[] = {{"runs", qctx_run_is}, {"corpora", qctx_corpus_is}, {"stores", qctx_store_is}, {"sweeps", qctx_sweep_is}};
enum { RUNS, KINDS = sizeof kinds / sizeof kinds[0] };

/* The names in a folder, sorted, without those that begin with a dot. */
typedef struct {
    int64_t count;
    int64_t capacity;
    char **items;
} folder_names;

static void free_names(folder_names *names)
{
    for (int64_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static qctx_status collect(DIR *folder, folder_names *names, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (struct dirent *entry; status == QCTX_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        status = qctx_grow((void **)&names->items, &names->capacity, names->count + 1, sizeof *names->items,
                           "the names in a folder", error);
        if (status != QCTX_OK)
            break;
        names->items[names->count] = qctx_strdup(entry->d_name, error);
        status = names->items[names->count] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        names->count += status == QCTX_OK;
    }
    return status;
}

static qctx_status list_names(const char *path, folder_names *names, qctx_error *error)
{
    DIR *folder = opendir(path);
    qctx_status status;

    if (folder == NULL)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open the folder: %s", path, strerror(errno));
    status = collect(folder, names, error);
    closedir(folder);
    if (names->count > 0)
        qsort(names->items, (size_t)names->count, sizeof *names->items, compare_names);
    return status;
}

/* Which kind of thing it is, or KINDS. */
static int kind_of(const char *path)
{
    int kind = 0;

    while (kind < KINDS && !kinds[kind].is(path))
        kind++;
    return kind;
}

/* A run, with what its folder tells; one that cannot be read has its "problem" in the place of that. */
static json_t *describe_run(const char *path, const char *name)
{
    qctx_run_outcome outcome;
    qctx_error problem = {0};
    qctx_status status = qctx_run_outcome_read(path, &outcome, &problem);
    json_t *run = status == QCTX_OK ? info_outcome(&outcome) : json_object();

    json_object_set_new(run, "name", json_string(name));
    json_object_set_new(run, "path", json_string(path));
    if (status == QCTX_OK)
        json_object_set_new(run, "seed", json_integer((json_int_t)outcome.seed));
    else
        json_object_set_new(run, "problem", json_string(problem.message));
    qctx_run_outcome_free(&outcome);
    return run;
}

static qctx_status describe_names(const char *path, const folder_names *names, json_t *description, qctx_error *error)
{
    json_int_t others = 0;

    for (int k = 0; k < KINDS; k++)
        json_object_set_new(description, kinds[k].list, json_array());
    for (int64_t i = 0; i < names->count; i++) {
        char *entry = qctx_path_join(path, names->items[i], error);
        int kind = entry == NULL ? KINDS : kind_of(entry);

        if (entry == NULL)
            return QCTX_ERR_MEMORY;
        if (kind == KINDS)
            others++;
        else
            json_array_append_new(json_object_get(description, kinds[kind].list),
                                  kind == RUNS ? describe_run(entry, names->items[i]) : json_string(names->items[i]));
        free(entry);
    }
    json_object_set_new(description, "others", json_integer(others));
    return QCTX_OK;
}

bool info_is_folder(const char *path)
{
    folder_names names = {0};
    bool found = false;

    if (qctx_path_is_folder(path) && list_names(path, &names, NULL) == QCTX_OK)
        for (int64_t i = 0; i < names.count && !found; i++) {
            char *entry = qctx_path_join(path, names.items[i], NULL);

            found = entry != NULL && kind_of(entry) < KINDS;
            free(entry);
        }
    free_names(&names);
    return found;
}

qctx_status info_folder(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    folder_names names = {0};
    qctx_status status = QCTX_OK;

    *description = info_new("folder", path);
    if (qctx_comm_rank(comm) == 0) {
        status = list_names(path, &names, error);
        if (status == QCTX_OK)
            status = describe_names(path, &names, *description, error);
    }
    free_names(&names);
    return qctx_agree(comm, status, error);
}
