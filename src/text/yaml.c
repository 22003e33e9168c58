/* Reading: libyaml's events become the tree, and what goes wrong a report. */
#include "qctx/text/yaml.h"
#include "qctx/base/shown.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "qctx/base/mem.h"

enum { LEVELS_MAX = 64, NODES_MAX = 100000, EXCERPT_MAX = 120, REASON_MAX = 512 };

/* A mapping or sequence that is not closed yet. */
typedef struct {
    qctx_yaml *node;
    char *key; /* mappings: read, its value is next */
    int key_line;
    int key_column;
} open_node;

typedef struct {
    const char *text;
    size_t bytes;
    const char *name;
    yaml_parser_t parser;
    open_node open[LEVELS_MAX];
    int depth; /* open nodes */
    int64_t nodes;
    int64_t documents;
    qctx_yaml *root;
    bool unusable;     /* the tree lacks something, so it is not given out */
    bool stopped;      /* nothing behind this place can be read */
    qctx_error report; /* code OK until the first problem */
} reader;

static void note(reader *r, int line, int column, const char *format, ...) __attribute__((format(printf, 4, 5)));

static void note(reader *r, int line, int column, const char *format, ...)
{
    char reason[REASON_MAX];
    va_list arguments;

    if (r->report.code == QCTX_OK)
        qctx_fail(&r->report, QCTX_ERR_CONFIG, "%s", "");
    va_start(arguments, format);
    qctx_shown_vformat(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_error_append(&r->report, "%s:%d:%d: %-s", r->name, line, column, reason);
}

static int line_of(const yaml_mark_t *mark)
{
    return (int)mark->line + 1;
}

static int column_of(const yaml_mark_t *mark)
{
    return (int)mark->column + 1;
}

/* libyaml tells the offset only, in bytes; columns count characters. */
static void note_unreadable_byte(reader *r)
{
    size_t offset = r->parser.problem_offset < r->bytes ? r->parser.problem_offset : r->bytes;
    int line = 1, column = 1;

    for (size_t i = 0; i < offset; i++) {
        if (r->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)r->text[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    /* A plain character is also told where it breaks off a sequence. */
    if (strcmp(r->parser.problem, "control characters are not allowed") == 0 && offset < r->bytes)
        note(r, line, column, "control character 0x%02X", (unsigned char)r->text[offset]);
    else
        note(r, line, column, "not UTF-8: %s", r->parser.problem);
}

/* Appends the line itself below a syntax error. */
static void show_line(reader *r, size_t line)
{
    char excerpt[EXCERPT_MAX];
    const char *start = r->text, *end = r->text + r->bytes, *next;

    while (line-- > 0 && (next = memchr(start, '\n', (size_t)(end - start))) != NULL)
        start = next + 1;
    next = memchr(start, '\n', (size_t)(end - start));
    qctx_shown_excerpt(start, (size_t)((next != NULL ? next : end) - start), excerpt, sizeof excerpt);
    if (excerpt[0] != '\0')
        qctx_error_append(&r->report, "    %s", excerpt);
}

static bool stands_at_tab(const reader *r, const yaml_mark_t *mark)
{
    const char *at = r->text, *end = r->text + r->bytes;

    for (size_t i = 0; i < mark->line && at != NULL; i++)
        if ((at = memchr(at, '\n', (size_t)(end - at))) != NULL)
            at++;
    /* Only spaces and tabs stand before a tab that libyaml stumbles over, so columns are bytes here. */
    return at != NULL && mark->column < (size_t)(end - at) && at[mark->column] == '\t';
}

static qctx_status note_syntax_error(reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    const yaml_mark_t *mark = &parser->problem_mark;

    r->stopped = r->unusable = true;
    if (parser->error == YAML_MEMORY_ERROR)
        return qctx_fail(&r->report, QCTX_ERR_MEMORY, "%s: no memory to parse %zu bytes of YAML", r->name, r->bytes);
    if (parser->error == YAML_READER_ERROR) {
        note_unreadable_byte(r);
        return QCTX_OK;
    }
    if (stands_at_tab(r, mark))
        note(r, line_of(mark), column_of(mark), "a tab; YAML is indented with spaces");
    else if (parser->context != NULL && parser->context_mark.line != mark->line)
        note(r, line_of(mark), column_of(mark), "%s %s that begins in line %d", parser->problem, parser->context,
             line_of(&parser->context_mark));
    else
        note(r, line_of(mark), column_of(mark), "%s%s%s", parser->problem, parser->context != NULL ? " " : "",
             parser->context != NULL ? parser->context : "");
    show_line(r, mark->line);
    return QCTX_OK;
}

/* Notes a problem behind which nothing is read any more. */
static void stop(reader *r, const yaml_event_t *event, const char *reason)
{
    note(r, line_of(&event->start_mark), column_of(&event->start_mark), "%s", reason);
    r->stopped = r->unusable = true;
}

static void note_properties(reader *r, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    int line = line_of(&event->start_mark), column = column_of(&event->start_mark);
    char shown[EXCERPT_MAX];

    if (anchor != NULL)
        note(r, line, column, "anchors are not supported: &%s",
             qctx_shown_excerpt((const char *)anchor, strlen((const char *)anchor), shown, sizeof shown));
    if (tag != NULL)
        note(r, line, column, "tags are not supported: %s",
             qctx_shown_excerpt((const char *)tag, strlen((const char *)tag), shown, sizeof shown));
}

/* Takes ownership of `node`: it becomes the root or a child of the innermost open node. */
static qctx_status attach(reader *r, qctx_yaml *node)
{
    open_node *parent = r->depth > 0 ? &r->open[r->depth - 1] : NULL;
    qctx_status status;

    if (parent == NULL) {
        r->root = node;
        return QCTX_OK;
    }
    status = qctx_grow((void **)&parent->node->children, &parent->node->capacity, parent->node->count + 1,
                       sizeof(qctx_yaml *), "a YAML node", &r->report);
    if (status != QCTX_OK) {
        qctx_yaml_destroy(node);
        return status;
    }
    if (parent->key != NULL) {
        node->key = parent->key;
        node->line = parent->key_line;
        node->column = parent->key_column;
        parent->key = NULL;
    }
    parent->node->children[parent->node->count++] = node;
    return QCTX_OK;
}

/* A new node under the innermost open one; `text` is copied for scalars and NULL for others. */
static qctx_status add_node(reader *r, const yaml_event_t *event, qctx_yaml_kind kind, const char *text,
                            qctx_yaml **added)
{
    qctx_yaml *node;

    if (++r->nodes > NODES_MAX) {
        stop(r, event, "more than 100000 nodes");
        return QCTX_OK;
    }
    node = qctx_alloc(1, sizeof *node, "a YAML node", &r->report);
    if (node == NULL)
        return QCTX_ERR_MEMORY;
    node->kind = kind;
    node->line = line_of(&event->start_mark);
    node->column = column_of(&event->start_mark);
    node->text = text != NULL ? qctx_strdup(text, &r->report) : NULL;
    if (text != NULL && node->text == NULL) {
        qctx_yaml_destroy(node);
        return QCTX_ERR_MEMORY;
    }
    *added = node;
    return attach(r, node);
}

static bool key_is_next(const reader *r)
{
    return r->depth > 0 && r->open[r->depth - 1].node->kind == QCTX_YAML_MAPPING && r->open[r->depth - 1].key == NULL;
}

static qctx_status take_key(reader *r, const yaml_event_t *event, const char *text)
{
    open_node *parent = &r->open[r->depth - 1];

    if (strcmp(text, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        note(r, line_of(&event->start_mark), column_of(&event->start_mark), "merge keys (<<) are not supported");
        r->unusable = true;
    }
    parent->key = qctx_strdup(text, &r->report);
    parent->key_line = line_of(&event->start_mark);
    parent->key_column = column_of(&event->start_mark);
    return parent->key != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status take_scalar(reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    qctx_yaml *node = NULL;
    qctx_status status;

    note_properties(r, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (strlen(text) != event->data.scalar.length) {
        stop(r, event, "a NUL character in a text");
        return QCTX_OK;
    }
    if (key_is_next(r))
        return take_key(r, event, text);
    status = add_node(r, event, QCTX_YAML_SCALAR, text, &node);
    if (node != NULL && status == QCTX_OK)
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return status;
}

static qctx_status open_collection(reader *r, const yaml_event_t *event, qctx_yaml_kind kind)
{
    qctx_yaml *node = NULL;
    qctx_status status;

    if (key_is_next(r)) {
        stop(r, event, "a key must be a plain word, not a mapping or a sequence");
        return QCTX_OK;
    }
    if (r->depth == LEVELS_MAX) {
        stop(r, event, "more than 64 levels");
        return QCTX_OK;
    }
    status = add_node(r, event, kind, NULL, &node);
    if (status == QCTX_OK && node != NULL)
        r->open[r->depth++] = (open_node){.node = node};
    return status;
}

static int by_key_and_place(const void *a, const void *b)
{
    const qctx_yaml *one = *(qctx_yaml *const *)a, *other = *(qctx_yaml *const *)b;
    int order = strcmp(one->key, other->key);

    if (order == 0)
        order = (one->line > other->line) - (one->line < other->line);
    if (order == 0)
        order = (one->column > other->column) - (one->column < other->column);
    return order;
}

/* Sorted, because a mapping may have 100,000 entries. */
static qctx_status note_duplicate_keys(reader *r, const qctx_yaml *mapping)
{
    qctx_yaml **sorted = qctx_alloc(mapping->count, sizeof *sorted, "the keys of a YAML mapping", &r->report);
    char shown[EXCERPT_MAX];

    if (sorted == NULL)
        return QCTX_ERR_MEMORY;
    if (mapping->count > 0)
        memcpy(sorted, mapping->children, (size_t)mapping->count * sizeof *sorted);
    qsort(sorted, (size_t)mapping->count, sizeof *sorted, by_key_and_place);
    for (int64_t i = 1; i < mapping->count; i++)
        if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
            note(r, sorted[i]->line, sorted[i]->column, "duplicate key %s, given in line %d already",
                 qctx_shown_excerpt(sorted[i]->key, strlen(sorted[i]->key), shown, sizeof shown), sorted[i - 1]->line);
    free(sorted);
    return QCTX_OK;
}

static qctx_status take_alias(reader *r, const yaml_event_t *event)
{
    char shown[EXCERPT_MAX];
    const char *name = (const char *)event->data.alias.anchor;
    qctx_yaml *node = NULL;

    note(r, line_of(&event->start_mark), column_of(&event->start_mark), "aliases are not supported: *%s",
         qctx_shown_excerpt(name, strlen(name), shown, sizeof shown));
    r->unusable = true;
    return key_is_next(r) ? take_key(r, event, "") : add_node(r, event, QCTX_YAML_SCALAR, "", &node);
}

static qctx_status take_event(reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++r->documents > 1)
            stop(r, event, "a second document; only one is read");
        return QCTX_OK;
    case YAML_SCALAR_EVENT:
        return take_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return take_alias(r, event);
    case YAML_MAPPING_START_EVENT:
        note_properties(r, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return open_collection(r, event, QCTX_YAML_MAPPING);
    case YAML_SEQUENCE_START_EVENT:
        note_properties(r, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return open_collection(r, event, QCTX_YAML_SEQUENCE);
    case YAML_MAPPING_END_EVENT:
        return note_duplicate_keys(r, r->open[--r->depth].node);
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return QCTX_OK;
    default:
        return QCTX_OK;
    }
}

static qctx_status read_events(reader *r)
{
    qctx_status status = QCTX_OK;
    bool ended = false;

    while (status == QCTX_OK && !ended && !r->stopped) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event))
            return note_syntax_error(r);
        ended = event.type == YAML_STREAM_END_EVENT;
        status = take_event(r, &event);
        yaml_event_delete(&event);
    }
    return status;
}

/* Text of two bytes a letter: it says so by a mark, or has a zero in its first letter. */
static bool is_utf16(const char *text, size_t bytes)
{
    return bytes >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0 ||
                          (text[0] == '\0') != (text[1] == '\0'));
}

qctx_status qctx_yaml_parse(const char *text, size_t bytes, const char *name, qctx_yaml **root, qctx_error *error)
{
    /* libyaml counts a byte order mark as a column, and finds the first key indented. */
    const size_t mark = bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    reader r = {.text = text + mark, .bytes = bytes - mark, .name = name};
    qctx_status status;

    *root = NULL;
    if (is_utf16(r.text, r.bytes)) {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: the text is UTF-16; expected UTF-8", name);
        return qctx_hint(error, "convert it first: iconv -f utf-16 -t utf-8");
    }
    if (!yaml_parser_initialize(&r.parser))
        return qctx_fail(error, QCTX_ERR_MEMORY, "%s: no memory for a YAML parser", name);
    /* Without this a file that begins like UTF-16 would be read as such. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.bytes);

    status = read_events(&r);
    if (status == QCTX_OK && r.root == NULL && !r.unusable) {
        r.root = qctx_alloc(1, sizeof *r.root, "a YAML node", &r.report);
        if (r.root == NULL)
            status = QCTX_ERR_MEMORY;
        else
            *r.root = (qctx_yaml){.kind = QCTX_YAML_MAPPING, .line = 1, .column = 1};
    }
    if (status == QCTX_OK && !r.unusable) {
        *root = r.root;
        r.root = NULL;
    }
    if (status == QCTX_OK)
        status = r.report.code;
    if (status != QCTX_OK && error != NULL)
        *error = r.report;

    for (int i = 0; i < r.depth; i++)
        free(r.open[i].key);
    qctx_yaml_destroy(r.root);
    yaml_parser_delete(&r.parser);
    return status;
}

void qctx_yaml_destroy(qctx_yaml *node)
{
    if (node == NULL)
        return;
    for (int64_t i = 0; i < node->count; i++)
        qctx_yaml_destroy(node->children[i]);
    free(node->children);
    free(node->key);
    free(node->text);
    free(node);
}
