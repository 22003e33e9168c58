/* The products of a step, one by one. */
#include "bench_internal.h"
#include "qctx/base/order.h"
#include "qctx/platform/blas.h"

/* Rows of S that are worked at a time, and contexts beside them. */
enum { TILE_ROWS = 512, TILE_COLUMNS = 4096, PRODUCT_COUNT = 8 };

typedef struct {
    const char *name;
    qctx_transpose a_form, b_form;
    int64_t m, n, k;
} product;

/* The products of the loss over one tile of scores, then those of one side of the head over a rank's rows. */
static void list_products(const qctx_comm *comm, const qctx_bench_request *request, product products[PRODUCT_COUNT])
{
    const int64_t batch = request->config->batch.size, rows = batch / qctx_comm_size(comm);
    const int64_t d = request->dim, h = request->config->model.hidden;
    const int64_t tile = qctx_smaller(rows, TILE_ROWS), columns = qctx_smaller(batch, TILE_COLUMNS);
    const product all[PRODUCT_COUNT] = {
        {"scores", QCTX_PLAIN, QCTX_TRANSPOSED, tile, columns, d},
        {"question gradient", QCTX_PLAIN, QCTX_PLAIN, tile, d, columns},
        {"context gradient", QCTX_TRANSPOSED, QCTX_PLAIN, columns, d, tile},
        {"first layer", QCTX_PLAIN, QCTX_TRANSPOSED, rows, h, d},
        {"last layer", QCTX_PLAIN, QCTX_TRANSPOSED, rows, d, h},
        {"hidden gradient", QCTX_PLAIN, QCTX_PLAIN, rows, h, d},
        {"first weight gradient", QCTX_TRANSPOSED, QCTX_PLAIN, h, d, rows},
        {"last weight gradient", QCTX_TRANSPOSED, QCTX_PLAIN, d, h, rows},
    };

    for (int i = 0; i < PRODUCT_COUNT; i++)
        products[i] = all[i];
}

/* Whether a precision was asked for; AUTO stands for all that this machine has instructions for. */
static bool is_asked(qctx_precision precision, qctx_precision asked)
{
    return asked == precision || (asked == QCTX_PRECISION_AUTO && qctx_product_is_native(precision));
}

static char form_letter(qctx_transpose form)
{
    return form == QCTX_PLAIN ? 'N' : 'T';
}

static json_t *describe(const product *products, const double *rates, qctx_precision precision)
{
    json_t *rows = json_array();
    double best = 0.0;

    for (int i = 0; i < PRODUCT_COUNT; i++)
        best = rates[i] > best ? rates[i] : best;
    for (int i = 0; i < PRODUCT_COUNT; i++) {
        const product *p = &products[i];
        const char form[3] = {form_letter(p->a_form), form_letter(p->b_form), '\0'};

        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:o, s:o}", "product", p->name, "form", form,
                                        "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k,
                                        "precision", qctx_precision_name(precision), "gflops",
                                        bench_number(rates[i] / BENCH_GIGA), "share", bench_number(rates[i] / best)));
    }
    return rows;
}

qctx_status qctx_bench_gemm(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};
    const bool tells = qctx_comm_rank(comm) == 0;
    double rates[2][PRODUCT_COUNT] = {{0}};
    product products[PRODUCT_COUNT];
    json_t *rows;

    list_products(comm, request, products);
    for (int i = 0; i < PRODUCT_COUNT; i++)
        for (int p = 0; p < 2; p++)
            if (is_asked(precisions[p], request->precision))
                rates[p][i] = bench_product_rate(comm, precisions[p], products[i].a_form, products[i].b_form,
                                                 products[i].m, products[i].n, products[i].k, request->repetitions);
    *result = tells ? bench_result(comm, "gemm") : NULL;
    if (tells && *result != NULL) {
        rows = json_array();
        for (int p = 0; p < 2; p++)
            if (is_asked(precisions[p], request->precision)) {
                json_t *measured = describe(products, rates[p], precisions[p]);

                json_array_extend(rows, measured);
                json_decref(measured);
            }
        json_object_set_new(*result, "library", json_string(qctx_blas_library()));
        json_object_set_new(*result, "products", rows);
    }
    return qctx_agree(comm, tells ? bench_check(*result, error) : QCTX_OK, error);
}
