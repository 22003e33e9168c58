/* Sources of a configuration in which $ stands for the test's folder, opened or refused. */
#ifndef QCTX_TESTS_SUPPORT_OPENED_SOURCES_H
#define QCTX_TESTS_SUPPORT_OPENED_SOURCES_H

#include "harness.h"

#include <stdio.h>

#include "qctx/dataset/sources.h"

/* `data` goes on the section of that name; stores are made in the folder `cache` of the test's. */
qctx_status open_sources(const char *cache, const char *data, qctx_opened *opened, qctx_config *config,
                         qctx_error *error);

void close_sources(qctx_opened *opened, qctx_config *config);

void expect_refusal(const char *cache, const char *data, qctx_status expected, const char *message, qctx_error *error);

#endif
