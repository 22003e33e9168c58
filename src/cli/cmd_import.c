#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/base/shown.h"
#include "qctx/cli/commands.h"
#include "qctx/data/split.h"
#include "qctx/import/import.h"

enum { SENTENCE, PARAGRAPH };
static const char *const contexts[] = {[SENTENCE] = "sentence", [PARAGRAPH] = "paragraph", NULL};

static struct {
    const char *out, *columns, *holdout;
    qctx_option_choice format, context, by;
    qctx_option_pairs splits;
    qctx_option_texts fields;
    int64_t radius, surroundings, history, seed;
    bool prefix, strict, force;
} options = {.format = {qctx_import_format_names, QCTX_IMPORT_AUTO},
             .context = {contexts, SENTENCE},
             .by = {qctx_holdout_unit_names, QCTX_HOLDOUT_TITLE},
             .seed = 1};

static const qctx_option table[] = {
    {"out", QCTX_OPTION_TEXT, &options.out, "FOLDER", "the corpus to make", 0, 0},
    {"split", QCTX_OPTION_PAIRS, &options.splits, "NAME FILE", "a file and its split; may be repeated", 0, 0},
    {"format", QCTX_OPTION_CHOICE, &options.format, NULL, "format of the files", 0, 0},
    {"columns", QCTX_OPTION_TEXT, &options.columns, "ROLE=NAME,...", "keys or columns to take, by name or number", 0,
     0},
    {"strict", QCTX_OPTION_FLAG, &options.strict, NULL, "what would be mended or left out is an error", 0, 0},
    {"context", QCTX_OPTION_CHOICE, &options.context, NULL, "SQuAD, QuAC: what of a paragraph becomes the context", 0,
     0},
    {"radius", QCTX_OPTION_INT, &options.radius, "N", "sentences on either side of the answer's", 0, 1000000},
    {"surroundings", QCTX_OPTION_INT, &options.surroundings, "N",
     "keep a field with N sentences, or contexts of a title, on either side", 0, 1000},
    {"field", QCTX_OPTION_TEXTS, &options.fields, "NAME[=KEY]",
     "keep a key or column as a field of contexts; may be repeated", 0, 0},
    {"prefix", QCTX_OPTION_FLAG, &options.prefix, NULL, "put the title in front of the question", 0, 0},
    {"history", QCTX_OPTION_INT, &options.history, "N", "QuAC: earlier questions of the dialog put in front", 0,
     1000000},
    {"holdout", QCTX_OPTION_TEXT, &options.holdout, "D,T", "cut these shares for dev and test from the files", 0, 0},
    {"by", QCTX_OPTION_CHOICE, &options.by, NULL, "hold-out: what stays on one side", 0, 0},
    {"seed", QCTX_OPTION_INT, &options.seed, "N", "hold-out: another seed, another cut", 0, 9007199254740992.0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a corpus that exists", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "import",
    .brief = "make a corpus from SQuAD, QuAC, JSON, JSONL, TSV or CSV",
    .arguments = "--out FOLDER (--split NAME FILE ... | --holdout D,T FILE ...) [OPTION ...]",
    .summary = "Makes a corpus from SQuAD, QuAC, JSON, JSONL, TSV or CSV files.",
    .details = "formats (told from the content; --format overrides; any may be gzip or zstd):\n"
               "  squad    SQuAD 1.1 or 2.0; the context is the sentence of the answer\n"
               "  quac     QuAC 0.2; likewise\n"
               "  jsonl    a record a line: {\"question\": ..., \"context\": ...}; optional title,\n"
               "           id, negative, label; or [\"question\", \"context\"]\n"
               "  json     an array of such records, alone or under \"data\"; pandas' to_json\n"
               "  tsv csv  rows divided by tabs, or by commas or semicolons, with quotes; a\n"
               "           first line names the columns, or rows are question, context\n"
               "\n"
               "names that are known for keys and columns, the first that a record has:\n"
               "  question  question, query, anchor, sentence1\n"
               "  context   context, passage, positive, pos, positives, positive_passages,\n"
               "            positive_ctxs, document, answer, text, sentence2\n"
               "  negative  negative, negative_1 ..., neg, negatives, negative_passages,\n"
               "            negative_ctxs, hard_negative_ctxs: into negatives/\n"
               "  label     label: 1 is a pair, 0 is none; score: 0 is none\n"
               "--columns question=Q,context=C[,title=T][,id=I][,negative=N][,label=L] takes\n"
               "others, and those alone; of a table also by number, from 1. Records with the\n"
               "same id, or without ids, and the same question make one question of several\n"
               "contexts. A FILE of - is standard input.\n"
               "\n"
               "fields that contexts keep in corpus.jsonl beside title and text, for encoders:\n"
               "  paragraph     of a sentence: the paragraph in which it stands\n"
               "  surroundings  by --surroundings N: a sentence with the N before and after it\n"
               "                in its paragraph; other contexts with those of the same title\n"
               "  NAME          by --field NAME, the key or column of that name; --field\n"
               "                NAME=KEY takes another\n"
               "\n"
               "what the table counts, a question once for each of its contexts:\n"
               "  read          all of them: the sum of kept to empty, and of what has no pair\n"
               "  kept          in the corpus\n"
               "  merged        the same question, context and split again\n"
               "  unanswerable  said to have no answer\n"
               "  not found     no answer of it is in its paragraph\n"
               "  empty         its question, context or answer has no text\n"
               "  repaired      of those kept or merged: the answer stands elsewhere than its\n"
               "                answer_start says, and was found\n"
               "  new ids       of those kept: another question had the id, a suffix was added\n"
               "Lines below it name what is mended, malformed, a negative or not used.\n"
               "docs/corpora.md says all of it.\n"
               "\n"
               "examples:\n"
               "  qctx-dist import --out corpora/squad --split train train-v1.1.json \\\n"
               "                   --split dev dev-v1.1.json\n"
               "  qctx-dist import --out corpora/faq --holdout 0.1,0.1 faq.csv\n"
               "  qctx-dist import --out corpora/faq --columns question=Frage,context=Antwort \\\n"
               "                   --holdout 0.1,0.1 faq.csv\n",
    .options = table,
    .positional_max = -1,
};

static qctx_status usage_error(qctx_error *error, const char *message)
{
    qctx_fail(error, QCTX_ERR_USAGE, "import: %s", message);
    return qctx_hint(error, "qctx-dist import --help shows the options");
}

/* "D,T": the shares of dev and test, each in [0, 1), together in (0, 1). */
static qctx_status parse_holdout(const char *text, qctx_import_job *job, qctx_error *error)
{
    char *end;
    bool good;

    if (text == NULL)
        return QCTX_OK;
    job->dev_share = strtod(text, &end);
    good = end != text && *end == ',';
    if (good) {
        const char *second = end + 1;

        job->test_share = strtod(second, &end);
        good = end != second && *end == '\0';
    }
    /* Written so that a NaN fails. */
    if (!good || !(job->dev_share >= 0 && job->test_share >= 0) || !(job->dev_share + job->test_share > 0) ||
        !(job->dev_share + job->test_share < 1)) {
        qctx_fail(error, QCTX_ERR_USAGE, "import: --holdout: '%s' is not two shares D,T of less than 1 together", text);
        return qctx_hint(error, "for a tenth each: --holdout 0.1,0.1");
    }
    return QCTX_OK;
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Takes "role=name" apart in place. */
static qctx_status take_column(char *item, qctx_import_job *job, qctx_error *error)
{
    char *name = strchr(item, '=');

    if (name != NULL)
        *name++ = '\0';
    for (int role = 0; role < QCTX_IMPORT_ROLES && name != NULL && name[0] != '\0'; role++)
        if (strcmp(item, qctx_import_role_names[role]) == 0 && job->columns[role] == NULL) {
            job->columns[role] = name;
            return QCTX_OK;
        }
    qctx_fail(error, QCTX_ERR_USAGE, "import: --columns: '%s' is not a role with a name, or is given twice", item);
    return qctx_hint(error, "roles are question, context, title, id, negative, label: --columns question=Q,context=C");
}

/* "question=NAME,context=NAME,…" into `text`, a copy that the job's names point into. */
static qctx_status parse_columns(char *text, qctx_import_job *job, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    char *rest = NULL;
    bool numbers;

    for (char *item = strtok_r(text, ",", &rest); item != NULL && status == QCTX_OK; item = strtok_r(NULL, ",", &rest))
        status = take_column(item, job, error);
    if (status != QCTX_OK)
        return status;
    if (job->columns[QCTX_IMPORT_QUESTION] == NULL || job->columns[QCTX_IMPORT_CONTEXT] == NULL)
        return usage_error(error, "--columns names a question and a context at least: --columns question=Q,context=C");
    for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
        for (int other = role + 1; other < QCTX_IMPORT_ROLES && job->columns[role] != NULL; other++)
            if (job->columns[other] != NULL && strcasecmp(job->columns[role], job->columns[other]) == 0)
                return qctx_fail(error, QCTX_ERR_USAGE, "import: --columns: '%s' is given for %s and for %s",
                                 job->columns[role], qctx_import_role_names[role], qctx_import_role_names[other]);
    numbers = is_number(job->columns[QCTX_IMPORT_QUESTION]);
    for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
        if (job->columns[role] != NULL && is_number(job->columns[role]) != numbers)
            return usage_error(error, "--columns gives names or numbers, not both");
    return QCTX_OK;
}

/* Files come either as --split NAME FILE, or as arguments that --holdout divides. */
static qctx_status take_files(const char *const *files, int64_t file_count, qctx_import_job *job, qctx_error *error)
{
    if (options.holdout != NULL && options.splits.count > 0)
        return usage_error(error, "--holdout cuts splits itself: give the files without --split");
    for (int64_t i = 0; i < file_count; i++)
        if (strcmp(files[i], "-") != 0 && !qctx_path_exists(files[i]))
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", files[i], strerror(errno));
    if (options.holdout == NULL && file_count > 0)
        return usage_error(error, "a file needs its split: --split NAME FILE, or --holdout to cut splits from it");
    if (options.splits.count + file_count == 0)
        return usage_error(error, "no file to read: give --split NAME FILE, or --holdout D,T with a FILE");
    if (file_count > QCTX_IMPORT_FILES_MAX)
        return usage_error(error, "more than 32 files; join them first");
    for (int64_t i = 0; i < options.splits.count; i++) {
        job->files[i] =
            (qctx_import_file){options.splits.items[i].name, qctx_options_input(options.splits.items[i].value)};
        if (!qctx_split_name_is_valid(job->files[i].split))
            return qctx_fail(error, QCTX_ERR_USAGE,
                             "import: --split: '%s' cannot be a split's name: expected letters, digits, _ - .",
                             job->files[i].split);
    }
    for (int64_t i = 0; i < file_count; i++)
        job->files[i].path = qctx_options_input(files[i]);
    job->file_count = options.splits.count + file_count;
    return QCTX_OK;
}

/* "NAME" or "NAME=KEY", taken apart in place. */
static qctx_status take_field(char *item, qctx_import_job *job, qctx_error *error)
{
    static const char *const taken[] = {"_id", "title", "text", "title+text"};
    char *key = strchr(item, '=');

    if (key != NULL)
        *key++ = '\0';
    else
        key = item;
    if (item[0] == '\0' || key[0] == '\0')
        return usage_error(error, "--field wants NAME or NAME=KEY");
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(item, taken[i]) == 0)
            return qctx_fail(error, QCTX_ERR_USAGE,
                             "import: --field: '%s' is what every context has; name it otherwise", item);
    if (job->surroundings > 0 && strcmp(item, QCTX_IMPORT_SURROUNDINGS) == 0)
        return usage_error(error, "--field surroundings is what --surroundings makes: give one of them");
    for (int64_t i = 0; i < job->field_count; i++)
        if (strcmp(job->fields[i].name, item) == 0)
            return qctx_fail(error, QCTX_ERR_USAGE, "import: --field: '%s' is given twice", item);
    job->fields[job->field_count].name = item;
    job->fields[job->field_count++].key = key;
    return QCTX_OK;
}

static qctx_status fill_job(const char *const *files, int64_t file_count, qctx_import_job *job, qctx_error *error)
{
    static char columns[1024]; /* the job borrows the names */
    qctx_status status;

    if (options.out == NULL || options.out[0] == '\0')
        return usage_error(error, "--out FOLDER is missing");
    job->folder = options.out;
    job->force = options.force;
    job->paragraph = options.context.value == PARAGRAPH;
    job->strict = options.strict;
    job->radius = options.radius;
    job->surroundings = options.surroundings;
    job->prefix = options.prefix;
    job->history = options.history;
    job->unit = (qctx_holdout_unit)options.by.value;
    job->seed = (uint64_t)options.seed;
    job->format = (qctx_import_format)options.format.value;
    if (job->paragraph && job->radius > 0)
        return usage_error(error, "--radius counts sentences and means nothing with --context paragraph");
    status = parse_holdout(options.holdout, job, error);
    if (status == QCTX_OK && options.columns != NULL) {
        snprintf(columns, sizeof columns, "%s", options.columns);
        status = parse_columns(columns, job, error);
    }
    for (int64_t i = 0; i < options.fields.count && status == QCTX_OK; i++)
        status = take_field(options.fields.items[i], job, error);
    return status == QCTX_OK ? take_files(files, file_count, job, error) : status;
}

/* Prints a row for each file: what became of its questions, and how many of those that were kept were repaired. */
static void print_files(const qctx_import_job *job, const qctx_import_report *report)
{
    int width = 5;

    for (int64_t i = 0; i < job->file_count; i++) {
        const char *name = qctx_path_base(job->files[i].path);
        int length = (int)qctx_shown_columns(name, strlen(name));

        width = length > width ? length : width;
    }
    printf("%-*s  format    read    kept  merged  unanswerable  not found  empty  repaired  new ids\n", width, "file");
    for (int64_t i = 0; i < job->file_count; i++) {
        const qctx_import_counts *counts = &report->files[i];

        qctx_shown_print(stdout,
                         "%-*s  %-6s %7" PRId64 " %7" PRId64 " %7" PRId64 " %13" PRId64 " %10" PRId64 " %6" PRId64
                         " %9" PRId64 " %8" PRId64 "\n",
                         width, qctx_path_base(job->files[i].path), qctx_import_format_names[counts->format],
                         counts->read, counts->kept, counts->merged, counts->unanswerable, counts->not_found,
                         counts->empty, counts->repaired, counts->renamed);
    }
}

/* What the table has no column for, where there is any of it. */
static void print_notes(const char *name, const qctx_import_counts *counts)
{
    const qctx_json_mends *mends = &counts->mends;

    if (mends->numbers + mends->surrogates + mends->nuls > 0)
        qctx_shown_print(stdout,
                         "%s: mended: %" PRId64 " NaN or Infinity, %" PRId64 " lone surrogates, %" PRId64 " NUL\n",
                         name, mends->numbers, mends->surrogates, mends->nuls);
    if (mends->doubled > 0)
        qctx_shown_print(stdout, "%s: mended: %" PRId64 " with a key given twice, of which the last is taken\n", name,
                         mends->doubled);
    if (counts->commas > 0)
        qctx_shown_print(stdout, "%s: mended: %" PRId64 " record%s with a comma behind\n", name, counts->commas,
                         qctx_plural(counts->commas));
    if (counts->malformed > 0)
        qctx_shown_print(stdout, "%s: left out as malformed: %" PRId64 "; the first: %s\n", name, counts->malformed,
                         counts->first_problem.message);
    if (counts->no_pair > 0)
        qctx_shown_print(stdout, "%s: no pairs by their label or score: %" PRId64 "\n", name, counts->no_pair);
    if (counts->negatives > 0)
        qctx_shown_print(stdout, "%s: negatives: %" PRId64 "\n", name, counts->negatives);
    if (counts->unused[0] != '\0')
        qctx_shown_print(stdout, "%s: not used: %s\n", name, counts->unused);
}

/* The negatives of splits have a column where there are any. */
static void print_splits(const qctx_import_report *report)
{
    const bool negatives = report->negatives > 0;

    printf("\n%-16s %9s %9s%s\n", "split", "questions", "contexts", negatives ? " negatives" : "");
    for (int64_t i = 0; i < report->split_count; i++) {
        const qctx_import_split *split = &report->splits[i];

        qctx_shown_print(stdout, "%-16s %9" PRId64 " %9" PRId64, split->name, split->questions, split->contexts);
        if (negatives)
            printf(" %9" PRId64, split->negatives);
        putchar('\n');
    }
}

static void print_field(const char *name, int64_t count)
{
    qctx_shown_print(stdout, "field %s: %" PRId64 " context%s\n", name, count, qctx_plural(count));
}

/* How many contexts have each field. */
static void print_fields(const qctx_import_job *job, const qctx_import_report *report)
{
    bool paragraph = report->paragraphs > 0, surroundings = report->surroundings > 0;

    for (int64_t i = 0; i < job->field_count; i++) {
        print_field(job->fields[i].name, report->fields[i]);
        paragraph = paragraph && strcmp(job->fields[i].name, QCTX_IMPORT_PARAGRAPH) != 0;
        surroundings = surroundings && strcmp(job->fields[i].name, QCTX_IMPORT_SURROUNDINGS) != 0;
    }
    if (paragraph)
        print_field(QCTX_IMPORT_PARAGRAPH, report->paragraphs);
    if (surroundings)
        print_field(QCTX_IMPORT_SURROUNDINGS, report->surroundings);
}

static void print_report(const qctx_import_job *job, const qctx_import_report *report, double seconds)
{
    char duration[32];

    qctx_clock_format(seconds, duration, sizeof duration);
    print_files(job, report);
    for (int64_t i = 0; i < job->file_count; i++)
        print_notes(qctx_path_base(job->files[i].path), &report->files[i]);
    print_splits(report);
    for (int64_t a = 0; a < report->split_count; a++)
        for (int64_t b = a + 1; b < report->split_count; b++)
            if (report->shared[a][b] > 0)
                qctx_shown_print(stdout, "contexts shared by %s and %s: %" PRId64 "\n", report->splits[a].name,
                                 report->splits[b].name, report->shared[a][b]);
    if (report->answering_negatives > 0)
        printf("negatives left out, since they answer their question: %" PRId64 "\n", report->answering_negatives);
    print_fields(job, report);
    qctx_shown_print(stdout, "\n%s: %" PRId64 " question%s, %" PRId64 " context%s, in %s\n", job->folder,
                     report->questions, qctx_plural(report->questions), report->contexts, qctx_plural(report->contexts),
                     duration);
}

/* Warns that --history had no effect, since no file is a dialog. */
static void warn_of_useless_history(const qctx_import_job *job, const qctx_import_report *report)
{
    for (int64_t i = 0; i < job->file_count; i++)
        if (report->files[i].format == QCTX_IMPORT_QUAC)
            return;
    if (job->history > 0)
        qctx_warn("--history had no effect: none of the files is QuAC");
}

static void warn_of_untitled(const qctx_import_job *job, const qctx_import_report *report)
{
    int64_t untitled = 0, kept = 0;

    for (int64_t i = 0; i < job->file_count; i++) {
        untitled += report->files[i].untitled;
        kept += report->files[i].kept;
    }
    if (untitled > 0)
        qctx_warn("--prefix: %" PRId64 " of %" PRId64 " questions have no title to put in front", untitled, kept);
}

static qctx_status import_on_one_rank(const qctx_import_job *job, qctx_error *error)
{
    double started = qctx_clock_seconds();
    qctx_import_report *report = qctx_alloc(1, sizeof *report, "the report", error);
    qctx_status status = report == NULL ? QCTX_ERR_MEMORY : qctx_import_run(job, report, error);

    if (status == QCTX_OK) {
        print_report(job, report, qctx_clock_seconds() - started);
        warn_of_useless_history(job, report);
        warn_of_untitled(job, report);
        if (job->surroundings > 0 && report->surroundings == 0)
            qctx_warn("--surroundings had no effect: no context has another before or after it in its paragraph, or of "
                      "its title");
    } else {
        qctx_hint_place(error, job->folder, "--out FOLDER");
    }
    free(report);
    return status;
}

static qctx_status import(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_import_job job = {0};
    qctx_status status = qctx_agree(comm, fill_job(positional, count, &job, error), error);

    if (status != QCTX_OK)
        return status;
    if (qctx_comm_rank(comm) == 0)
        status = import_on_one_rank(&job, error);
    return qctx_agree(comm, status, error);
}

const qctx_command qctx_cmd_import = {.usage = &usage, .run = import, .stops = true, .writes = true};
