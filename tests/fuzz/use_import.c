#include "use.h"

#include <math.h>
#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"
#include "qctx/data/context_texts.h"
#include "qctx/data/corpus.h"
#include "qctx/data/document.h"
#include "qctx/data/negatives_file.h"
#include "qctx/data/scores.h"
#include "qctx/import/import.h"

static void check_split(const qctx_corpus *corpus, const qctx_split *split)
{
    fuzz_holds(qctx_split_name_is_valid(split->name));
    for (int64_t k = 0; k < split->count; k++) {
        fuzz_holds(split->questions[k] >= 0 && split->questions[k] < corpus->question_count);
        fuzz_holds(split->offsets[k] < split->offsets[k + 1]);
    }
    for (int64_t a = 0; split->count > 0 && a < split->offsets[split->count]; a++) {
        fuzz_holds(split->contexts[a] == QCTX_ABSENT ||
                   (split->contexts[a] >= 0 && split->contexts[a] < corpus->context_count));
        fuzz_holds(qctx_grade(split->grades, a) > 0);
    }
}

/* A field that is not refused gives every context a text. */
static void check_field(const qctx_corpus *corpus, const char *field)
{
    qctx_context_texts texts;

    if (qctx_context_field_check(corpus, field, &fuzz_error) != QCTX_OK)
        return;
    fuzz_holds(qctx_context_texts_make(corpus, field, &texts, &fuzz_error) == QCTX_OK);
    for (int64_t i = 0; i < corpus->context_count; i++)
        fuzz_holds(texts.items[i][0] != '\0');
    qctx_context_texts_free(&texts);
}

static void check_fields(const qctx_corpus *corpus)
{
    check_field(corpus, QCTX_CONTEXT_TITLE);
    check_field(corpus, QCTX_CONTEXT_TITLED_TEXT);
    for (int64_t i = 0; i < corpus->field_count; i++)
        check_field(corpus, corpus->fields[i].name);
}

static void check_corpus(const qctx_corpus *corpus)
{
    for (int64_t i = 0; i < corpus->context_count; i++)
        fuzz_holds(corpus->contexts[i].id[0] != '\0' && corpus->contexts[i].text[0] != '\0');
    for (int64_t i = 0; i < corpus->question_count; i++)
        fuzz_holds(corpus->questions[i].id[0] != '\0' && corpus->questions[i].text[0] != '\0');
    for (int64_t i = 0; i < corpus->split_count; i++)
        check_split(corpus, &corpus->splits[i]);
}

/* Options by the bits of `draw`; of 0 the defaults. */
static qctx_import_job job_of(const fuzz_target *target, uint64_t draw, const char *folder)
{
    qctx_import_job job = {.folder = folder, .files = {{"train", target->path}}, .file_count = 1, .seed = 1};

    if (draw % 8 == 1)
        job.format = (qctx_import_format)(draw / 8 % (QCTX_IMPORT_CSV + 1));
    job.paragraph = draw >> 8 & 1;
    job.radius = (int64_t)(draw >> 9 & 1);
    job.prefix = draw >> 10 & 1;
    job.history = (int64_t)(draw >> 11 & 1) * 2;
    job.surroundings = (int64_t)(draw >> 12 & 3);
    if ((draw >> 25 & 7) == 1) {
        job.field_count = 1;
        job.fields[0].name = draw >> 28 & 1 ? "paragraph" : "note";
        job.fields[0].key = "title";
    }
    job.strict = (draw >> 22 & 7) == 1;
    job.unit = (qctx_holdout_unit)((draw >> 14 & 3) % 3);
    if ((draw >> 16 & 7) == 1)
        job.dev_share = job.test_share = 0.3;
    if ((draw >> 19 & 7) == 1) {
        job.columns[QCTX_IMPORT_QUESTION] = "1";
        job.columns[QCTX_IMPORT_CONTEXT] = "context";
    }
    return job;
}

static int64_t contexts_with(const qctx_corpus *corpus, const char *field)
{
    const qctx_corpus_field *found = qctx_corpus_find_field(corpus, field);

    return found == NULL ? 0 : found->contexts;
}

/* What was read is a corpus that can be read back, with as many questions and contexts as were told. */
bool fuzz_use_import(const fuzz_target *target, uint64_t draw)
{
    static qctx_import_report report;
    char out[FUZZ_PATH_MAX];
    qctx_import_job job;
    qctx_corpus *corpus;

    fuzz_path(out, target->folder, "out");
    job = job_of(target, draw, out);
    if (!fuzz_opened(qctx_import_run(&job, &report, &fuzz_error)))
        return false;
    fuzz_holds(report.files[0].kept > 0);
    fuzz_holds(qctx_corpus_open(fuzz_alone, out, &corpus, &fuzz_error) == QCTX_OK);
    fuzz_holds(corpus->question_count == report.questions && corpus->context_count == report.contexts);
    check_corpus(corpus);
    fuzz_holds(contexts_with(corpus, QCTX_IMPORT_PARAGRAPH) == report.paragraphs);
    fuzz_holds(contexts_with(corpus, QCTX_IMPORT_SURROUNDINGS) == report.surroundings);
    fuzz_holds(job.field_count == 0 || contexts_with(corpus, job.fields[0].name) == report.fields[0]);
    qctx_corpus_destroy(corpus);
    assert_status(qctx_folder_remove(out, &fuzz_error), QCTX_OK, &fuzz_error);
    return true;
}

bool fuzz_use_corpus(const fuzz_target *target, uint64_t draw)
{
    qctx_corpus *corpus;
    bool contexts_alone = draw % 4 == 1;
    qctx_status status = contexts_alone ? qctx_corpus_open_contexts(fuzz_alone, target->folder, &corpus, &fuzz_error)
                                        : qctx_corpus_open(fuzz_alone, target->folder, &corpus, &fuzz_error);

    if (!fuzz_opened(status))
        return false;
    fuzz_holds(corpus->context_count > 0);
    check_corpus(corpus);
    check_fields(corpus);
    if (!contexts_alone)
        fuzz_opened(qctx_corpus_split(corpus, "train", &fuzz_error) != NULL ? QCTX_OK : fuzz_error.code);
    qctx_corpus_destroy(corpus);
    return true;
}

static qctx_status take_score(void *context, const char *question, const char *answer, double score, qctx_error *error)
{
    (void)error;
    fuzz_holds(question != NULL && answer != NULL && isfinite((float)score));
    *(int64_t *)context += 1;
    return QCTX_OK;
}

bool fuzz_use_scores(const fuzz_target *target, uint64_t draw)
{
    int64_t pairs = 0;
    uint64_t hash;

    (void)draw;
    return fuzz_opened(qctx_scores_read(target->path, take_score, &pairs, &hash, &fuzz_error)) && pairs > 0;
}

/* Ids end before a tab, and a place names the file. */
static qctx_status check_negative(void *context, const char *question_id, const char *context_id, const char *place,
                                  qctx_error *error)
{
    const fuzz_target *target = context;

    (void)error;
    fuzz_holds(strchr(question_id, '\t') == NULL && strchr(context_id, '\t') == NULL);
    fuzz_holds(strncmp(place, target->path, strlen(target->path)) == 0);
    return QCTX_OK;
}

bool fuzz_use_negatives(const fuzz_target *target, uint64_t draw)
{
    fuzz_target copy = *target;
    int64_t answering;

    (void)draw;
    return fuzz_opened(qctx_negatives_file_read(target->path, check_negative, &copy, &answering, &fuzz_error));
}

bool fuzz_use_document(const fuzz_target *target, uint64_t draw)
{
    qctx_corpus *corpus;

    if (!fuzz_opened(qctx_document_open(fuzz_alone, target->path, draw % 2, &corpus, &fuzz_error)))
        return false;
    fuzz_holds(corpus->context_count > 0);
    check_corpus(corpus);
    qctx_corpus_destroy(corpus);
    return true;
}
