/*
 * Not a test of its own: token ids for those that compare tokenizers with their originals (tests/originals).
 *
 *   dump_ids FOLDER MOST [open_clip] < texts > ids
 *
 * A text a line as a JSON string, the ids of a text a line as a JSON array, at most MOST of them. Exits with the code
 * of the error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/text/json.h"
#include "qctx/tokenizer/tokenizer.h"

typedef struct {
    qctx_tokenizer *tokenizer;
    qctx_tokenizer_scratch *scratch;
    int64_t most;
    qctx_ids ids;
} dump_task;

static qctx_status dump_line(dump_task *dump, const char *line, size_t bytes, qctx_error *error)
{
    bool truncated;
    json_t *text = NULL;
    qctx_status status = qctx_json_parse(line, bytes, "input", &text, error);

    if (status == QCTX_OK && !json_is_string(text))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "input: found %s, expected a string", qctx_json_type(text));
    dump->ids.count = 0;
    if (status == QCTX_OK)
        status = qctx_tokenizer_encode(dump->tokenizer, dump->scratch, json_string_value(text), dump->most, &dump->ids,
                                       &truncated, error);
    json_decref(text);
    if (status != QCTX_OK)
        return status;
    printf("[");
    for (int64_t i = 0; i < dump->ids.count; i++)
        printf("%s%d", i == 0 ? "" : ",", (int)dump->ids.items[i]);
    printf("]\n");
    return QCTX_OK;
}

static qctx_status dump_all(dump_task *dump, qctx_error *error)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;
    qctx_status status = QCTX_OK;

    while (status == QCTX_OK && (bytes = getline(&line, &capacity, stdin)) > 0)
        status = dump_line(dump, line, (size_t)bytes, error);
    free(line);
    return status;
}

int main(int argc, char **argv)
{
    dump_task dump = {0};
    qctx_error error = {0};
    qctx_status status;

    if (argc < 3 || (argc > 3 && strcmp(argv[3], "open_clip") != 0)) {
        fprintf(stderr, "usage: dump_ids FOLDER MOST [open_clip] < texts > ids\n");
        return QCTX_ERR_USAGE;
    }
    dump.most = strtoll(argv[2], NULL, 10);
    status = qctx_tokenizer_open(argv[1], (qctx_tokenizer_settings){.open_clip = argc > 3}, &dump.tokenizer, &error);
    if (status == QCTX_OK)
        status = qctx_tokenizer_scratch_create(dump.tokenizer, &dump.scratch, &error);
    if (status == QCTX_OK)
        status = dump_all(&dump, &error);
    if (status != QCTX_OK)
        fprintf(stderr, "%s\n%s\n", error.message, error.hint);
    free(dump.ids.items);
    qctx_tokenizer_scratch_destroy(dump.scratch);
    qctx_tokenizer_destroy(dump.tokenizer);
    return (int)status;
}
