#include "import_probe.h"

#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"

qctx_import_report probe_report;

qctx_import_job probe_job(const char *file, const char *text)
{
    qctx_import_job job = {.force = true, .seed = 1};

    test_write(test_path(file), text);
    job.folder = test_path("out");
    job.files[0] = (qctx_import_file){"train", test_path(file)};
    job.file_count = 1;
    return job;
}

qctx_corpus *probe_run(const qctx_import_job *job)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;

    assert_status(qctx_import_run(job, &probe_report, &error), QCTX_OK, &error);
    assert_status(qctx_corpus_open(test_comm, job->folder, &corpus, &error), QCTX_OK, &error);
    return corpus;
}

void probe_fails(qctx_import_job job, qctx_status expected, const char *part)
{
    qctx_error error;

    job.folder = test_path("none");
    assert_status(qctx_import_run(&job, &probe_report, &error), expected, &error);
    assert_contains(error.message, part);
    assert_false(qctx_path_exists(job.folder));
    assert_false(qctx_path_exists(test_path("none.partial")));
}

int64_t probe_question(const qctx_corpus *corpus, const char *id)
{
    for (int64_t i = 0; i < corpus->question_count; i++)
        if (strcmp(corpus->questions[i].id, id) == 0)
            return i;
    fail_msg("no question '%s'", id);
    return -1;
}

const char *probe_context(const qctx_corpus *corpus, const char *split, const char *id, int64_t index)
{
    int64_t question = probe_question(corpus, id);
    const qctx_split *found = qctx_corpus_split(corpus, split, NULL);

    assert_non_null(found);
    for (int64_t i = 0; i < found->count; i++)
        if (found->questions[i] == question) {
            assert_true(index < found->offsets[i + 1] - found->offsets[i]);
            return corpus->contexts[found->contexts[found->offsets[i] + index]].text;
        }
    fail_msg("the question '%s' is not in '%s'", id, split);
    return NULL;
}
