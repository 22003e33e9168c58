/* The products of a step, one by one. */
#include "bench_internal.h"
#include "qctx/base/order.h"

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

/* Memory of the largest product: its operands and its result. */
static double largest_bytes(const product *products, qctx_precision asked)
{
    const qctx_precision widest = bench_is_asked(QCTX_PRECISION_FLOAT32, asked) ? QCTX_PRECISION_FLOAT32 : asked;
    const double operand = (double)qctx_precision_bytes(widest);
    double most = 0.0;

    for (int i = 0; i < PRODUCT_COUNT; i++) {
        const double m = (double)products[i].m, n = (double)products[i].n, k = (double)products[i].k;
        const double bytes = operand * (m * k + k * n) + sizeof(float) * m * n;

        most = bytes > most ? bytes : most;
    }
    return most;
}

static char form_letter(qctx_transpose form)
{
    return form == QCTX_PLAIN ? 'N' : 'T';
}

/* Appends the rows of one precision. */
static void describe(const product *products, const double *rates, qctx_precision precision, json_t *rows)
{
    double best = 0.0;

    for (int i = 0; i < PRODUCT_COUNT; i++)
        best = rates[i] > best ? rates[i] : best;
    for (int i = 0; i < PRODUCT_COUNT; i++) {
        const product *p = &products[i];
        const char form[3] = {form_letter(p->a_form), form_letter(p->b_form), '\0'};

        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:o, s:o}", "product", p->name, "form", form,
                                        "m", (json_int_t)p->m, "n", (json_int_t)p->n, "k", (json_int_t)p->k,
                                        "precision", qctx_precision_names[precision], "gflops",
                                        bench_number(rates[i] / BENCH_GIGA), "share", bench_number(rates[i] / best)));
    }
}

qctx_status qctx_bench_gemm(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    const bool tells = qctx_comm_rank(comm) == 0;
    double rates[BENCH_PRECISIONS][PRODUCT_COUNT] = {{0}};
    product products[PRODUCT_COUNT];
    qctx_status status;
    json_t *rows;

    *result = NULL;
    list_products(comm, request, products);
    status = bench_check_room(comm, largest_bytes(products, request->precision), "the operands of a product", error);
    if (status != QCTX_OK)
        return status;
    for (int i = 0; i < PRODUCT_COUNT; i++)
        for (int p = 0; p < BENCH_PRECISIONS; p++)
            if (bench_is_asked((qctx_precision)p, request->precision))
                rates[p][i] = bench_product_rate(comm, (qctx_precision)p, products[i].a_form, products[i].b_form,
                                                 products[i].m, products[i].n, products[i].k, request->repetitions);
    rows = tells ? json_array() : NULL;
    *result = tells ? bench_result(comm, "gemm") : NULL;
    for (int p = 0; p < BENCH_PRECISIONS && *result != NULL; p++)
        if (bench_is_asked((qctx_precision)p, request->precision)) {
            json_object_set_new(*result, qctx_precision_names[p], json_string(qctx_product_library((qctx_precision)p)));
            describe(products, rates[p], (qctx_precision)p, rows);
        }
    if (*result != NULL)
        json_object_set(*result, "products", rows);
    json_decref(rows);
    return qctx_agree(comm, tells ? bench_check(*result, error) : QCTX_OK, error);
}
