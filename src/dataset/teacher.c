#include "qctx/dataset/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/data/scores.h"
#include "qctx/dataset/named_examples.h"
#include "teacher_internal.h"

/* One file that is being read. */
typedef struct {
    teacher_reading *reading;
    int32_t source;
    qctx_named_examples named;
} teacher_file;

static qctx_status take_line(void *context, const char *question, const char *answer, double score, qctx_error *error)
{
    teacher_file *file = context;
    teacher_reading *reading = file->reading;
    const int64_t asked = qctx_id_rows_find(&file->named.questions, question);
    const int64_t row = qctx_id_rows_find(&file->named.contexts, answer);
    qctx_status status;

    reading->counts.lines++;
    reading->counts.unknown_questions += asked < 0;
    reading->counts.unknown_contexts += asked >= 0 && row < 0;
    reading->counts.others += asked >= 0 && row >= 0 && file->named.example[asked] < 0;
    if (asked < 0 || row < 0 || file->named.example[asked] < 0)
        return QCTX_OK;
    status = qctx_grow((void **)&reading->scores, &reading->capacity, reading->count + 1, sizeof *reading->scores,
                       "a teacher's scores", error);
    if (status != QCTX_OK)
        return status;
    reading->scores[reading->count] = (teacher_score){.example = file->named.example[asked],
                                                      .context = {file->named.content[row], row, file->source},
                                                      .line = reading->count,
                                                      .score = (float)score};
    reading->count++;
    return QCTX_OK;
}

static qctx_status read_file(const char *path, qctx_store *store, const qctx_examples *examples, int32_t source,
                             teacher_reading *reading, qctx_error *error)
{
    teacher_file file = {.reading = reading, .source = source};
    uint64_t hash;
    qctx_status status = qctx_named_examples_read(examples, source, store, &file.named, error);

    if (status == QCTX_OK)
        status = qctx_scores_read(path, take_line, &file, &hash, error);
    if (status == QCTX_OK)
        reading->hash = qctx_hash(&hash, sizeof hash, reading->hash);
    qctx_named_examples_free(&file.named);
    return status;
}

static qctx_status read_files(const qctx_config *config, const qctx_opened *opened, const qctx_examples *examples,
                              teacher_reading *reading, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t s = 0; s < opened->train_count && status == QCTX_OK; s++) {
        const char *path = qctx_config_teacher(config, s);

        if (path == NULL)
            continue;
        reading->path = path;
        reading->files++;
        status = read_file(path, opened->train[s].store, examples, (int32_t)s, reading, error);
    }
    return status;
}

static qctx_status refuse_without_lists(const teacher_reading *reading, qctx_error *error)
{
    const teacher_counts *counts = &reading->counts;

    qctx_fail(error, QCTX_ERR_DATA, "%s: gives no training question a list of scored contexts", reading->path);
    if (counts->lines == 0)
        return qctx_hint(error, "it has no lines; expected question id, context id and score in each");
    if (counts->unknown_questions == counts->lines)
        return qctx_hint(error, "none of its question ids is one of the source's; the first column, or the key "
                                "question, is the id in queries.jsonl");
    if (counts->unknown_questions + counts->unknown_contexts == counts->lines)
        return qctx_hint(error, "none of its context ids is one of the source's; the second column, or the key "
                                "context, is the id in corpus.jsonl");
    if (counts->singles + counts->without_margin == 0)
        return qctx_hint(error, "its questions are not trained on: they are of other splits, or held out");
    return qctx_hint(error, "%s",
                     counts->without_margin > 0
                         ? "margin_mse needs a right and a wrong context of a question; kl any two"
                         : "a list has two contexts at least; a dozen or two of them are usual");
}

static void warn_of(int64_t count, const char *path, const char *what)
{
    if (count > 0)
        qctx_warn("%s: %lld score%s %s", path, (long long)count, qctx_plural(count), what);
}

/* What was found, and what was left out. Rank 0 only. */
static void tell(const teacher_reading *reading, const qctx_teacher *teacher)
{
    const teacher_counts *counts = &reading->counts;
    const char *where = reading->files > 1 ? "data.train's teachers" : reading->path;
    const int64_t *offsets = teacher->lists.offsets, examples = teacher->lists.examples;
    int64_t with = 0;

    for (int64_t i = 0; i < examples; i++)
        with += offsets[i + 1] > offsets[i];
    qctx_info("teacher: %lld of %lld training questions have scored contexts, %.1f each%s", (long long)with,
              (long long)examples, (double)offsets[examples] / (double)with,
              with < examples ? "; the others have the contrastive loss alone" : "");
    warn_of(counts->unknown_questions, where, "left out: their questions are not in the corpus");
    warn_of(counts->unknown_contexts, where, "left out: their contexts are not in the corpus");
    warn_of(counts->contradictory, where, "overruled by a later line with another score for the same text");
    if (counts->others > 0)
        qctx_info("teacher: %lld score%s of questions that are not trained on, of other splits or held out, left out",
                  (long long)counts->others, qctx_plural(counts->others));
    if (counts->singles > 0)
        qctx_warn("%s: %lld question%s one scored context only, which is no list", where, (long long)counts->singles,
                  counts->singles == 1 ? " has" : "s have");
    if (counts->without_margin > 0)
        qctx_warn("%s: %lld question%s no right context among the scored ones, or no wrong one, and so no margin",
                  where, (long long)counts->without_margin, counts->without_margin == 1 ? " has" : "s have");
}

qctx_status qctx_teacher_read(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                              const qctx_examples *examples, qctx_teacher *teacher, qctx_error *error)
{
    teacher_reading reading = {.margins = config->loss.distill.kind == QCTX_DISTILL_MARGIN_MSE};
    qctx_status status;

    *teacher = (qctx_teacher){0};
    status = read_files(config, opened, examples, &reading, error);
    if (status == QCTX_OK && reading.files > 0)
        status = teacher_arrange(&reading, examples, teacher, error);
    if (status == QCTX_OK && reading.files > 0 && teacher->lists.offsets[examples->count] == 0)
        status = refuse_without_lists(&reading, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK && !qctx_comm_same(comm, reading.hash)) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the ranks read different files under this name", reading.path);
        status = QCTX_ERR_MISMATCH;
    }
    if (status == QCTX_OK && reading.files > 0 && qctx_comm_rank(comm) == 0)
        tell(&reading, teacher);
    free(reading.scores);
    return status;
}

void qctx_teacher_free(qctx_teacher *teacher)
{
    qctx_listed_negatives_free(&teacher->lists);
    free(teacher->scores);
    free(teacher->roles);
    *teacher = (qctx_teacher){0};
}

uint64_t qctx_teacher_fingerprint(const qctx_teacher *teacher)
{
    const qctx_listed_negatives *lists = &teacher->lists;
    const size_t entries = (size_t)lists->offsets[lists->examples];
    uint64_t hash = qctx_hash(lists->offsets, (size_t)(lists->examples + 1) * sizeof *lists->offsets, 0);

    hash = qctx_hash(teacher->scores, entries * sizeof *teacher->scores, hash);
    hash = qctx_hash(teacher->roles, entries * sizeof *teacher->roles, hash);
    for (size_t e = 0; e < entries; e++) {
        const uint64_t content = lists->pool.list[lists->places[e]].content;

        hash = qctx_hash(&content, sizeof content, hash);
    }
    return hash;
}
