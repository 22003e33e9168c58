#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/cli/commands.h"
#include "qctx/config/config.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/encoders.h"
#include "qctx/linalg/threads.h"

/* How long a rank may be silent; there is no configuration here whose run.hang_timeout could say it. */
enum { HANG_SECONDS = 600 };

static struct {
    const char *out, *config, *fit;
    qctx_option_choice dtype, precision;
    qctx_option_texts encoders;
    const char *weights, *field, *pooling, *question_prompt, *context_prompt, *context_model;
    int64_t dim;
    bool no_titles;
    bool verify;
    bool force;
} options = {.dtype = {qctx_dtype_names, QCTX_FLOAT32}, .precision = {qctx_precision_names, QCTX_PRECISION_FLOAT32}};

static const qctx_option table[] = {
    {"out", QCTX_OPTION_TEXT, &options.out, "FILE", "the store to write, such as stores/squad.h5", 0, 0},
    {"encoder", QCTX_OPTION_TEXTS, &options.encoders, "NAME|FOLDER|STORE",
     "hashing (default), a model folder, or a store whose encoder is used; given several times, joined", 0, 0},
    {"config", QCTX_OPTION_TEXT, &options.config, "FILE",
     "the encoder, its settings and the type of the vectors as this configuration has them", 0, 0},
    {"weights", QCTX_OPTION_TEXT, &options.weights, "W,W,...", "of several encoders, in their order (default: all 1)",
     0, 0},
    {"precision", QCTX_OPTION_CHOICE, &options.precision, NULL, "of a model's products", 0, 0},
    {"dim", QCTX_OPTION_INT, &options.dim, "N",
     "length of a vector: of a model's its first coordinates (matryoshka), or that of hashing alone; 0: the encoder's "
     "own",
     0, 65536},
    {"pooling", QCTX_OPTION_TEXT, &options.pooling, "NAME",
     "mean, cls, max, last or several as cls+max (default: as the model's folder says)", 0, 0},
    {"question-prompt", QCTX_OPTION_TEXT, &options.question_prompt, "TEXT",
     "put before every question, '' for none (default: the model's own)", 0, 0},
    {"context-prompt", QCTX_OPTION_TEXT, &options.context_prompt, "TEXT", "put before every context, likewise", 0, 0},
    {"context-model", QCTX_OPTION_TEXT, &options.context_model, "FOLDER", "another model for contexts", 0, 0},
    {"no-titles", QCTX_OPTION_FLAG, &options.no_titles, NULL,
     "embed the texts of contexts alone, without their titles in front", 0, 0},
    {"field", QCTX_OPTION_TEXT, &options.field, "NAME",
     "what of a context is embedded instead: title, or a key of corpus.jsonl that holds texts, such as paragraph", 0,
     0},
    {"fit", QCTX_OPTION_TEXT, &options.fit, "SPLIT",
     "the split whose contexts hashing learns from (default train, or all contexts where there is no train)", 0, 0},
    {"dtype", QCTX_OPTION_CHOICE, &options.dtype, NULL, "how vectors are stored", 0, 0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a store of the same name", 0, 0},
    {"verify", QCTX_OPTION_FLAG, &options.verify, NULL,
     "write nothing, but read a store, named in the corpus' place, and hold it against its checksums", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "embed",
    .brief = "encode a corpus into an embedding store",
    .arguments = "CORPUS --out FILE",
    .summary = "Encodes the questions and contexts of a corpus into an embedding store.",
    .details = "  mpirun -np 4 qctx-dist embed corpora/squad --out stores/squad.h5\n"
               "  qctx-dist embed corpora/mine --out stores/mine.h5 --encoder stores/squad.h5\n"
               "  qctx-dist embed corpora/squad --out s.h5 --encoder models/minilm\n"
               "  qctx-dist embed corpora/squad --out s.h5 --config configs/minilm.yaml\n"
               "  qctx-dist embed --verify stores/squad.h5\n"
               "\n"
               "A model folder is one of sentence-transformers, OpenCLIP or Hugging Face. The\n"
               "store is an HDF5 file that h5py opens; qctx-dist info describes it.\n"
               "\n"
               "Interrupted or killed, the same command goes on where it was, on any number of\n"
               "ranks; until then its work is in FILE.partial and FILE.journal.\n"
               "\n"
               "--encoder STORE puts a corpus beside one that is embedded already: both must\n"
               "be encoded alike, with what the encoder learnt from the first.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 1,
};

/* Local. */
static qctx_status check_options(qctx_error *error)
{
    if (options.verify && (options.out != NULL || options.config != NULL || options.encoders.count > 0)) {
        qctx_fail(error, QCTX_ERR_USAGE, "embed: --verify writes no store, and needs no encoder");
        return qctx_hint(error, "give it the store alone: embed --verify stores/squad.h5");
    }
    if (options.out == NULL && !options.verify) {
        qctx_fail(error, QCTX_ERR_USAGE, "embed: --out is missing");
        return qctx_hint(error, "name the store to write: --out stores/squad.h5");
    }
    if (options.config != NULL &&
        (options.encoders.count > 0 || options.weights != NULL || options.pooling != NULL ||
         options.question_prompt != NULL || options.context_prompt != NULL || options.context_model != NULL ||
         options.dim > 0 || options.no_titles || options.field != NULL)) {
        qctx_fail(error, QCTX_ERR_USAGE, "embed: --config describes the encoder, and so do other options");
        return qctx_hint(error, "give the configuration, or --encoder with its settings");
    }
    return QCTX_OK;
}

/* Looks on rank 0 whether the store may be written; of one that is in the way, whether titles make it another. */
static qctx_status check_output(qctx_comm *comm, bool titles, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(comm) == 0)
        status = qctx_output_check(options.out, options.force, error);
    if (status == QCTX_ERR_EXISTS) {
        qctx_error differs = {0};

        qctx_encoders_check_titles(options.out, qctx_store_titles_at(options.out), titles,
                                   titles ? "this command puts them in front" : "this command leaves them out",
                                   &differs);
        if (differs.code != QCTX_OK)
            qctx_error_append(error, "%-s", differs.message);
    }
    return qctx_agree(comm, status, error);
}

/* A store that brings the encoder must have been embedded alike: vectors of both are to be compared. Collective. */
static qctx_status check_reference(qctx_comm *comm, const qctx_encoder_spec *spec, bool titles, qctx_error *error)
{
    const char *first = spec->encoders[0].model;
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(comm) == 0 && spec->count == 1 && spec->encoders[0].field == NULL && qctx_store_is(first))
        status =
            qctx_encoders_check_titles(first, qctx_store_titles_at(first), titles,
                                       titles ? "titles are to be put in front" : "titles are to be left out", error);
    if (status != QCTX_OK)
        qctx_hint(error, "%s",
                  titles ? "--no-titles (data.titles: false) embeds this corpus alike"
                         : "without --no-titles (data.titles: true) this corpus is embedded alike");
    return qctx_agree(comm, status, error);
}

/* The configuration of --config, whose encoder must be known before training. Collective. */
static qctx_status load_config(qctx_comm *comm, qctx_config *config, qctx_error *error)
{
    /* Its sources may be left to the command line of train: any will do, for none is read. */
    static const char *const sources[] = {"data.train=[{corpus: none}]", "data.eval=[]"};
    qctx_status status = qctx_config_load(comm, qctx_options_input(options.config), sources, 2, config, error);

    if (status != QCTX_OK || !config->encoder.tune)
        return status;
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: encoder.tune: weights are chosen when a run opens its corpora",
              options.config);
    return qctx_hint(error, "let train embed the corpus, or give --encoder for each part, with --weights");
}

/* weights [QCTX_OPTION_TEXTS_MAX] = the numbers of --weights, `*count` of them. Local. */
static qctx_status read_weights(double *weights, int64_t *count, qctx_error *error)
{
    const char *text = options.weights;

    *count = 0;
    while (text != NULL && *count < QCTX_OPTION_TEXTS_MAX) {
        char *end;
        double weight = strtod(text, &end);

        if (end == text || (*end != ',' && *end != '\0') || !isfinite(weight) || weight < 0)
            return qctx_fail(error, QCTX_ERR_USAGE, "embed: --weights: '%s' is not a list of numbers, such as 1,0.5",
                             options.weights);
        weights[(*count)++] = weight;
        text = *end == ',' ? end + 1 : NULL;
    }
    if (options.weights != NULL && (*count != options.encoders.count || *count < 2 || text != NULL)) {
        qctx_fail(error, QCTX_ERR_USAGE, "embed: --weights wants one number for each of several --encoder");
        return qctx_hint(error, "such as --encoder hashing --encoder models/minilm --weights 1,0.5");
    }
    return QCTX_OK;
}

static const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

/* --dim is the length of a built-in encoder's vectors where it stands alone, else that of a model's. */
static void set_dim(qctx_encoder_spec *spec)
{
    bool built_in_alone = spec->count == 1 && qctx_name_find(qctx_encoder_built_in_names, spec->encoders[0].model) >= 0;

    *(built_in_alone ? &spec->built_in_dim : &spec->dim) = options.dim;
}

/* What the options say of encoders; both arrays [QCTX_OPTION_TEXTS_MAX] hold what it borrows. Local. */
static qctx_status spec_of_options(qctx_encoder_entry *entries, double *weights, qctx_encoder_spec *spec,
                                   qctx_error *error)
{
    static char hashing[] = "hashing";

    if (options.encoders.count == 0)
        options.encoders.items[options.encoders.count++] = hashing;
    for (int64_t i = 0; i < options.encoders.count; i++)
        entries[i] = (qctx_encoder_entry){options.encoders.items[i], (char *)options.field, 1.0};
    *spec = (qctx_encoder_spec){
        .command_line = true,
        .count = options.encoders.count,
        .encoders = entries,
        .titles = !options.no_titles,
        .weights = weights,
        .precision = (qctx_precision)options.precision.value,
        .pooling = text_or(options.pooling, ""),
        .question_prompt = text_or(options.question_prompt, QCTX_PROMPT_OF_MODEL),
        .context_prompt = text_or(options.context_prompt, QCTX_PROMPT_OF_MODEL),
        .context_model = text_or(options.context_model, ""),
    };
    set_dim(spec);
    return read_weights(weights, &spec->weight_count, error);
}

/* Whether the corpus has the split that --fit names. Collective. */
static qctx_status check_fit(qctx_comm *comm, const qctx_corpus *corpus, qctx_error *error)
{
    bool there = options.fit == NULL || qctx_corpus_split(corpus, options.fit, error) != NULL;

    return qctx_agree(comm, there ? QCTX_OK : QCTX_ERR_DATA, error);
}

/* The encoder that options or configuration describe, fitted on the corpus where it learns. Collective. */
static qctx_status make_encoder(qctx_comm *comm, const qctx_corpus *corpus, const qctx_config *config, bool titles,
                                qctx_encoder **encoder, qctx_error *error)
{
    const qctx_fit_source source = {corpus, text_or(options.fit, "train")};
    qctx_encoder_entry entries[QCTX_OPTION_TEXTS_MAX];
    double weights[QCTX_OPTION_TEXTS_MAX];
    qctx_encoder_spec spec;
    bool learns = false;
    qctx_status status = QCTX_OK;

    if (config != NULL)
        spec = qctx_config_encoder_spec(config);
    else
        status = qctx_agree(comm, spec_of_options(entries, weights, &spec, error), error);
    if (status == QCTX_OK)
        status = check_reference(comm, &spec, titles, error);
    if (status == QCTX_OK)
        status = qctx_encoders_open(comm, &spec, encoder, &learns, error);
    return status == QCTX_OK && learns ? qctx_embed_fit(comm, *encoder, &source, 1, titles, error) : status;
}

/* Opening a store verifies it. Collective. */
static qctx_status verify(qctx_comm *comm, const char *path, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open_contexts(comm, path, &store, error);

    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        printf("version %lld, verified: %s\n", (long long)qctx_store_version(store),
               qctx_verified_names[qctx_store_verified(store)]);
    qctx_store_close(store);
    return status;
}

static qctx_status embed(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_embed_request request = {.dtype = (qctx_dtype)options.dtype.value,
                                  .titles = !options.no_titles,
                                  .path = options.out,
                                  .force = options.force,
                                  /* What another store's encoder takes was nobody's choice here. */
                                  .may_lack = options.config == NULL && options.field == NULL};
    qctx_corpus *corpus = NULL;
    qctx_config config = {0};
    qctx_status status;

    (void)count;
    qctx_comm_set_hang_timeout(HANG_SECONDS);
    qctx_comm_set_phase("embedding");
    status = check_options(error);
    if (status == QCTX_OK && options.verify)
        return verify(comm, positional[0], error);
    if (status == QCTX_OK && options.config != NULL) {
        status = load_config(comm, &config, error);
        request.dtype = config.data.dtype;
        request.titles = config.data.titles;
    }
    if (status == QCTX_OK)
        status = check_output(comm, request.titles, error);
    if (status == QCTX_OK)
        status = qctx_corpus_open(comm, positional[0], &corpus, error);
    if (status == QCTX_OK)
        status = check_fit(comm, corpus, error);
    if (status == QCTX_OK)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK)
        status = make_encoder(comm, corpus, options.config != NULL ? &config : NULL, request.titles, &request.encoder,
                              error);
    request.corpus = corpus;
    if (status == QCTX_OK)
        status = qctx_embed_corpus(comm, &request, error);
    if (status != QCTX_OK)
        qctx_hint_place(error, options.out, "--out FILE");
    if (status == QCTX_STOPPED)
        qctx_hint(error, "the same command goes on from there");
    qctx_encoder_destroy(request.encoder);
    qctx_corpus_destroy(corpus);
    qctx_config_free(&config);
    return status;
}

const qctx_command qctx_cmd_embed = {.usage = &usage, .run = embed, .stops = true, .writes = true};
