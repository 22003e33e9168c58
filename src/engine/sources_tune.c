/* The weights of joined encoders, chosen on the training questions that are held out. */
#include "sources_internal.h"

qctx_status qctx_places_tune(qctx_places *places, qctx_error *error)
{
    (void)places;
    return qctx_fail(error, QCTX_ERR_CONFIG, "encoder.tune is not there yet");
}
