#include "qctx/linalg/onednn.h"

#ifdef QCTX_ONEDNN

#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>

/* The primitive of each (form of A, form of B, add), made by `start`. */
static struct {
    dnnl_engine_t engine;
    dnnl_primitive_t primitives[2][2][2];
    bool native;
} library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A matrix [rows, cols] with this stride between the rows as stored, or the transpose of one so stored. */
static bool describe(dnnl_memory_desc_t *matrix, dnnl_data_type_t type, qctx_transpose form, int64_t rows, int64_t cols,
                     int64_t stride)
{
    dnnl_dims_t sizes = {rows, cols};
    dnnl_dims_t strides = {form == QCTX_PLAIN ? stride : 1, form == QCTX_PLAIN ? 1 : stride};

    return dnnl_memory_desc_init_by_strides(matrix, 2, sizes, type, strides) == dnnl_success;
}

/* Attributes of a product: no scratchpad of the primitive's own, so that threads can share it, and the sum with C. */
static dnnl_primitive_attr_t create_attributes(bool add)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t sum = NULL;
    bool done = dnnl_primitive_attr_create(&attributes) == dnnl_success &&
                dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success;

    if (done && add)
        done = dnnl_post_ops_create(&sum) == dnnl_success && dnnl_post_ops_append_sum(sum, 1.0f) == dnnl_success &&
               dnnl_primitive_attr_set_post_ops(attributes, sum) == dnnl_success;
    dnnl_post_ops_destroy(sum);
    if (done)
        return attributes;
    dnnl_primitive_attr_destroy(attributes);
    return NULL;
}

static bool create_primitive(qctx_transpose a_form, qctx_transpose b_form, bool add, dnnl_primitive_t *primitive)
{
    const int64_t later = DNNL_RUNTIME_DIM_VAL;
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t product;
    dnnl_primitive_attr_t attributes = create_attributes(add);
    dnnl_primitive_desc_t chosen = NULL;
    bool done = attributes != NULL && describe(&a, dnnl_bf16, a_form, later, later, later) &&
                describe(&b, dnnl_bf16, b_form, later, later, later) &&
                describe(&c, dnnl_f32, QCTX_PLAIN, later, later, later) &&
                dnnl_matmul_desc_init(&product, &a, &b, NULL, &c) == dnnl_success &&
                dnnl_primitive_desc_create(&chosen, &product, attributes, library.engine, NULL) == dnnl_success;

    /* Another implementation than the gemm might want a scratchpad; none is ever given. */
    done = done && dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0)) == 0 &&
           dnnl_primitive_create(primitive, chosen) == dnnl_success;
    dnnl_primitive_desc_destroy(chosen);
    dnnl_primitive_attr_destroy(attributes);
    return done;
}

/* The enumeration's values are bit sets: an instruction set contains those that it extends. */
static bool has(dnnl_cpu_isa_t isa)
{
    return (dnnl_get_effective_cpu_isa() & isa) == isa;
}

/* Engine and primitives live as long as the program. */
static void start(void)
{
    library.native =
        has(dnnl_cpu_isa_avx512_core_bf16) && dnnl_engine_create(&library.engine, dnnl_cpu, 0) == dnnl_success;
    for (int i = 0; i < 8 && library.native; i++)
        library.native = create_primitive(i & 4 ? QCTX_TRANSPOSED : QCTX_PLAIN, i & 2 ? QCTX_TRANSPOSED : QCTX_PLAIN,
                                          i & 1, &library.primitives[i >> 2][i >> 1 & 1][i & 1]);
}

bool qctx_onednn_has_bfloat16(void)
{
    pthread_once(&once, start);
    return library.native;
}

bool qctx_onednn_bfloat16(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc)
{
    dnnl_memory_desc_t shape_a, shape_b, shape_c;
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, NULL}, {DNNL_ARG_WEIGHTS, NULL}, {DNNL_ARG_DST, NULL}};
    dnnl_stream_t stream = NULL;
    bool done = qctx_onednn_has_bfloat16() && describe(&shape_a, dnnl_bf16, a_form, m, k, lda) &&
                describe(&shape_b, dnnl_bf16, b_form, k, n, ldb) &&
                describe(&shape_c, dnnl_f32, QCTX_PLAIN, m, n, ldc) &&
                dnnl_memory_create(&arguments[0].memory, &shape_a, library.engine, (void *)a) == dnnl_success &&
                dnnl_memory_create(&arguments[1].memory, &shape_b, library.engine, (void *)b) == dnnl_success &&
                dnnl_memory_create(&arguments[2].memory, &shape_c, library.engine, c) == dnnl_success &&
                dnnl_stream_create(&stream, library.engine, dnnl_stream_default_flags) == dnnl_success;

    done = done && dnnl_primitive_execute(library.primitives[a_form == QCTX_TRANSPOSED][b_form == QCTX_TRANSPOSED][add],
                                          stream, 3, arguments) == dnnl_success;
    dnnl_stream_destroy(stream);
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(arguments[i].memory);
    return done;
}

bool qctx_onednn_has_float32(void)
{
    return has(dnnl_cpu_isa_avx512_core);
}

bool qctx_onednn_float32(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, bool add, float *c, int64_t ldc)
{
    return qctx_onednn_has_float32() &&
           dnnl_sgemm(a_form == QCTX_PLAIN ? 'N' : 'T', b_form == QCTX_PLAIN ? 'N' : 'T', m, n, k, 1.0f, a, lda, b, ldb,
                      add ? 1.0f : 0.0f, c, ldc) == dnnl_success;
}

static const char *isa_name(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
        {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
        {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
        {dnnl_cpu_isa_avx512_core, "avx512_core"},
        {dnnl_cpu_isa_avx2, "avx2"},
        {dnnl_cpu_isa_avx, "avx"},
        {dnnl_cpu_isa_sse41, "sse41"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (has(names[i].isa))
            return names[i].name;
    return "generic";
}

const char *qctx_onednn_library(void)
{
    static char text[64];
    const dnnl_version_t *version = dnnl_version();

    snprintf(text, sizeof text, "oneDNN %d.%d.%d %s", version->major, version->minor, version->patch, isa_name());
    return text;
}

#else

bool qctx_onednn_has_bfloat16(void)
{
    return false;
}

bool qctx_onednn_has_float32(void)
{
    return false;
}

bool qctx_onednn_bfloat16(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc)
{
    (void)a_form, (void)b_form, (void)m, (void)n, (void)k;
    (void)a, (void)lda, (void)b, (void)ldb, (void)add, (void)c, (void)ldc;
    return false;
}

bool qctx_onednn_float32(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, bool add, float *c, int64_t ldc)
{
    (void)a_form, (void)b_form, (void)m, (void)n, (void)k;
    (void)a, (void)lda, (void)b, (void)ldb, (void)add, (void)c, (void)ldc;
    return false;
}

const char *qctx_onednn_library(void)
{
    return "no oneDNN";
}

#endif
