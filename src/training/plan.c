#include "qctx/training/plan.h"

#include "qctx/base/order.h"

void qctx_plan_share(const qctx_plan *plan, int64_t batch, int rank, int ranks, int64_t *first, int64_t *rows)
{
    int64_t leaf, leaves, last_first, last_rows;

    if (plan->leaves == 0) {
        qctx_share(batch, rank, ranks, first, rows);
        return;
    }
    qctx_share(plan->leaves, rank, ranks, &leaf, &leaves);
    *first = *rows = 0;
    if (leaves == 0)
        return;
    qctx_share(batch, leaf, plan->leaves, first, rows);
    qctx_share(batch, leaf + leaves - 1, plan->leaves, &last_first, &last_rows);
    *rows = last_first + last_rows - *first;
}

int64_t qctx_plan_most_rows(const qctx_plan *plan, int64_t batch, int ranks)
{
    int64_t first, rows;

    qctx_plan_share(plan, batch, 0, ranks, &first, &rows);
    return rows;
}

int64_t qctx_plan_leaf_rows(const qctx_plan *plan, int64_t rows, int ranks)
{
    /* Leaves differ by at most one row, and where they do not go up in the ranks, some rank holds one less. */
    return ranks <= plan->leaves ? qctx_smaller(rows / (plan->leaves / ranks) + 1, rows) : rows;
}

int64_t qctx_plan_most_scored(const qctx_plan *plan, qctx_plan_lists lists, int64_t rows, int ranks)
{
    int64_t leaves = plan->leaves > 0 ? qctx_divide_up(plan->leaves, ranks) : 1;
    int64_t alike = plan->leaves > 0 ? qctx_plan_leaf_rows(plan, rows, ranks) : rows;

    return leaves * qctx_smaller(alike * lists.longest, lists.distinct);
}

void qctx_plan_rows(const qctx_comm *comm, const qctx_plan *plan, int64_t batch, int64_t *first, int64_t *rows)
{
    qctx_plan_share(plan, batch, qctx_comm_rank(comm), qctx_comm_size(comm), first, rows);
}

qctx_loss_config qctx_plan_loss(const qctx_plan *plan, qctx_loss_kind kind, qctx_loss_direction direction,
                                bool normalize)
{
    return (qctx_loss_config){
        .kind = kind,
        .direction = direction,
        .normalize = normalize,
        .scheme = plan->scheme,
        .precision = plan->precision,
        .leaves = plan->leaves,
        .keep_bytes = plan->keep_bytes,
    };
}
