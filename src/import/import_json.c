/* JSON, as documents and by the line: articles and records, wherever they stand. */
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/data/lines.h"
#include "qctx/platform/stop.h"

/* Parses a text; what is mended is counted, or refused if the job is strict. */
static qctx_status parse(const import_source *source, const char *text, size_t bytes, const char *place, bool document,
                         json_t **root, qctx_error *error)
{
    qctx_json_mends *mends = source->job->strict ? NULL : &source->counts->mends;

    return qctx_json_parse_python(text, bytes, place, document, root, mends, error);
}

static qctx_status read_item(const import_source *source, const json_t *item, const char *place, qctx_error *error)
{
    bool article = json_object_get(item, "paragraphs") != NULL;

    return import_leave_out(source,
                            article ? import_read_article(source, item, place, error)
                                    : import_read_record(source, item, place, error),
                            error);
}

/* Whether articles are QuAC's, by keys that only QuAC has. */
static bool is_quac(const json_t *articles)
{
    const json_t *article = json_array_get(articles, 0);
    const json_t *paragraph = json_array_get(json_object_get(article, "paragraphs"), 0);
    const json_t *turn = json_array_get(json_object_get(paragraph, "qas"), 0);

    return json_object_get(article, "background") != NULL || json_object_get(turn, "followup") != NULL ||
           json_object_get(turn, "yesno") != NULL || json_object_get(turn, "orig_answer") != NULL;
}

/* The items of a document: its array, or that under "data". */
static qctx_status find_items(const import_source *source, const json_t *root, const json_t **items, qctx_error *error)
{
    const json_t *data = json_object_get(root, "data");
    char keys[256];

    *items = json_is_array(root) ? root : data;
    if (json_is_array(*items))
        return QCTX_OK;
    if (!json_is_object(root))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an array or an object with the key 'data'",
                         source->path, qctx_json_type(root));
    import_list_keys(root, keys, sizeof keys);
    if (data != NULL)
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'data' is %s, expected an array", source->path, qctx_json_type(data));
    else
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the key 'data' is missing, expected an array; found %s", source->path,
                  keys[0] != '\0' ? keys : "none");
    return qctx_hint(error, "a document is an array of records or articles, alone or under 'data'; records one a line "
                            "are --format jsonl");
}

static qctx_status read_items(const import_source *source, const json_t *root, qctx_error *error)
{
    qctx_import_format *format = &source->counts->format;
    char place[1280];
    const json_t *items;
    qctx_status status = find_items(source, root, &items, error);

    if (status != QCTX_OK)
        return status;
    if (source->job->format == QCTX_IMPORT_AUTO) {
        bool articles = json_array_size(items) == 0 || json_object_get(json_array_get(items, 0), "paragraphs") != NULL;

        *format = is_quac(items) ? QCTX_IMPORT_QUAC : articles ? QCTX_IMPORT_SQUAD : QCTX_IMPORT_JSON;
    }
    for (size_t i = 0; i < json_array_size(items) && status == QCTX_OK; i++) {
        snprintf(place, sizeof place, "%.1024s: %s[%zu]", source->path, items == root ? "" : "data", i);
        status = qctx_stop_check(error);
        if (status == QCTX_OK)
            status = read_item(source, json_array_get(items, i), place, error);
    }
    return status;
}

qctx_status import_read_document(const import_source *source, qctx_error *error)
{
    json_t *root = NULL;
    char *text;
    size_t bytes, skipped;
    qctx_status status = qctx_input_rest(source->stream, &text, &bytes, error);

    if (status == QCTX_OK && bytes == 0)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is empty, expected JSON", source->path);
    if (status == QCTX_OK) {
        skipped = strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        status = parse(source, text + skipped, bytes - skipped, source->path, true, &root, error);
    }
    free(text);
    if (status == QCTX_OK && import_is_frame(source->job, root))
        status = import_unfold_frame(source, &root, error);
    if (status == QCTX_OK)
        status = read_items(source, root, error);
    json_decref(root);
    return status;
}

/* Lines cut out of an array keep the comma behind the record. */
static void cut_comma(const import_source *source, qctx_lines *lines)
{
    size_t length = lines->length;

    while (length > 0 && strchr(" \t", lines->text[length - 1]) != NULL)
        length--;
    if (length < 2 || lines->text[length - 1] != ',')
        return;
    lines->text[length - 1] = '\0';
    lines->length = length - 1;
    source->counts->commas++;
}

qctx_status import_read_jsonl(const import_source *source, qctx_error *error)
{
    qctx_lines lines = {0};
    qctx_status status = QCTX_OK;
    bool more = true;

    qctx_lines_attach(&lines, source->path, source->stream);
    while (status == QCTX_OK) {
        json_t *item = NULL;

        status = qctx_lines_next(&lines, &more, error);
        if (status == QCTX_OK && !more)
            break;
        if (status == QCTX_OK && !source->job->strict)
            cut_comma(source, &lines);
        if (status == QCTX_OK)
            status = parse(source, lines.text, lines.length, lines.place, false, &item, error);
        /* Of a stream that is damaged, nothing more can be read. */
        if (more)
            status = status == QCTX_OK ? read_item(source, item, lines.place, error)
                                       : import_leave_out(source, status, error);
        json_decref(item);
    }
    qctx_lines_close(&lines);
    return status;
}
