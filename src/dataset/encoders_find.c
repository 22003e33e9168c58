/* What a text names: a built-in encoder, a model folder, or a store; and if nothing, what was looked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoders_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/base/suggest.h"
#include "qctx/encoder/pretrained.h"
#include "qctx/platform/h5.h"
#include "qctx/store/store.h"
#include "qctx/transformer/model_folder.h"

static const char *origin(const qctx_encoder_spec *spec)
{
    return spec->command_line ? "--encoder" : "data.encoder";
}

static qctx_status refuse_class(const qctx_encoder_spec *spec, const char *given, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' is not named by itself", origin(spec), given);
    if (strcmp(given, "pretrained") == 0)
        return qctx_hint(error, "name the model's folder, such as models/all-MiniLM-L6-v2");
    return qctx_hint(error, spec->command_line ? "give --encoder several times, with hashing and model folders"
                                               : "name a list, such as [hashing, models/all-MiniLM-L6-v2]");
}

static qctx_status refuse_missing(const qctx_encoder_spec *spec, const char *given, qctx_error *error)
{
    const char *const *known = qctx_encoder_built_in_names;
    const char *nearest = qctx_suggest(given, known, qctx_name_count(known));
    const char *slash = strchr(given, '/');
    char *first = slash == NULL ? NULL : qctx_format(NULL, "%.*s", (int)(slash - given), given);
    bool may_be_of_hub = first != NULL && slash != given && given[0] != '.' && strchr(slash + 1, '/') == NULL &&
                         strcmp(first, "models") != 0 && !qctx_path_exists(first);
    const char *folders = getenv("QCTX_MODELS");
    char names[64];

    free(first);
    qctx_fail(error, QCTX_ERR_CONFIG,
              "%s: unknown encoder '%s': it is not the built-in one, %s, and there is no such folder or store%s%s",
              origin(spec), given, qctx_names_join(known, ", ", " or ", names, sizeof names),
              folders != NULL ? ", nor one of that name in QCTX_MODELS=" : "", folders != NULL ? folders : "");
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    if (given[0] == '~')
        return qctx_hint(error, "'~' is a shell's word for the home folder: write out the path");
    if (may_be_of_hub)
        return qctx_hint(error,
                         "a model from a hub is downloaded first, such as 'hf download %s --local-dir models/%s'; "
                         "paths are relative to the folder where the program is started, and QCTX_MODELS names folders "
                         "of models",
                         given, slash + 1);
    return qctx_hint(error, "paths are relative to the folder where the program is started; QCTX_MODELS names folders "
                            "of models, separated by ':'");
}

/* Something stands there, but not what is wanted. */
static qctx_status refuse_path(const qctx_encoder_spec *spec, const char *given, qctx_error *error)
{
    if (access(given, F_OK) != 0 && errno == ENOENT) {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s is a symbolic link to what is not there", origin(spec), given);
        return qctx_hint(error, "copy the folder together with what it links to, as by 'cp -rL'");
    }
    if (!qctx_path_is_folder(given)) {
        /* A pipe, or what may not be read, says so itself. */
        if (qctx_h5_check_readable(given, error) != QCTX_OK)
            return QCTX_ERR_IO;
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s is a file, but no store (an HDF5 file with questions/vectors)",
                  origin(spec), given);
        return qctx_hint(error, "of a model, name the folder that its files are in");
    }
    qctx_fail(error, QCTX_ERR_CONFIG,
              "%s: %s is no model folder: it has neither modules.json (sentence-transformers) nor "
              "open_clip_config.json (OpenCLIP) nor config.json (Hugging Face)",
              origin(spec), given);
    return qctx_hint(error, "name the folder that holds these files: with a cache of Hugging Face, the one under "
                            "snapshots/");
}

qctx_status encoders_find_kind(const qctx_encoder_spec *spec, const char *given, encoder_kind *kind, qctx_error *error)
{
    const bool there = qctx_path_exists(given);
    bool followed;
    char *found = NULL;
    qctx_status status;

    *kind = ENCODER_BUILT_IN;
    if (qctx_name_find(qctx_encoder_built_in_names, given) >= 0)
        return QCTX_OK;
    *kind = ENCODER_MODEL;
    followed = there && qctx_pretrained_may_follow(given);
    if (followed && qctx_model_folder_is(given))
        return QCTX_OK;
    if (followed) {
        *kind = ENCODER_STORE;
        return !qctx_path_is_folder(given) && qctx_store_is(given) ? QCTX_OK : refuse_path(spec, given, error);
    }
    if (strcmp(given, "pretrained") == 0 || strcmp(given, "joined") == 0)
        return refuse_class(spec, given, error);
    status = qctx_pretrained_search(given, &found, error);
    if (status == QCTX_OK && found == NULL)
        status = there ? qctx_pretrained_refuse(given, error) : refuse_missing(spec, given, error);
    free(found);
    return status;
}
