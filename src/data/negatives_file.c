#include "qctx/data/negatives_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/data/lines.h"
#include "qrels_columns.h"

qctx_status qctx_negatives_file_read(const char *path, qctx_take_negative take, void *context, int64_t *answering,
                                     qctx_error *error)
{
    qrels_header header = {.negatives = true};
    qctx_lines lines = {0};
    qctx_status status = qctx_lines_open(&lines, path, error);
    bool more = true;

    *answering = 0;
    while (status == QCTX_OK) {
        const char *fields[QRELS_ROLES];
        double score;
        bool is_header;

        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = qrels_read_line(&lines, &header, fields, &score, &is_header, error);
        if (status != QCTX_OK || is_header)
            continue;
        if (score > 0)
            (*answering)++;
        else
            status = take(context, fields[QRELS_QUESTION], fields[QRELS_CONTEXT], lines.place, error);
    }
    qctx_lines_close(&lines);
    return status;
}

qctx_status qctx_negatives_file_of(const char *folder, const char *split, char **path, qctx_error *error)
{
    char *inside = qctx_path_join(folder, "negatives", error), name[CORPUS_FILE_MAX], file[CORPUS_FILE_MAX];
    int forms;
    qctx_status status = QCTX_OK;

    *path = NULL;
    if (inside == NULL)
        return QCTX_ERR_MEMORY;
    snprintf(name, sizeof name, "%s.tsv", split);
    forms = corpus_find_file(inside, name, file);
    if (forms > 1)
        status = corpus_refuse_forms(inside, name, error);
    else if (forms == 1 && (*path = qctx_path_join(inside, file, error)) == NULL)
        status = QCTX_ERR_MEMORY;
    free(inside);
    return status;
}
