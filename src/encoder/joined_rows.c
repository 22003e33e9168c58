/*
 * The parts' rows, put side by side; of contexts with several fields each text is encoded once, and the rows of a
 * part's fields are added.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "joined_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/textmap.h"

void qctx_joined_factors(const double *weights, int64_t count, float *factors)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += weights[i];
    for (int64_t i = 0; i < count; i++)
        factors[i] = (float)sqrt(weights[i] / sum);
}

void qctx_joined_place(const float *part, int64_t count, int64_t width, float factor, float *rows, int64_t at,
                       int64_t dim)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < width; j++)
            rows[i * dim + at + j] = factor * part[i * width + j];
}

void qctx_joined_place_sum(const float *const *fields, const double *weights, int64_t field_count, int64_t count,
                           int64_t width, float factor, float *rows, int64_t at, int64_t dim)
{
    int64_t used = 0, last = 0;

    for (int64_t f = 0; f < field_count; f++)
        if (weights[f] > 0) {
            used++;
            last = f;
        }
    /* One alone keeps its bits. */
    if (used == 1) {
        qctx_joined_place(fields[last], count, width, factor, rows, at, dim);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        float *row = rows + i * dim + at;
        double squares = 0, scale;

        for (int64_t j = 0; j < width; j++) {
            double sum = 0;

            for (int64_t f = 0; f < field_count; f++)
                if (weights[f] > 0)
                    sum += weights[f] * (double)fields[f][i * width + j];
            row[j] = (float)sum;
            squares += sum * sum;
        }
        scale = squares > 0 ? (double)factor / sqrt(squares) : 0.0;
        for (int64_t j = 0; j < width; j++)
            row[j] = (float)(scale * (double)row[j]);
    }
}

void joined_list_fields(joined_state *state)
{
    const joined_settings *settings = &state->settings;

    for (int64_t f = 0; f < settings->field_count; f++) {
        int64_t found = 0;

        while (found < state->name_count && strcmp(state->names[found], settings->fields[f]) != 0)
            found++;
        if (found == state->name_count)
            state->names[state->name_count++] = settings->fields[f];
        state->columns[f] = found;
    }
}

/* rows [count, width] of the texts in one column, those that are equal encoded once: sentences share a paragraph. */
static qctx_status encode_column(qctx_encoder *part, const char *const *texts, int64_t columns, int64_t column,
                                 int64_t count, float *rows, qctx_error *error)
{
    const int64_t width = qctx_encoder_dim(part);
    const char **distinct = qctx_alloc(count, sizeof *distinct, "distinct texts of a field", error);
    int64_t *of_rows = qctx_alloc(count, sizeof *of_rows, "distinct texts of a field", error);
    float *vectors = NULL;
    qctx_textmap map = {0};
    int64_t found = 0;
    qctx_status status = distinct == NULL || of_rows == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        status = qctx_textmap_add(&map, texts[i * columns + column], found, &of_rows[i], error);
        if (status == QCTX_OK && of_rows[i] == found)
            distinct[found++] = texts[i * columns + column];
    }
    if (status == QCTX_OK && (vectors = qctx_alloc(found * width, sizeof *vectors, "rows of a field", error)) == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        status = qctx_encoder_encode(part, QCTX_CONTEXT, distinct, found, vectors, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        memcpy(rows + i * width, vectors + of_rows[i] * width, (size_t)width * sizeof *rows);
    qctx_textmap_free(&map);
    free(vectors);
    free(of_rows);
    free(distinct);
    return status;
}

/* An earlier field whose texts are all those of field f, as where texts stand for fields that are not there; or f. */
static int64_t same_column(const char *const *texts, int64_t columns, const int64_t *of_fields, int64_t f,
                           float *const *made, int64_t count)
{
    for (int64_t g = 0; g < f; g++) {
        int64_t i = 0;

        while (made[g] != NULL && i < count &&
               strcmp(texts[i * columns + of_fields[g]], texts[i * columns + of_fields[f]]) == 0)
            i++;
        if (made[g] != NULL && i == count)
            return g;
    }
    return f;
}

/* The columns of one part, from `at` on. */
static qctx_status encode_part(const joined_state *state, int64_t part, const char *const *texts, int64_t count,
                               float *rows, int64_t at, int64_t dim, qctx_error *error)
{
    const joined_settings *settings = &state->settings;
    const int64_t first = settings->first_fields[part], fields = settings->first_fields[part + 1] - first;
    const int64_t width = qctx_encoder_dim(state->parts[part]);
    float *made[QCTX_JOINED_MAX] = {0};
    qctx_status status = QCTX_OK;

    for (int64_t f = 0; f < fields && status == QCTX_OK; f++) {
        int64_t same;

        if (!(settings->field_weights[first + f] > 0))
            continue;
        same = same_column(texts, state->name_count, state->columns + first, f, made, count);
        made[f] = qctx_alloc(count * width, sizeof *made[f], "rows of a field", error);
        if (made[f] == NULL)
            status = QCTX_ERR_MEMORY;
        else if (same < f)
            memcpy(made[f], made[same], (size_t)(count * width) * sizeof *made[f]);
        else
            status = encode_column(state->parts[part], texts, state->name_count, state->columns[first + f], count,
                                   made[f], error);
    }
    if (status == QCTX_OK)
        qctx_joined_place_sum((const float *const *)made, settings->field_weights + first, fields, count, width,
                              state->factors[part], rows, at, dim);
    for (int64_t f = 0; f < fields; f++)
        free(made[f]);
    return status;
}

qctx_status joined_encode_fields(joined_state *state, const char *const *texts, int64_t count, float *rows, int64_t dim,
                                 qctx_error *error)
{
    qctx_status status = QCTX_OK;
    int64_t at = 0;

    for (int64_t i = 0; i < state->count && status == QCTX_OK; i++) {
        status = encode_part(state, i, texts, count, rows, at, dim, error);
        at += qctx_encoder_dim(state->parts[i]);
    }
    return status;
}

qctx_status qctx_joined_saved_fields(const char *name, const char *settings, char **names, int64_t *count,
                                     qctx_error *error)
{
    joined_state state = {0};
    qctx_status status = QCTX_OK;

    *count = 0;
    if (strcmp(name, JOINED_NAME) == 0 && settings[0] != '\0')
        status = joined_settings_parse(settings, &state.settings, error);
    joined_list_fields(&state);
    for (int64_t f = 0; f < state.name_count && status == QCTX_OK; f++) {
        names[f] = qctx_strdup(state.names[f], error);
        status = names[f] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        *count += names[f] != NULL;
    }
    joined_settings_free(&state.settings);
    return status;
}
