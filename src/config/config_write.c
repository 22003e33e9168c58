/*
 * What the schema writes: a configuration as YAML, what differs between two of them when a run is resumed, and the
 * reference of the keys as Markdown.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

static void write_sources(FILE *out, const qctx_sources *sources)
{
    if (sources->count == 0)
        fputs(" []", out);
    for (int64_t i = 0; i < sources->count; i++) {
        const qctx_source *source = &sources->items[i];

        fprintf(out, "\n    - {%s: ", source->corpus != NULL ? "corpus" : "store");
        qctx_yaml_write_text(out, source->corpus != NULL ? source->corpus : source->store);
        fputs(", split: ", out);
        qctx_yaml_write_text(out, source->split);
        fputs(", name: ", out);
        qctx_yaml_write_text(out, source->name);
        fprintf(out, ", limit: %" PRId64, source->limit);
        /* Left out where it is 1, as runs wrote it that did not know it yet. */
        if (source->weight != 1.0)
            fprintf(out, ", weight: %.15g", source->weight);
        if (source->teacher != NULL) {
            fputs(", teacher: ", out);
            qctx_yaml_write_text(out, source->teacher);
        }
        if (source->negatives != NULL) {
            fputs(", negatives: ", out);
            qctx_yaml_write_text(out, source->negatives);
        }
        fprintf(out, "%s}", source->external ? ", external: true" : "");
    }
}

static void write_numbers(FILE *out, const qctx_numbers *numbers)
{
    fputc('[', out);
    for (int64_t i = 0; i < numbers->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        qctx_config_write_number(out, numbers->items[i]);
    }
    fputc(']', out);
}

void qctx_config_write_value(FILE *out, const qctx_config_key *key, const qctx_config *config)
{
    const void *member = (const char *)config + key->offset;
    int choice;

    if (key->type != QCTX_KEY_SOURCES)
        fputc(' ', out);
    if (qctx_config_is_auto(key, config)) {
        fputs("auto", out);
        return;
    }
    switch (key->type) {
    case QCTX_KEY_TEXT:
    case QCTX_KEY_NAME:
        qctx_yaml_write_text(out, *(char *const *)member);
        break;
    case QCTX_KEY_COUNT:
        fprintf(out, "%" PRId64, *(const int64_t *)member);
        break;
    case QCTX_KEY_BYTES:
        qctx_config_write_bytes(out, *(const int64_t *)member);
        break;
    case QCTX_KEY_NUMBER:
        qctx_config_write_number(out, *(const double *)member);
        break;
    case QCTX_KEY_FLAG:
        fputs(*(const bool *)member ? "true" : "false", out);
        break;
    case QCTX_KEY_CHOICE:
        memcpy(&choice, member, sizeof choice);
        fputs(key->choices[choice], out);
        break;
    case QCTX_KEY_SOURCES:
        write_sources(out, member);
        break;
    case QCTX_KEY_ENCODERS:
        qctx_config_write_encoders(out, member);
        break;
    case QCTX_KEY_NUMBERS:
        write_numbers(out, member);
        break;
    }
}

/* Opens the sections of `path` that the key before it did not stand in. Returns how deep the key itself stands. */
static int write_sections(FILE *out, const char *path, const char *before)
{
    const char *start = path, *dot;
    int depth = 0;

    for (; (dot = strchr(start, '.')) != NULL; start = dot + 1) {
        if (strncmp(path, before, (size_t)(dot + 1 - path)) != 0)
            fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - start), start);
        depth++;
    }
    return depth;
}

static bool name_store(const qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++)
        if (sources->items[i].store != NULL)
            return true;
    return false;
}

/* Keys that stay out: what a recipe decides yet, and the encoder where it was left to a store. */
static bool is_open(const qctx_config_key *key, const qctx_config *config)
{
    if (key->type == QCTX_KEY_ENCODERS)
        return !config->data.encoder.given && (name_store(&config->data.train) || name_store(&config->data.eval));
    return key->by_recipe && qctx_config_is_auto(key, config);
}

char *qctx_config_dump(const qctx_config *config, qctx_error *error)
{
    const char *before = "";
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool failed = out == NULL;

    for (int64_t i = 0; i < qctx_config_key_count && !failed; i++) {
        const qctx_config_key *key = &qctx_config_keys[i];
        int depth;

        if (is_open(key, config))
            continue;
        depth = write_sections(out, key->path, before);
        fprintf(out, "%*s%s:", 2 * depth, "", strrchr(key->path, '.') + 1);
        qctx_config_write_value(out, key, config);
        fputc('\n', out);
        before = key->path;
        failed = ferror(out) != 0;
    }
    if (out != NULL && fclose(out) != 0)
        failed = true;
    if (failed) {
        qctx_fail(error, QCTX_ERR_MEMORY, "no memory to write the configuration");
        free(text);
        return NULL;
    }
    return text;
}

static void write_table(FILE *out, const qctx_config_key *keys, int64_t count)
{
    char expected[QCTX_EXPECTED_MAX];

    fputs("| key | values | default | meaning |\n|---|---|---|---|\n", out);
    for (int64_t i = 0; i < count; i++)
        fprintf(out, "| `%s` | %s | %s%s%s | %s |\n", keys[i].path,
                keys[i].type == QCTX_KEY_SOURCES ? "a list of sources" : qctx_config_expected(&keys[i], expected),
                keys[i].fallback != NULL ? "`" : "", keys[i].fallback != NULL ? keys[i].fallback : "",
                keys[i].fallback != NULL ? "`" : "", keys[i].meaning);
}

void qctx_config_reference(FILE *out)
{
    write_table(out, qctx_config_keys, qctx_config_key_count);
    fputs("\nA source, an entry of `data.train`, `data.eval` and `eval.guard`:\n\n", out);
    write_table(out, qctx_source_keys, qctx_source_key_count);
    fputs("\nAn entry of `data.encoder`, where it is more than a model's name:\n\n", out);
    write_table(out, qctx_entry_keys, qctx_entry_key_count);
}

/* The value of a key as text, freshly allocated, or NULL. */
static char *value_text(const qctx_config_key *key, const qctx_config *config)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (out == NULL)
        return NULL;
    qctx_config_write_value(out, key, config);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* Whether `path` is one of `keys`, or stands in a section among them. */
static bool is_among(const char *path, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        const size_t length = strlen(*keys);

        if (strncmp(path, *keys, length) == 0 && (path[length] == '\0' || path[length] == '.'))
            return true;
    }
    return false;
}

const char *qctx_config_first_difference(const qctx_config *one, const qctx_config *other, const char *const *keys)
{
    for (int64_t k = 0; k < qctx_config_key_count; k++) {
        const qctx_config_key *key = &qctx_config_keys[k];
        char *values[2] = {NULL, NULL};
        bool differs;

        if (!is_among(key->path, keys))
            continue;
        values[0] = value_text(key, one);
        values[1] = value_text(key, other);
        differs = values[0] != NULL && values[1] != NULL && strcmp(values[0], values[1]) != 0;
        free(values[0]);
        free(values[1]);
        if (differs)
            return key->path;
    }
    return NULL;
}

/* A list of a line each, as " [{…}, {…}]"; another value stays. */
static char *on_one_line(const char *value)
{
    static const char item[] = "\n    - ";
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (out == NULL)
        return NULL;
    for (const char *at = value; *at != '\0';)
        if (strncmp(at, item, sizeof item - 1) == 0) {
            fputs(at == value ? " [" : ", ", out);
            at += sizeof item - 1;
        } else {
            fputc(*at++, out);
        }
    fputs(value[0] == '\n' ? "]" : "", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* Appends what a key was and is. */
static qctx_status tell_difference(const char *path, const char *was, const char *is, qctx_error *error)
{
    char *then = on_one_line(was), *now = on_one_line(is);
    qctx_status status = QCTX_OK;

    if (then == NULL || now == NULL)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "no memory to compare the configurations");
    else
        qctx_error_append(error, "%s: was%s, now it is%s", path, then, now);
    free(then);
    free(now);
    return status;
}

static qctx_status compare_key(const qctx_config_key *key, const qctx_config *then, const qctx_config *now,
                               bool *differs, qctx_error *error)
{
    char *was = value_text(key, then), *is = value_text(key, now);
    qctx_status status = QCTX_OK;

    if (was == NULL || is == NULL) {
        status = qctx_fail(error, QCTX_ERR_MEMORY, "no memory to compare the configurations");
    } else if (strcmp(was, is) != 0) {
        if (!*differs)
            qctx_fail(error, QCTX_ERR_MISMATCH, "the run was started with another configuration:");
        status = tell_difference(key->path, was, is, error);
        *differs = true;
    }
    free(was);
    free(is);
    return status;
}

qctx_status qctx_config_check_resume(const qctx_config *then, const qctx_config *now, qctx_error *error)
{
    bool differs = false;

    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        const qctx_config_key *key = &qctx_config_keys[i];
        qctx_status status = key->may_change ? QCTX_OK : compare_key(key, then, now, &differs, error);

        if (status != QCTX_OK)
            return status;
    }
    if (!differs)
        return QCTX_OK;
    return qctx_hint(error, "give these keys the values of the run (KEY=VALUE), or start a new run");
}
