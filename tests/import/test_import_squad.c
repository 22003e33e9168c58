/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"

/* One article with one paragraph; its context and questions are JSON texts to be filled in. */
#define SQUAD(context, qas)                                                                                            \
    "{\"version\": \"1.1\", \"data\": [{\"title\": \"Old_Town\", \"paragraphs\": [{\"context\": \"" context            \
    "\", \"qas\": [" qas "]}]}]}"
#define QA(id, question, text, start)                                                                                  \
    "{\"id\": \"" id "\", \"question\": \"" question "\", \"answers\": [{\"text\": \"" text                            \
    "\", \"answer_start\": " #start "}]}"

/* Sentences begin at code points 0, 19, 39 and 62. */
#define TOWN "The town is old \xF0\x9F\x98\x80. It has two bridges. The mayor is Ana\xC3\xAFs.  \\n Nobody knows why."

/* clang-format off */
#define TOWN_QUESTIONS                                                                                                 \
    QA("q1", "How old?", "old", 12) ","                                                                                \
    QA("q2", "How many bridges?", "two bridges", 26) ","                                                               \
    QA("q3", "Who rules?", "Ana\xC3\xAFs", 52) ","                                                                     \
    QA("q4", "What is known?", "Nobody knows why.", 62) ","                                                            \
    QA("q5", "What of town and bridges?", "\xF0\x9F\x98\x80. It has", 16)
/* clang-format on */

static void takes_the_sentence_of_the_answer(void **state)
{
    qctx_import_job job = probe_job("a.json", SQUAD(TOWN, TOWN_QUESTIONS));
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_string_equal(probe_context(corpus, "train", "q1", 0), "The town is old \xF0\x9F\x98\x80.");
    assert_string_equal(probe_context(corpus, "train", "q2", 0), "It has two bridges.");
    assert_string_equal(probe_context(corpus, "train", "q3", 0), "The mayor is Ana\xC3\xAFs.");
    assert_string_equal(probe_context(corpus, "train", "q4", 0), "Nobody knows why.");
    assert_string_equal(probe_context(corpus, "train", "q5", 0),
                        "The town is old \xF0\x9F\x98\x80. It has two bridges.");
    assert_int_equal(probe_report.files[0].read, 5);
    assert_int_equal(probe_report.files[0].kept, 5);
    assert_int_equal(probe_report.files[0].repaired, 0);
    assert_int_equal(probe_report.files[0].format, QCTX_IMPORT_SQUAD);
    assert_string_equal(corpus->contexts[0].title, "Old Town"); /* the page Old_Town */
    qctx_corpus_destroy(corpus);
}

static void widens_by_radius_or_to_the_paragraph(void **state)
{
    const char *text = SQUAD(TOWN, QA("q1", "How old?", "old", 12) "," QA("q3", "Who rules?", "Ana\xC3\xAFs", 52));
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus;

    (void)state;
    job.radius = 1;
    corpus = probe_run(&job);
    assert_string_equal(probe_context(corpus, "train", "q1", 0),
                        "The town is old \xF0\x9F\x98\x80. It has two bridges.");
    assert_string_equal(probe_context(corpus, "train", "q3", 0),
                        "It has two bridges. The mayor is Ana\xC3\xAFs.\nNobody knows why.");
    qctx_corpus_destroy(corpus);

    job.radius = 1000000;
    corpus = probe_run(&job);
    assert_int_equal(corpus->context_count, 1);
    qctx_corpus_destroy(corpus);

    job.radius = 0;
    job.paragraph = true;
    corpus = probe_run(&job);
    assert_int_equal(corpus->context_count, 1);
    assert_string_equal(
        corpus->contexts[0].text,
        "The town is old \xF0\x9F\x98\x80. It has two bridges. The mayor is Ana\xC3\xAFs.\nNobody knows why.");
    qctx_corpus_destroy(corpus);
}

/* clang-format off */
#define CRITTERS "A cat sat. The dog ran. One cat slept. A bird flew."
#define CRITTER_QUESTIONS                                                                                              \
    QA("near", "Which?", "cat", 27) ","                                                                                \
    QA("first", "Which now?", "cat", 8) ","                                                                            \
    QA("negative", "Which cat?", "cat", -5) ","                                                                        \
    QA("huge", "Last cat?", "cat", 9223372036854775807) ","                                                            \
    QA("gone", "Fish?", "fish", 3) ","                                                                                 \
    QA("blank", " \\t", "dog", 15) ","                                                                                 \
    QA("noanswer", "What?", " ", 1) ","                                                                                \
    "{\"id\": \"none\", \"question\": \"Why?\", \"answers\": []},"                                                     \
    "{\"id\": \"never\", \"question\": \"Why not?\", \"is_impossible\": true},"                                        \
    "{\"id\": \"odd\", \"question\": \"How?\", \"is_impossible\": true,"                                               \
    " \"answers\": [{\"text\": \"dog\", \"answer_start\": 15}]}"
/* clang-format on */

static void repairs_what_it_can_and_counts_the_rest(void **state)
{
    qctx_import_job job = probe_job("a.json", SQUAD(CRITTERS, CRITTER_QUESTIONS));
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_string_equal(probe_context(corpus, "train", "near", 0), "One cat slept.");
    assert_string_equal(probe_context(corpus, "train", "first", 0), "A cat sat.");
    assert_string_equal(probe_context(corpus, "train", "negative", 0), "A cat sat.");
    assert_string_equal(probe_context(corpus, "train", "huge", 0), "One cat slept.");
    assert_int_equal(corpus->question_count, 4);
    assert_int_equal(probe_report.files[0].read, 10);
    assert_int_equal(probe_report.files[0].kept, 4);
    assert_int_equal(probe_report.files[0].repaired, 4);
    assert_int_equal(probe_report.files[0].not_found, 1);
    assert_int_equal(probe_report.files[0].empty, 2);
    assert_int_equal(probe_report.files[0].unanswerable, 3);
    qctx_corpus_destroy(corpus);
}

/* clang-format off */
#define RAN "\"answers\": [{\"text\": \"dog\", \"answer_start\": 15}]}"
#define PET_QUESTIONS                                                                                                  \
    QA("x", "Who sat?", "cat", 2) ","                                                                                  \
    QA("y", "Who  sat? ", "A cat", 0) ","                                                                              \
    QA("x", "Who ran?", "dog", 15) ","                                                                                 \
    QA("x-2", "Who else?", "dog", 15) ","                                                                              \
    "{\"id\": 17, \"question\": \"Who sat?\", " RAN ","                                                                \
    "{\"question\": \"No id?\", " RAN ","                                                                              \
    "{\"id\": \"two words\", \"question\": \"Spaced?\", " RAN
/* clang-format on */

static void merges_what_is_equal_and_keeps_ids_unique(void **state)
{
    qctx_import_job job = probe_job("a.json", SQUAD("A cat sat. The dog ran.", PET_QUESTIONS));
    qctx_corpus *corpus;

    (void)state;
    test_write(test_path("b.json"), SQUAD("The dog ran.", QA("x", "Who ran?", "dog", 4)));
    job.files[1] = (qctx_import_file){"dev", test_path("b.json")};
    job.file_count = 2;
    corpus = probe_run(&job);
    assert_int_equal(corpus->context_count, 2);
    assert_string_equal(corpus->contexts[0].id, "c0");
    assert_string_equal(corpus->contexts[1].id, "c1");
    assert_int_equal(corpus->question_count, 7);
    assert_string_equal(probe_context(corpus, "train", "x", 0), "A cat sat.");
    assert_string_equal(probe_context(corpus, "train", "x-2", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "x-2-2", 0), "The dog ran.");
    assert_string_equal(corpus->questions[probe_question(corpus, "x-2-2")].text, "Who else?");
    assert_string_equal(probe_context(corpus, "train", "17", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "q4", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "two_words", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "dev", "x-3", 0), "The dog ran.");
    assert_int_equal(probe_report.files[0].merged, 1);
    assert_int_equal(probe_report.files[0].renamed, 2);
    assert_int_equal(probe_report.files[1].renamed, 1);
    assert_int_equal(probe_report.shared[0][1], 1);
    assert_int_equal(probe_report.shared[1][0], 1);
    assert_int_equal(probe_report.splits[0].contexts, 2);
    assert_int_equal(probe_report.splits[1].contexts, 1);
    qctx_corpus_destroy(corpus);
}

/* As QuestionContext's dataloader.py had it: title.replace("_", " "). */
static void puts_the_title_in_front(void **state)
{
    qctx_import_job job = probe_job("a.json", SQUAD("A cat sat.", QA("q", "Who sat?", "cat", 2)));
    qctx_corpus *corpus;

    (void)state;
    job.prefix = true;
    corpus = probe_run(&job);
    assert_string_equal(corpus->questions[0].text, "This is a question about Old Town. Who sat?");
    qctx_corpus_destroy(corpus);
}

#define TURN(id, question, text, start)                                                                                \
    "{\"id\": \"" id "\", \"question\": \"" question                                                                   \
    "\", \"followup\": \"m\", \"yesno\": \"x\", \"answers\": [{\"text\": \"" text "\", \"answer_start\": " #start      \
    "}], \"orig_answer\": {\"text\": \"" text "\", \"answer_start\": " #start "}}"
#define QUAC(title, section)                                                                                           \
    "{\"data\": [{\"title\": \"" title "\", \"section_title\": \"" section                                             \
    "\", \"background\": \"\", \"paragraphs\": [{\"id\": \"p\", \"context\": \"A cat sat. The dog ran. CANNOTANSWER\"" \
    ", \"qas\": [" TURN("t0", "Who sat?", "cat", 2) "," TURN("t1", "Why?", "CANNOTANSWER",                             \
                                                             24) "," TURN("t2", "Who ran?", "dog ran.", 15) "]}]}]}"

static void reads_dialogs(void **state)
{
    qctx_import_job job = probe_job("q.json", QUAC("Pets", "At home"));
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(probe_report.files[0].format, QCTX_IMPORT_QUAC);
    assert_int_equal(probe_report.files[0].unanswerable, 1);
    assert_string_equal(probe_context(corpus, "train", "t2", 0), "The dog ran.");
    assert_string_equal(corpus->questions[1].text, "Who ran?");
    qctx_corpus_destroy(corpus);

    job.prefix = true;
    job.history = 1;
    job.radius = 5;
    corpus = probe_run(&job);
    assert_string_equal(corpus->questions[0].text, "This is a question about Pets. Specifically, At home. Who sat?");
    assert_string_equal(corpus->questions[1].text,
                        "This is a question about Pets. Specifically, At home. Why? Who ran?");
    assert_string_equal(corpus->contexts[0].text, "A cat sat. The dog ran.");
    qctx_corpus_destroy(corpus);

    job.history = 1000000;
    job.paragraph = true;
    test_write(job.files[0].path, QUAC("", "At home"));
    corpus = probe_run(&job);
    assert_string_equal(corpus->questions[1].text, "Who sat? Why? Who ran?");
    assert_string_equal(corpus->contexts[0].text, "A cat sat. The dog ran.");
    qctx_corpus_destroy(corpus);
}

static void names_the_place_of_a_wrong_schema(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"a\": 1}\n", "a.json:1: the key 'question' is missing"}, /* one object on a line is taken for JSONL */
        {"{\n\"a\": 1}\n", "a.json: the key 'data' is missing"},
        {"[1]", "a.json: [0]: found an integer, expected an object"},
        {"\n[1]", "a.json: [0]: found an integer, expected an object"},
        {"{\"data\": {}}", "a.json: 'data' is an object, expected an array"},
        {"{\"data\": [7]}", "data[0]: found an integer"},
        {"{\"data\": [{\"title\": [], \"paragraphs\": []}]}", "data[0]: 'title' is an array"},
        {"{\"data\": [{\"paragraphs\": \"x\"}]}", "data[0]: 'paragraphs' is a string, expected an array"},
        {"{\"data\": [{\"paragraphs\": [{\"qas\": []}]}]}", "data[0].paragraphs[0]: the key 'context' is missing"},
        {"{\"data\": [{\"paragraphs\": [{\"context\": \"x\"}]}]}", "data[0].paragraphs[0]: the key 'qas' is missing"},
        {SQUAD("A cat.", QA("q", "Who?", "cat", 2) ", 5"), "data[0].paragraphs[0].qas[1]: found an integer"},
        {SQUAD("A cat.", "{\"id\": \"q\", \"answers\": []}"), "qas[0]: the key 'question' is missing"},
        {SQUAD("A cat.", "{\"id\": [], \"question\": \"?\", \"answers\": []}"), "qas[0]: 'id' is an array"},
        {SQUAD("A cat.", "{\"question\": \"?\"}"), "qas[0]: the key 'answers' is missing"},
        {SQUAD("A cat.", "{\"question\": \"?\", \"answers\": [\"cat\"]}"),
         "qas[0]: found a string, expected an object"},
        {SQUAD("A cat.", "{\"question\": \"?\", \"answers\": [{\"text\": \"cat\"}]}"), "'answer_start' is nothing"},
        {SQUAD("A cat.", QA("q", "Who?", "cat", 2.0)), "'answer_start' is a number, expected an integer"},
        {SQUAD("A cat.", QA("q", "Who?", "cat", 99999999999999999999)),
         "a.json: data[0].paragraphs[0].qas[0]: 'answer_start' is a number, expected an integer"},
        {SQUAD("A cat.", "{\"question\": \"?\", \"is_impossible\": \"no\"}"), "'is_impossible' is a string"},
        {SQUAD("A cat \\ud83d.", QA("q", "Who?", "cat", 2)), "a.json:1:"},
        {SQUAD("A cat \\u0000.", QA("q", "Who?", "cat", 2)), "a.json:1:"},
        {SQUAD("A cat \xE9.", QA("q", "Who?", "cat", 2)), "a.json:1:"},
        {"{\"data\": [{\"title\": \"cut", "a.json:1:"},
        {"", "no text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_import_job job = probe_job("a.json", cases[i].text);

        job.strict = true;
        probe_fails(job, QCTX_ERR_FORMAT, cases[i].expected);
    }
}

/* Twelve characters of two UTF-16 units and four bytes each stand before; the second Ada is nearer to each offset. */
#define PARTY                                                                                                          \
    "\xF0\x9F\x8E\x89\xF0\x9F\x8E\x89\xF0\x9F\x8E\x89\xF0\x9F\x8E\x89 \xC3\x84lter. Bo sang. Bo sat near the door."
static void takes_offsets_in_other_units_before_the_nearest_occurrence(void **state)
{
    /* "Bo sang" begins at code point 12, UTF-16 unit 16, byte 25; "Bo sat" at code point 21, unit 25, byte 34. */
    qctx_import_job job = probe_job(
        "a.json", SQUAD(PARTY, QA("points", "Who sang?", "Bo", 12) "," QA("units", "Who sang there?", "Bo",
                                                                          16) "," QA("near", "Who sat?", "Bo", 22)));
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_string_equal(probe_context(corpus, "train", "points", 0), "Bo sang.");
    assert_string_equal(probe_context(corpus, "train", "units", 0), "Bo sang.");
    assert_string_equal(probe_context(corpus, "train", "near", 0), "Bo sat near the door.");
    assert_int_equal(probe_report.files[0].repaired, 2);
    qctx_corpus_destroy(corpus);

    /* In bytes: 34 is the second one; as code points 34 stands in "near the door". */
    job =
        probe_job("b.json", SQUAD(PARTY, QA("bytes", "Who sat?", "Bo sat", 34) "," QA("first", "Who sang?", "Bo", 25)));
    corpus = probe_run(&job);
    assert_string_equal(probe_context(corpus, "train", "bytes", 0), "Bo sat near the door.");
    /* 25 fits in UTF-16 units, at the second Bo, and in bytes at the first: units are asked first. */
    assert_string_equal(probe_context(corpus, "train", "first", 0), "Bo sat near the door.");
    qctx_corpus_destroy(corpus);
}

#define HUB(id, question, texts, starts)                                                                               \
    "{\"id\": \"" id                                                                                                   \
    "\", \"title\": \"Old_Quay\", \"context\": \"A barge came. It left on Friday.\", \"question\": \"" question        \
    "\", \"answers\": {\"text\": [" texts "], \"answer_start\": [" starts "]}}"
#define HUB_ALL                                                                                                        \
    HUB("a", "What came?", "\"barge\"", "2")                                                                           \
    "%s" HUB("b", "What sank?", "", "") "%s" HUB("c", "When did it leave?", "\"at noon\", \"Friday\"", "1, 25")

static void reads_squad_without_paragraphs(void **state)
{
    static const struct {
        const char *file, *before, *between, *after;
        qctx_import_format format;
    } cases[] = {
        {"a.jsonl", "", "\n", "\n", QCTX_IMPORT_JSONL},
        {"b.json", "[", ", ", "]", QCTX_IMPORT_JSON},
        {"c.json", "{\"version\": 2.0, \"data\": [\n", ",\n", "]}", QCTX_IMPORT_JSON},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char records[1200], text[1400];
        qctx_import_job job;
        qctx_corpus *corpus;

        snprintf(records, sizeof records, HUB_ALL, cases[i].between, cases[i].between);
        snprintf(text, sizeof text, "%s%s%s", cases[i].before, records, cases[i].after);
        job = probe_job(cases[i].file, text);
        corpus = probe_run(&job);
        assert_int_equal(probe_report.files[0].format, cases[i].format);
        assert_int_equal(probe_report.files[0].read, 3);
        assert_int_equal(probe_report.files[0].kept, 2);
        assert_int_equal(probe_report.files[0].unanswerable, 1);
        assert_int_equal(probe_report.files[0].repaired, 0);
        assert_string_equal(probe_context(corpus, "train", "a", 0), "A barge came.");
        assert_string_equal(probe_context(corpus, "train", "c", 0), "It left on Friday.");
        assert_string_equal(corpus->contexts[0].title, "Old Quay");
        qctx_corpus_destroy(corpus);
    }
}

/* clang-format off */
#define SHAPES                                                                                                         \
    "[{\"title\": \"t\", \"paragraphs\": ["                                                                            \
    "{\"context\": \"Nothing is asked here.\"},"                                                                       \
    "{\"qas\": []},"                                                                                                   \
    "{\"context\": \"A cat sat. The dog ran.\", \"qas\": ["                                                            \
    "{\"id\": \"later\", \"question\": \"Who ran?\", \"answers\": ["                                                   \
    "{\"text\": \"a fox\", \"answer_start\": 0}, {\"text\": \"dog\", \"answer_start\": 15}]},"                         \
    "{\"id\": \"bare\", \"question\": \"Who?\"},"                                                                      \
    "{\"id\": \"same\", \"question\": \"Who sat?\", \"answers\": [{\"text\": \"cat\", \"answer_start\": 2}]},"         \
    "{\"id\": \"same\", \"question\": \"Who sat?\", \"answers\": [{\"text\": \"cat\", \"answer_start\": 2}]},"         \
    "{\"id\": \"object\", \"question\": \"What ran?\", \"answers\": {\"text\": [\"dog\"], \"answer_start\": [15]}}"    \
    "]}]}]"
/* clang-format on */

static void keeps_the_others_beside_what_is_malformed(void **state)
{
    qctx_import_job job = probe_job("a.json", SHAPES);
    const qctx_import_counts *counts = &probe_report.files[0];
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(counts->format, QCTX_IMPORT_SQUAD);
    assert_int_equal(counts->malformed, 3);
    assert_contains(counts->first_problem.message, "a.json: [0].paragraphs[0]: the key 'qas' is missing");
    assert_int_equal(counts->read, 4);
    assert_int_equal(counts->kept, 3);
    assert_int_equal(counts->merged, 1);
    assert_string_equal(probe_context(corpus, "train", "later", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "same", 0), "A cat sat.");
    assert_string_equal(probe_context(corpus, "train", "object", 0), "The dog ran.");
    assert_int_equal(corpus->question_count, 3);
    qctx_corpus_destroy(corpus);

    job.strict = true;
    probe_fails(job, QCTX_ERR_FORMAT, "[0].paragraphs[0]: the key 'qas' is missing");
}

static void refuses_a_split_without_questions(void **state)
{
    qctx_import_job job = probe_job("a.json", "{\"data\": []}");

    (void)state;
    probe_fails(job, QCTX_ERR_DATA, "split 'train'");
    probe_fails(probe_job("b.json", SQUAD("A cat.", "{\"question\": \"?\", \"answers\": []}")), QCTX_ERR_DATA,
                "of 1 read, 1 are unanswerable");
    job.files[0].path = test_path("absent.json");
    probe_fails(job, QCTX_ERR_IO, "absent.json");
    job.files[0].path = test_folder();
    probe_fails(job, QCTX_ERR_IO, "directory");
}

static void nests_without_end(void **state)
{
    static char deep[100001];
    qctx_import_job job;

    (void)state;
    memset(deep, '[', sizeof deep - 1);
    job = probe_job("deep.json", deep);
    job.format = QCTX_IMPORT_SQUAD;
    probe_fails(job, QCTX_ERR_FORMAT, "depth");
}

/* Figures that the data's own description gives. */
static void counts_real_data(void **state)
{
    static const struct {
        const char *file;
        int64_t read, answerable;
    } cases[] = {
        {"squad/dev-v1.1.json", 10570, 10570},
        {"squad/dev-v2.0.json", 11873, 5928},
        {"squad/dev-v2.0-half-verbatim.json", 6078, 2910},
        {"quac/val_v0.2-first-turns.json", 3000, 2549},
        {"quac/val_v0.2-sample.json", 41, 31},
        {"quac/train_v0.2-sample.json", 39, 35},
        {"edge/covidqa.json", 1380, 1380},
        {"edge/policyqa-dev.json", 3809, 3809},
    };
    const char *data = test_data_folder();
    char path[1200];

    (void)state;
    if (data == NULL)
        test_skip("no real data");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_import_job job = probe_job("unused", "");
        const qctx_import_counts *counts = &probe_report.files[0];

        snprintf(path, sizeof path, "%s/%s", data, cases[i].file);
        job.files[0].path = path;
        qctx_corpus_destroy(probe_run(&job));
        assert_int_equal(counts->read, cases[i].read);
        assert_int_equal(counts->kept + counts->merged, cases[i].answerable);
        assert_int_equal(counts->unanswerable, cases[i].read - cases[i].answerable);
        if (strstr(cases[i].file, "squad") != NULL)
            assert_int_equal(counts->repaired, 0);
    }
    snprintf(path, sizeof path, "%s/edge/friendsqa-dev.json", data);
    qctx_import_job job = probe_job("unused", "");
    job.files[0].path = path;
    probe_fails(job, QCTX_ERR_FORMAT, "data[0].paragraphs[0]: the key 'context' is missing");
}

/* The sentence of an answer does not end behind a title before a name, in SQuAD and QuAC alike. */
static void cuts_no_sentence_behind_an_abbreviation(void **state)
{
    static const char *const marks[] = {"", ", \"followup\": \"y\""};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char text[500];
        qctx_import_job job;
        qctx_corpus *corpus;

        snprintf(
            text, sizeof text,
            "{\"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"It rained. Then Dr. Ames came with Mrs. "
            "Lee. They left.\", \"qas\": [{\"id\": \"1\", \"question\": \"Who?\", \"answers\": [{\"text\": \"Lee\", "
            "\"answer_start\": 40}]%s}]}]}]}",
            marks[i]);
        job = probe_job("a.json", text);
        corpus = probe_run(&job);
        assert_int_equal(probe_report.files[0].format, i == 0 ? QCTX_IMPORT_SQUAD : QCTX_IMPORT_QUAC);
        assert_int_equal(probe_report.files[0].repaired, 0);
        assert_string_equal(corpus->contexts[0].text, "Then Dr. Ames came with Mrs. Lee.");
        qctx_corpus_destroy(corpus);
    }
}

/* Nothing that needs no answer keeps the others from being read. */
static void takes_titles_and_answers_of_other_types(void **state)
{
    qctx_import_job job = probe_job(
        "a.json",
        "{\"data\": [{\"title\": 1984, \"paragraphs\": [{\"context\": \"A cat sat. The dog ran.\", \"qas\": ["
        "{\"id\": 1, \"question\": \"Who sat?\", \"answers\": null},"
        "{\"id\": 2, \"question\": \"Who ate?\", \"is_impossible\": \"true\", \"answers\": []},"
        "{\"id\": 3, \"question\": \"Who ran?\", \"is_impossible\": \"false\", \"answers\": [\"dog\"]}]}]},"
        "{\"paragraphs\": [{\"qas\": []}, {\"context\": \"A bird flew.\", \"qas\": ["
        "{\"id\": 4, \"question\": \"Who flew?\", \"answers\": [{\"text\": \"bird\", \"answer_start\": \"2\"}]}"
        "]}]}]}");
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(probe_report.files[0].kept, 2);
    assert_int_equal(probe_report.files[0].unanswerable, 2);
    assert_int_equal(probe_report.files[0].malformed, 1);
    assert_contains(probe_report.files[0].first_problem.message, "data[1].paragraphs[0]: the key 'context' is missing");
    assert_string_equal(probe_context(corpus, "train", "3", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "4", 0), "A bird flew.");
    assert_string_equal(corpus->contexts[0].title, "1984");
    assert_string_equal(corpus->contexts[1].title, "");
    qctx_corpus_destroy(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_the_sentence_of_the_answer),
    cmocka_unit_test(widens_by_radius_or_to_the_paragraph),
    cmocka_unit_test(repairs_what_it_can_and_counts_the_rest),
    cmocka_unit_test(merges_what_is_equal_and_keeps_ids_unique),
    cmocka_unit_test(puts_the_title_in_front),
    cmocka_unit_test(reads_dialogs),
    cmocka_unit_test(names_the_place_of_a_wrong_schema),
    cmocka_unit_test(takes_offsets_in_other_units_before_the_nearest_occurrence),
    cmocka_unit_test(reads_squad_without_paragraphs),
    cmocka_unit_test(takes_titles_and_answers_of_other_types),
    cmocka_unit_test(cuts_no_sentence_behind_an_abbreviation),
    cmocka_unit_test(keeps_the_others_beside_what_is_malformed),
    cmocka_unit_test(refuses_a_split_without_questions),
    cmocka_unit_test(nests_without_end),
    cmocka_unit_test(counts_real_data),
};
TEST_MAIN(tests)
