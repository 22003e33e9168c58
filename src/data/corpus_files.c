/* A corpus' files: their names, each of which may be compressed, and the ids in their lines. */
#include <stdio.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"

/* What a file is packed by is told from its bytes (data/input); its name may end in any of these. */
static const char *const endings[] = {"", ".gz", ".zst"};
enum { ENDINGS = sizeof endings / sizeof endings[0] };

int corpus_find_file(const char *folder, const char *name, char file[CORPUS_FILE_MAX])
{
    int forms = 0;

    snprintf(file, CORPUS_FILE_MAX, "%s", name);
    for (int i = 0; i < ENDINGS; i++) {
        char candidate[CORPUS_FILE_MAX];

        snprintf(candidate, sizeof candidate, "%s%s", name, endings[i]);
        if (qctx_folder_has(folder, candidate) && forms++ == 0)
            memcpy(file, candidate, sizeof candidate);
    }
    return forms;
}

size_t corpus_split_name_length(const char *file)
{
    const size_t length = strlen(file);

    for (int i = 0; i < ENDINGS && file[0] != '.'; i++) {
        char ending[16];
        const size_t end = (size_t)snprintf(ending, sizeof ending, ".tsv%s", endings[i]);

        if (length > end && strcmp(file + length - end, ending) == 0)
            return length - end;
    }
    return 0;
}

qctx_status corpus_refuse_forms(const char *folder, const char *name, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is there in several forms (plain, .gz, .zst); expected one", folder,
              name);
    return qctx_hint(error, "leave the one that is meant, and move the others elsewhere");
}

qctx_status corpus_open_lines(const char *folder, const char *name, qctx_lines *lines, char **path, qctx_error *error)
{
    char file[CORPUS_FILE_MAX];
    const int forms = corpus_find_file(folder, name, file);

    *path = qctx_path_join(folder, file, error);
    if (*path == NULL)
        return QCTX_ERR_MEMORY;
    return forms > 1 ? corpus_refuse_forms(folder, name, error) : qctx_lines_open(lines, *path, error);
}

qctx_status corpus_get_id(const json_t *record, const char *place, char number[32], const char **id, qctx_error *error)
{
    const json_t *value = json_object_get(record, "_id");
    qctx_status status = QCTX_OK;

    if (json_is_integer(value)) {
        snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *id = number;
    } else {
        status = qctx_json_get_string(record, "_id", NULL, place, id, error);
    }
    if (status == QCTX_OK && (*id)[0] == '\0')
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: '_id' is empty", place);
    return status;
}
