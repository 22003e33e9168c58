#include "qctx/linalg/threads.h"

#include <omp.h>
#include <stdlib.h>

#include "qctx/base/log.h"
#include "qctx/linalg/blas.h"
#include "qctx/linalg/onednn.h"
#include "qctx/platform/topology.h"

void qctx_threads_set(const qctx_comm *comm)
{
    int threads = qctx_topology_choose_threads(comm);

    /* Threads share products by panels (linalg/product). OpenBLAS's OpenMP build takes the 1 for all regions: first. */
    qctx_blas_set_threads(1);
    omp_set_num_threads(threads);
}

static void log_bindings(const qctx_core_binding *bindings, int ranks)
{
    const char *products = qctx_onednn_has_float32() ? qctx_onednn_library() : "";
    char text[512];

    qctx_topology_describe(bindings, ranks, text, sizeof text);
    qctx_info("%s, %s%s%s", text, products, products[0] == '\0' ? "" : ", ", qctx_blas_library());
    if (qctx_blas_replaced_core() != NULL)
        qctx_info("OpenBLAS took %s for this CPU; started anew with OPENBLAS_CORETYPE: %s", qctx_blas_replaced_core(),
                  qctx_blas_library());
    qctx_topology_advise(bindings, ranks, text, sizeof text);
    if (text[0] != '\0')
        qctx_warn("%s", text);
}

qctx_status qctx_threads_log(qctx_comm *comm, qctx_error *error)
{
    qctx_core_binding *bindings = NULL;
    qctx_status status = qctx_topology_gather(comm, &bindings, error);

    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        log_bindings(bindings, qctx_comm_size(comm));
    free(bindings);
    return status;
}
