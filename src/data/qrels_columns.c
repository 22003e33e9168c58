#include "qrels_columns.h"
#include "qctx/base/plural.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a line: two of negatives, BEIR's three, TREC's four, and one more that is too many. */
enum { PAIR_COLUMNS = 2, BEIR_COLUMNS = 3, TREC_COLUMNS = 4, COLUMNS_MOST = 5 };

/* Names of columns, without what divides their words; those that mean nothing are no role's. */
static const struct {
    const char *name;
    qrels_role role;
} known[] = {
    {"queryid", QRELS_QUESTION},    {"query", QRELS_QUESTION},    {"qid", QRELS_QUESTION},
    {"questionid", QRELS_QUESTION}, {"question", QRELS_QUESTION}, {"topic", QRELS_QUESTION},
    {"topicid", QRELS_QUESTION},    {"corpusid", QRELS_CONTEXT},  {"corpus", QRELS_CONTEXT},
    {"docid", QRELS_CONTEXT},       {"did", QRELS_CONTEXT},       {"doc", QRELS_CONTEXT},
    {"docno", QRELS_CONTEXT},       {"document", QRELS_CONTEXT},  {"documentid", QRELS_CONTEXT},
    {"passageid", QRELS_CONTEXT},   {"passage", QRELS_CONTEXT},   {"pid", QRELS_CONTEXT},
    {"contextid", QRELS_CONTEXT},   {"context", QRELS_CONTEXT},   {"score", QRELS_SCORE},
    {"negativeid", QRELS_CONTEXT},  {"negative", QRELS_CONTEXT},  {"negid", QRELS_CONTEXT},
    {"positiveid", QRELS_ROLES},    {"positive", QRELS_ROLES},    {"posid", QRELS_ROLES},
    {"rel", QRELS_SCORE},           {"relevance", QRELS_SCORE},   {"label", QRELS_SCORE},
    {"relevancy", QRELS_SCORE},     {"rating", QRELS_SCORE},      {"grade", QRELS_SCORE},
    {"judgment", QRELS_SCORE},      {"judgement", QRELS_SCORE},   {"iter", QRELS_ROLES},
    {"iteration", QRELS_ROLES},     {"q0", QRELS_ROLES},          {"0", QRELS_ROLES},
    {"unused", QRELS_ROLES},
};

/*
 * Cuts a line in place, at its tabs, or where it has none at runs of spaces, as trec_eval reads; a tab behind the
 * score begins no column. Returns how many columns there are, COLUMNS_MOST for more.
 */
static int cut_columns(char *text, char *columns[COLUMNS_MOST])
{
    const bool tabs = strchr(text, '\t') != NULL;
    int count = 0;

    while (count < COLUMNS_MOST) {
        text += tabs ? 0 : strspn(text, " ");
        if (*text == '\0' && (count >= BEIR_COLUMNS || !tabs))
            return count;
        columns[count++] = text;
        text += strcspn(text, tabs ? "\t" : " ");
        if (*text == '\0')
            return count;
        *text++ = '\0';
    }
    return count;
}

static bool parse_score(const char *text, double *score)
{
    char *end;

    *score = strtod(text, &end);
    while (*end == ' ')
        end++;
    return end != text && *end == '\0';
}

/* Whether a column is called `name`, in any case and with any of "-_ " between its words, or "#" before them. */
static bool is_called(const char *column, const char *name)
{
    for (; *column != '\0'; column++) {
        if (strchr("#-_ ", *column) != NULL)
            continue;
        if (tolower((unsigned char)*column) != *name++)
            return false;
    }
    return *name == '\0';
}

/* The place of a name in the table, or its end. */
static size_t find_name(const char *name)
{
    size_t at = 0;

    while (at < sizeof known / sizeof known[0] && !is_called(name, known[at].name))
        at++;
    return at;
}

qrels_role qrels_role_of(const char *name)
{
    const size_t at = find_name(name);

    return at == sizeof known / sizeof known[0] ? QRELS_ROLES : known[at].role;
}

/* Fills the header from the columns that name each role once; false where they do not. */
static bool take_header(char *columns[COLUMNS_MOST], int count, qrels_header *header)
{
    qrels_header found = {.negatives = header->negatives, .count = count, .places = {-1, -1, -1}};
    bool named[QRELS_ROLES] = {false};

    for (int i = 0; i < count; i++) {
        const size_t at = find_name(columns[i]);

        if (at == sizeof known / sizeof known[0])
            return false;
        if (known[at].role == QRELS_ROLES)
            continue;
        if (named[known[at].role])
            return false;
        named[known[at].role] = true;
        found.places[known[at].role] = i;
    }
    if (!named[QRELS_QUESTION] || !named[QRELS_CONTEXT] || !(named[QRELS_SCORE] || header->negatives))
        return false;
    *header = found;
    return true;
}

static qctx_status fail_count(const qctx_lines *lines, const qrels_header *header, int count, qctx_error *error)
{
    const char *least = count == COLUMNS_MOST ? "at least " : "", *plural = qctx_plural(count);

    if (header->count > 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s%d column%s, but the file's header names %d",
                         lines->place, least, count, plural, header->count);
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: expected question id, context id and %sscore, found %s%d column%s",
              lines->place, header->negatives ? "perhaps a " : "", least, count, plural);
    if (count == 1 && strchr(lines->text, ',') != NULL)
        return qctx_hint(error, "columns are divided by tabs or spaces, not by commas");
    return qctx_hint(error, "columns are divided by tabs, or by spaces where no id has one; TREC's four columns, with "
                            "an ignored one in the second place, are read too");
}

/* Where the roles stand in lines without a header. */
static const int *usual_places(int count)
{
    static const int pair[QRELS_ROLES] = {0, 1, -1}, beir[QRELS_ROLES] = {0, 1, 2}, trec[QRELS_ROLES] = {0, 2, 3};

    return count == TREC_COLUMNS ? trec : count == BEIR_COLUMNS ? beir : pair;
}

qctx_status qrels_read_line(qctx_lines *lines, qrels_header *header, const char *fields[QRELS_ROLES], double *score,
                            bool *is_header, qctx_error *error)
{
    char *columns[COLUMNS_MOST] = {NULL};
    const int count = cut_columns(lines->text, columns), least = header->negatives ? PAIR_COLUMNS : BEIR_COLUMNS;
    const int *places = header->count > 0 ? header->places : usual_places(count);

    *is_header = false;
    if (count < least || count > TREC_COLUMNS || (header->count > 0 && count != header->count))
        return fail_count(lines, header, count, error);
    for (int role = 0; role < QRELS_ROLES; role++)
        fields[role] = places[role] < 0 ? NULL : columns[places[role]];
    *score = 0;
    if (fields[QRELS_SCORE] != NULL && parse_score(fields[QRELS_SCORE], score))
        return isfinite((float)*score) ? QCTX_OK
                                       : qctx_fail(error, QCTX_ERR_FORMAT, "%s: the score '%s' is not finite",
                                                   lines->place, fields[QRELS_SCORE]);
    *is_header = lines->number == 1 && take_header(columns, count, header);
    if (*is_header || fields[QRELS_SCORE] == NULL)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the score '%s' is not a number%s", lines->place, fields[QRELS_SCORE],
              lines->number == 1 ? ", and the line is no header" : "");
    return lines->number == 1 ? qctx_hint(error, "a header names its columns: query-id, corpus-id%s",
                                          header->negatives ? ", or that and score" : ", score")
                              : QCTX_ERR_FORMAT;
}
