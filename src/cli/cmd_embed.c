#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/cli/commands.h"
#include "qctx/engine/embed.h"
#include "qctx/platform/topology.h"

static struct {
    const char *out, *encoder, *fit, *dtype;
    int64_t dim;
    bool force;
} options = {NULL, "hashing", "train", "float32", 0, false};

static const qctx_option table[] = {
    {"out", QCTX_OPTION_TEXT, &options.out, "FILE", "the store to write, such as stores/squad.h5", 0, 0},
    {"encoder", QCTX_OPTION_TEXT, &options.encoder, "NAME|STORE", "an encoder, or a store whose encoder is used", 0, 0},
    {"fit", QCTX_OPTION_TEXT, &options.fit, "SPLIT", "the split whose contexts the encoder learns from", 0, 0},
    {"dtype", QCTX_OPTION_CHOICE, &options.dtype, "float32|float16", "how vectors are stored", 0, 0},
    {"dim", QCTX_OPTION_INT, &options.dim, "N", "length of a vector; 0: the encoder's own default", 0, 65536},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a store of the same name", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "embed",
    .arguments = "CORPUS --out FILE",
    .summary = "Encodes the questions and contexts of a corpus into an embedding store.",
    .details = "  mpirun -np 4 qctx-dist embed corpora/squad --out stores/squad.h5\n"
               "  qctx-dist embed corpora/mine --out stores/mine.h5 --encoder stores/squad.h5\n"
               "\n"
               "The store is an HDF5 file that h5py opens; qctx-dist info describes it.\n"
               "--encoder STORE puts a corpus beside one that is embedded already: both must\n"
               "be encoded alike, with what the encoder learnt from the first.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 1,
};

/* Rank 0 looks before anything is computed. */
static qctx_status check_options(qctx_comm *comm, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (options.out == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "embed: --out is missing");
        return qctx_hint(error, "name the store to write: --out stores/squad.h5");
    }
    if (qctx_comm_rank(comm) == 0)
        status = qctx_output_check(options.out, options.force, error);
    return qctx_agree(comm, status, error);
}

static qctx_status create_encoder(qctx_encoder **encoder, qctx_error *error)
{
    char *settings = NULL;
    qctx_status status;

    if (options.dim != 0 && (settings = qctx_format(error, "{\"dim\": %lld}", (long long)options.dim)) == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_encoder_create(options.encoder, settings, encoder, error);
    free(settings);
    return status;
}

/* The encoder of the store that --encoder names. */
static qctx_status restore_encoder(qctx_comm *comm, qctx_encoder **encoder, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status;

    if (options.dim != 0)
        return qctx_fail(error, QCTX_ERR_USAGE, "embed: --dim is that of the encoder in %s; leave it away",
                         options.encoder);
    status = qctx_store_open(comm, options.encoder, &store, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_embed_encoder_of(store, encoder, error), error);
    qctx_store_close(store);
    return status;
}

static qctx_status make_encoder(qctx_comm *comm, const qctx_corpus *corpus, qctx_encoder **encoder, qctx_error *error)
{
    const qctx_fit_source source = {corpus, options.fit};
    int64_t is_path = qctx_path_exists(options.encoder);
    qctx_status status;

    /* A path that only some ranks see is opened by all, and so refused by all. */
    qctx_comm_max_int64(comm, &is_path, 1);
    if (is_path)
        return restore_encoder(comm, encoder, error);
    status = qctx_agree(comm, create_encoder(encoder, error), error);
    return status == QCTX_OK ? qctx_embed_fit(comm, *encoder, &source, 1, error) : status;
}

static qctx_status embed(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_dtype dtype = strcmp(options.dtype, "float16") == 0 ? QCTX_FLOAT16 : QCTX_FLOAT32;
    qctx_corpus *corpus = NULL;
    qctx_encoder *encoder = NULL;
    qctx_status status = check_options(comm, error);

    (void)count;
    if (status == QCTX_OK)
        status = qctx_corpus_open(comm, positional[0], &corpus, error);
    if (status == QCTX_OK)
        status = qctx_topology_log(comm, error);
    if (status == QCTX_OK)
        status = make_encoder(comm, corpus, &encoder, error);
    if (status == QCTX_OK)
        status = qctx_embed_corpus(comm, corpus, encoder, dtype, options.out, options.force, error);
    qctx_encoder_destroy(encoder);
    qctx_corpus_destroy(corpus);
    return status;
}

const qctx_command qctx_cmd_embed = {&usage, embed};
