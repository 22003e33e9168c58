/* The memory that this rank may still take, by Linux's own files. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/platform/topology.h"

/* What a version of control groups calls its files; `mount` is below the root. */
typedef struct {
    const char *mount, *limit, *usage, *idle;
} group_files;

static const group_files version_1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                                      "total_inactive_file"};
static const group_files version_2 = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};

/* The number behind `key` and spaces at the start of a line of a file (of its first line where key is ""), else −1. */
static int64_t number_in(const char *path, const char *key)
{
    char line[256];
    size_t length = strlen(key);
    int64_t found = -1;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return -1;
    while (found < 0 && fgets(line, sizeof line, file) != NULL) {
        char *end;
        unsigned long long value;

        if (strncmp(line, key, length) != 0)
            continue;
        value = strtoull(line + length, &end, 10);
        /* "max" is no number: no limit. */
        if (end != line + length)
            found = value > INT64_MAX ? INT64_MAX : (int64_t)value;
        if (length == 0)
            break;
    }
    fclose(file);
    return found;
}

static int64_t group_number(const char *folder, const char *name, const char *key)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return number_in(path, key);
}

/* What one group leaves below its limit; INT64_MAX without one. */
static int64_t group_leaves(const char *folder, const group_files *files)
{
    int64_t limit = group_number(folder, files->limit, ""), usage = group_number(folder, files->usage, "");
    int64_t idle = group_number(folder, "memory.stat", files->idle);

    if (limit < 0 || usage < 0)
        return INT64_MAX;
    /* The kernel drops file pages that are not in use before it refuses memory: a mapped store is no burden. */
    usage -= idle < 0 ? 0 : idle < usage ? idle : usage;
    return limit > usage ? limit - usage : 0;
}

/* The least that a group and those above it leave. */
static int64_t groups_leave(const char *root, const char *group, const group_files *files)
{
    char folder[PATH_MAX];
    size_t mount = (size_t)snprintf(folder, sizeof folder, "%s%s", root, files->mount);
    int64_t least = INT64_MAX;

    if (mount >= sizeof folder)
        return INT64_MAX;
    snprintf(folder + mount, sizeof folder - mount, "%s", group);
    /* Inside a container the mount may show its own group at the top: what is not there limits nothing. */
    for (;;) {
        int64_t left = group_leaves(folder, files);
        char *slash = strrchr(folder + mount, '/');

        least = left < least ? left : least;
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* The control groups of this process: lines "0::/path" of version 2, "4:memory:/path" of version 1. */
static int64_t control_groups_leave(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    int64_t least = INT64_MAX;
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        const group_files *files = NULL;
        int64_t left;

        if (group == NULL)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (controllers[1] == '\0')
            files = &version_2;
        else if (strstr(controllers + 1, "memory") != NULL)
            files = &version_1;
        left = files == NULL ? INT64_MAX : groups_leave(root, group, files);
        least = left < least ? left : least;
    }
    if (file != NULL)
        fclose(file);
    return least;
}

int64_t qctx_topology_free_memory(const char *root)
{
    char path[PATH_MAX];
    int64_t kib, node, groups = control_groups_leave(root);

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    kib = number_in(path, "MemAvailable:");
    node = kib < 0 ? INT64_MAX : kib * 1024;
    node = groups < node ? groups : node;
    return node == INT64_MAX ? 0 : node;
}

int64_t qctx_topology_memory(const qctx_comm *comm)
{
    return qctx_topology_free_memory("") / qctx_comm_node_size(comm);
}
