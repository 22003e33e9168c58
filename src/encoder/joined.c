#include "qctx/encoder/joined.h"

static qctx_status joined_create(const char *settings, void **created, qctx_error *error)
{
    (void)settings;
    *created = 0;
    return qctx_fail(error, QCTX_ERR_CONFIG, "the encoder 'joined' is not there yet");
}

const qctx_encoder_class qctx_joined_encoder = {.name = "joined", .create = joined_create};
