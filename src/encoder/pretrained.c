#include "qctx/encoder/pretrained.h"

static qctx_status pretrained_create(const char *settings, void **created, qctx_error *error)
{
    (void)settings;
    *created = 0;
    return qctx_fail(error, QCTX_ERR_CONFIG, "the encoder 'pretrained' is not there yet");
}

const qctx_encoder_class qctx_pretrained_encoder = {.name = "pretrained", .create = pretrained_create};
