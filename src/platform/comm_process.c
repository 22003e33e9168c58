/*
 * This process: its host and library, and how it ends where nobody is left to agree with. The one place beside main
 * that ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/mem.h"

const char *qctx_comm_host(void)
{
    static char host[MPI_MAX_PROCESSOR_NAME];
    int length;

    if (host[0] == '\0')
        MPI_Get_processor_name(host, &length);
    return host;
}

const char *qctx_comm_library(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;

    if (version[0] == '\0') {
        MPI_Get_library_version(version, &length);
        version[strcspn(version, ",")] = '\0';
    }
    return version;
}

void comm_abort(qctx_status status)
{
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, (int)status);
    abort();
}

void comm_check(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;

    if (code == MPI_SUCCESS)
        return;
    MPI_Error_string(code, text, &length);
    fprintf(stderr, "qctx-dist: %s failed: %s\n", call, text);
    comm_abort(QCTX_ERR_INTERNAL);
}

void comm_check_threads(int provided)
{
    if (provided >= MPI_THREAD_FUNNELED)
        return;
    fprintf(stderr, "qctx-dist: %s: built or started without threads; expected at least MPI_THREAD_FUNNELED\n",
            qctx_comm_library());
    comm_abort(QCTX_ERR_INTERNAL);
}

static void check_memory(qctx_status status, const qctx_error *error)
{
    if (status == QCTX_OK)
        return;
    fprintf(stderr, "qctx-dist: %s\n", error->message);
    comm_abort(QCTX_ERR_MEMORY);
}

void *comm_alloc(int64_t count, size_t size, const char *purpose)
{
    qctx_error error;
    void *memory = qctx_alloc(count, size, purpose, &error);

    check_memory(memory == NULL ? QCTX_ERR_MEMORY : QCTX_OK, &error);
    return memory;
}

void comm_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose)
{
    qctx_error error;

    check_memory(qctx_grow(array, capacity, needed, size, purpose, &error), &error);
}
