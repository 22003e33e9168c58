#include "settings.h"

#include <string.h>

qctx_status encoder_settings_parse(const char *text, const char *place, json_t **root, qctx_error *error)
{
    qctx_error own;

    *root = NULL;
    if (qctx_json_parse(text, strlen(text), place, root, &own) != QCTX_OK)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%-s", own.message);
    if (json_is_object(*root))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %s, expected an object", place, qctx_json_type(*root));
    json_decref(*root);
    *root = NULL;
    return QCTX_ERR_CONFIG;
}
