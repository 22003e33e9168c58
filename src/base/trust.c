#include "qctx/base/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* Whether a path without links is that of the folder, or of something in it. */
static bool is_within(const char *real, const char *folder)
{
    char *real_folder = realpath(folder, NULL);
    const size_t length = real_folder == NULL ? 0 : strlen(real_folder);
    const bool within = length > 0 && strncmp(real, real_folder, length) == 0 &&
                        (real[length] == '\0' || real[length] == '/' || real_folder[length - 1] == '/');

    free(real_folder);
    return within;
}

static bool take_within(void *context, const char *folder)
{
    return is_within(context, folder);
}

/* Whether the link `path`, a part of a longer path, stands in the folder. */
static bool is_link_in(const char *folder, const char *path)
{
    const char *base = qctx_path_base(path);
    char *parent = base == path ? qctx_strdup(".", NULL) : qctx_format(NULL, "%.*s", (int)(base - path), path);
    char *real = parent == NULL ? NULL : realpath(parent, NULL);
    struct stat found;
    const bool is = lstat(path, &found) == 0 && S_ISLNK(found.st_mode) && (real == NULL || is_within(real, folder));

    free(parent);
    free(real);
    return is;
}

bool qctx_leads_out(const char *folder, const char *path)
{
    char *real = realpath(path, NULL), *part = qctx_path_trim(path, NULL);
    bool out = part == NULL;

    /* What leads nowhere stays where it is, unless a link of the folder says where nothing is. */
    if (!out && (real == NULL || !is_within(real, folder)))
        for (char *end = part + 1; !out && *part != '\0'; end++) {
            const char kept = *end;

            if (kept != '/' && kept != '\0')
                continue;
            *end = '\0';
            out = is_link_in(folder, part);
            *end = kept;
            if (kept == '\0')
                break;
        }
    free(part);
    free(real);
    return out;
}

static bool goes_up(const char *path)
{
    for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 1, ".."))
        if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
            return true;
    return false;
}

bool qctx_trusts(const char *path, const char *folder, const char *variable)
{
    char *real = realpath(path, NULL);
    bool trusted = false;

    if (real != NULL)
        trusted = is_within(real, ".") || (folder != NULL && is_within(real, folder)) ||
                  qctx_folders_each(variable, take_within, real) ||
                  (path[0] != '/' && !goes_up(path) && (folder == NULL || !qctx_leads_out(folder, path)));
    free(real);
    return trusted;
}

char *qctx_path_beside(const char *folder, const char *path, const char *variable, qctx_error *error)
{
    char *above = path[0] == '/' || goes_up(path) ? NULL : realpath(folder, NULL);
    char *found = NULL;

    /* Whoever makes a run knows what usually lies above the folder that it is put in: nobody has named that. */
    while (above != NULL && found == NULL && qctx_trusts(above, folder, variable)) {
        char *slash = strrchr(above, '/');
        char *tried = qctx_path_join(above, path, error);

        if (tried != NULL && qctx_trusts(tried, folder, variable) && !qctx_leads_out(folder, tried))
            found = tried;
        else
            free(tried);
        if (slash == above && above[1] == '\0')
            break;
        slash[slash == above] = '\0';
    }
    free(above);
    return found;
}

qctx_status qctx_refuse_untrusted(const char *path, const char *folder, const char *variable, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_IO,
              "%s: only a file names it, and it lies neither in the working folder nor in %s nor in a folder of %s: it "
              "is not read",
              path, folder != NULL ? folder : "another that was named", variable);
    return qctx_hint(error,
                     "if it is what you want, name the folder that it is in in %s (several are separated by ':'), or "
                     "start the program there",
                     variable);
}
