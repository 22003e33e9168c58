/* How new the questions of a table are, and those of known contexts beside the others. */
#include "report_internal.h"

enum { LABEL_COLUMNS = 9, SIDE_COLUMNS = 36 };

static const qctx_metric shown[] = {QCTX_METRIC_TOP1, QCTX_METRIC_TOP10, QCTX_METRIC_NDCG};

void report_print_novelty(FILE *out, const qctx_novelty *novelty)
{
    const int64_t *counts = novelty->counts;
    char known[48], others[48];

    if (qctx_novelty_is_mixed(novelty))
        fprintf(out, "%s ask for contexts that training questions ask for, %s for others.\n",
                report_count(counts[QCTX_NEW_QUESTION], known, sizeof known),
                report_count(counts[QCTX_NEW_CONTEXT] + counts[QCTX_NEW_TITLE], others, sizeof others));
    else if (counts[QCTX_NEW_QUESTION] > 0)
        fputs("New questions: training questions ask for the same contexts.\n", out);
    else if (counts[QCTX_NEW_CONTEXT] > 0 && counts[QCTX_NEW_TITLE] > 0)
        fprintf(out, "New contexts: training questions ask for none, but for the titles of %s.\n",
                report_count(counts[QCTX_NEW_CONTEXT], others, sizeof others));
    else if (counts[QCTX_NEW_CONTEXT] > 0)
        fputs("New contexts: training questions ask for none of them.\n", out);
    else if (counts[QCTX_NEW_TITLE] > 0)
        fputs("New contexts: training questions ask for none of them, nor for their titles.\n", out);
}

/* "23.3 to 29.8, +6.5 [+4.9, +8.2]" */
static const char *describe_side(qctx_metric metric, const qctx_comparison *comparison, char *text, size_t bytes)
{
    char cells[3][64];

    qctx_report_interval(metric, comparison->base[metric], false, false, cells[0]);
    qctx_report_interval(metric, comparison->head[metric], false, false, cells[1]);
    qctx_report_interval(metric, comparison->difference[metric], true, comparison->resamples > 0, cells[2]);
    snprintf(text, bytes, "%s to %s, %s", cells[0], cells[1], cells[2]);
    return text;
}

void report_print_apart(FILE *out, const qctx_novelty *novelty)
{
    char known[48], others[48], heading[80];

    if (!qctx_novelty_is_mixed(novelty))
        return;
    snprintf(heading, sizeof heading, "%s of known contexts",
             report_count(novelty->known.questions, known, sizeof known));
    fprintf(out, "%-*s%-*s%s of others\n", LABEL_COLUMNS, "Apart:", SIDE_COLUMNS, heading,
            report_count(novelty->others.questions, others, sizeof others));
    for (size_t m = 0; m < sizeof shown / sizeof shown[0]; m++) {
        char sides[2][208];

        fprintf(out, "%-*s%-*s%s\n", LABEL_COLUMNS, qctx_report_label(shown[m]), SIDE_COLUMNS,
                describe_side(shown[m], &novelty->known, sides[0], sizeof sides[0]),
                describe_side(shown[m], &novelty->others, sides[1], sizeof sides[1]));
    }
}

static json_t *side_json(const qctx_comparison *side)
{
    return json_pack("{s:I, s:o, s:o, s:o}", "questions", (json_int_t)side->questions, "no_head",
                     report_figures_json(side->base), "head", report_figures_json(side->head), "difference",
                     report_figures_json(side->difference));
}

json_t *report_novelty_json(const qctx_novelty *novelty)
{
    json_t *object = json_object();

    for (int kind = 0; kind < QCTX_NOVELTY_COUNT; kind++)
        json_object_set_new(object, qctx_novelty_names[kind], json_integer(novelty->counts[kind]));
    if (qctx_novelty_is_mixed(novelty)) {
        json_object_set_new(object, "known", side_json(&novelty->known));
        json_object_set_new(object, "others", side_json(&novelty->others));
    }
    return object;
}

static qctx_status read_side(const json_t *object, const char *key, const char *place, int64_t resamples,
                             qctx_comparison *side, qctx_error *error)
{
    const json_t *read = json_object_get(object, key);
    qctx_status status;

    if (!json_is_object(read))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' of 'novelty' is %s, expected an object", place, key,
                         qctx_json_type(read));
    side->resamples = resamples;
    status = qctx_json_get_integer(read, "questions", 0, 1, INT64_MAX, place, &side->questions, error);
    if (status == QCTX_OK)
        status = report_read_figures(read, "no_head", place, side->base, error);
    if (status == QCTX_OK)
        status = report_read_figures(read, "head", place, side->head, error);
    return status == QCTX_OK ? report_read_figures(read, "difference", place, side->difference, error) : status;
}

qctx_status report_read_novelty(const json_t *object, const char *place, int64_t resamples, qctx_novelty *novelty,
                                qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *novelty = (qctx_novelty){0};
    if (object == NULL)
        return QCTX_OK;
    for (int kind = 0; kind < QCTX_NOVELTY_COUNT && status == QCTX_OK; kind++)
        status = qctx_json_get_integer(object, qctx_novelty_names[kind], 0, 0, INT64_MAX, place, &novelty->counts[kind],
                                       error);
    if (status != QCTX_OK || !qctx_novelty_is_mixed(novelty))
        return status;
    status = read_side(object, "known", place, resamples, &novelty->known, error);
    return status == QCTX_OK ? read_side(object, "others", place, resamples, &novelty->others, error) : status;
}
