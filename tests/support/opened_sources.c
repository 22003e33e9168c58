#include "opened_sources.h"

qctx_status open_sources(const char *cache, const char *data, qctx_opened *opened, qctx_config *config,
                         qctx_error *error)
{
    static char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, "data:\n  cache: %s/%s\n  ", test_folder(), cache);

    for (const char *c = data; *c != '\0'; c++)
        used += (size_t)(*c == '$' ? snprintf(text + used, sizeof text - used, "%s", test_folder())
                                   : snprintf(text + used, sizeof text - used, "%c", *c));
    assert_status(qctx_config_parse(text, used, "test.yaml", NULL, 0, config, error), QCTX_OK, error);
    return qctx_sources_open(test_comm, config, NULL, opened, error);
}

void close_sources(qctx_opened *opened, qctx_config *config)
{
    qctx_opened_close(opened);
    qctx_config_free(config);
}

void expect_refusal(const char *cache, const char *data, qctx_status expected, const char *message, qctx_error *error)
{
    qctx_opened opened;
    qctx_config config;

    assert_status(open_sources(cache, data, &opened, &config, error), expected, error);
    assert_contains(error->message, message);
    assert_int_equal(opened.store_count, 0);
    qctx_config_free(&config);
}
