/* ranks: 1 2 */
#include "harness.h"

#include <string.h>

#include "qctx/training/loader.h"
#include "small_store.h"

static qctx_error error;

enum { EXAMPLES = 600 };

/* Examples that alternate between two sources of one store, from its end to its start. */
typedef struct {
    int32_t source[EXAMPLES];
    int64_t question[EXAMPLES];
    int64_t contexts[EXAMPLES];
    int64_t example[EXAMPLES];
    qctx_examples examples;
    qctx_opened_source train[2];
    qctx_opened opened;
} fixture;

static void fill(fixture *f, qctx_store *store)
{
    for (int64_t i = 0; i < EXAMPLES; i++) {
        f->source[i] = (int32_t)(i % 2);
        f->question[i] = (EXAMPLES - 1 - i) % SMALL_QUESTIONS;
        f->contexts[i] = SMALL_CONTEXTS - 1 - i;
        f->example[i] = (i * 7) % EXAMPLES;
    }
    f->examples =
        (qctx_examples){.count = EXAMPLES, .source = f->source, .question = f->question, .contexts = f->contexts};
    f->train[0].store = f->train[1].store = store;
    f->opened = (qctx_opened){.train_count = 2, .train = f->train};
}

static void rows_are_those_of_the_store(void **state)
{
    static float gathered[EXAMPLES * SMALL_DIM], expected[SMALL_DIM];
    static fixture f;
    small_store *small = small_open();
    qctx_loader loader;

    (void)state;
    fill(&f, small->store);
    loader = qctx_loader_of_stores(&f.opened, &f.examples);
    assert_int_equal(loader.dim, SMALL_DIM);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        const int64_t *chosen = f.example; /* context number i is example i's */

        /* A prefetch reads ahead; that it may be done, and that nothing changes by it, is all that shows. */
        loader.prefetch(&loader, f.example, chosen, EXAMPLES);
        loader.prefetch(&loader, f.example, chosen, 0);
        loader.gather(&loader, side, f.example, chosen, EXAMPLES, gathered);
        for (int64_t i = 0; i < EXAMPLES; i++) {
            int64_t row = side == 0 ? f.question[f.example[i]] : f.contexts[chosen[i]];

            assert_status(qctx_store_read(small->store, side, row, 1, expected, &error), QCTX_OK, &error);
            assert_memory_equal(gathered + i * SMALL_DIM, expected, sizeof expected);
        }
    }
    small_close(small);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_those_of_the_store)};
TEST_MAIN(tests)
