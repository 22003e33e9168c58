/* ranks: 1 */
#include "../../src/model/contrastive_index.h"
#include "tile_probe.h"

enum { COUNT = 1500 };

/* Contents of several kinds: all different, all equal, a few values, small numbers and hashes. */
static uint64_t content_of(int kind, int64_t k)
{
    switch (kind) {
    case 0:
        return (uint64_t)k;
    case 1:
        return 42;
    case 2:
        return (uint64_t)(k * k % 7) << 60;
    case 3:
        return (uint64_t)(k / 3) * 0x9e3779b97f4a7c15u;
    default:
        return k % 2 == 0 ? 1 : (uint64_t)k;
    }
}

static void assert_found(const loss_index *index, const uint64_t *contents, int64_t count, uint64_t content,
                         int64_t first, int64_t end)
{
    const int32_t *at;
    int64_t found = loss_index_find(index, content, first, end, &at), next = 0;

    for (int64_t k = first; k < end && k < count; k++)
        if (contents[k] == content) {
            assert_true(next < found);
            assert_int_equal(at[next++], k);
        }
    assert_int_equal(next, found);
}

static void contents_are_found_in_the_order_of_their_places(void **state)
{
    uint64_t contents[COUNT];
    loss_index *index;
    qctx_error error;

    (void)state;
    assert_status(loss_index_create(COUNT, &index, &error), QCTX_OK, &error);
    for (int kind = 0; kind < 5; kind++)
        for (int64_t count = COUNT; count >= 0; count = count > 0 ? count / 13 : -1) {
            for (int64_t k = 0; k < count; k++)
                contents[k] = content_of(kind, k);
            loss_index_fill(index, contents, count);
            for (int64_t k = 0; k < count; k += 1 + k / 20) {
                assert_found(index, contents, count, contents[k], 0, count);
                assert_found(index, contents, count, contents[k], k, k + 5);
                assert_found(index, contents, count, contents[k], count / 2, count);
            }
            assert_found(index, contents, count, 123456789, 0, count);
            assert_found(index, contents, count, UINT64_MAX, 0, count);
        }
    loss_index_destroy(index);
    loss_index_destroy(NULL);
}

/* What a mask must do, entry by entry. */
static bool is_no_negative(const qctx_loss_batch *batch, int64_t i, uint64_t content)
{
    for (int64_t k = batch->positive_offsets[i]; k < batch->positive_offsets[i + 1]; k++)
        if (batch->positives[k] == content)
            return true;
    return content == batch->content[i];
}

/* Tiles of a batch of 60, of which this rank holds rows 20 … 39; the diagonal before, in and after the tile. */
static void a_tile_is_masked_as_its_entries_say(void **state)
{
    enum { BATCH = 60, FIRST = 20, ROWS = 20, COLS = 17 };
    uint64_t contents[BATCH], positives[2 * ROWS];
    int64_t offsets[ROWS + 1];
    qctx_loss_batch batch = {ROWS, contents + FIRST, offsets, positives, 0};
    loss_index *index;
    qctx_error error;

    (void)state;
    for (int64_t k = 0; k < BATCH; k++)
        contents[k] = 100 + (uint64_t)(k % 11 == 4 ? k / 2 : k);
    for (int64_t i = 0; i < ROWS; i++) {
        offsets[i] = 2 * i;
        positives[2 * i] = contents[(i * 17) % BATCH];
        positives[2 * i + 1] = i % 3 == 0 ? 7 : contents[FIRST + i];
    }
    offsets[ROWS] = 2 * ROWS;
    assert_status(loss_index_create(BATCH, &index, &error), QCTX_OK, &error);
    loss_index_fill(index, contents, BATCH);
    for (int64_t column = 0; column + COLS <= BATCH; column += 3)
        for (int64_t i0 = 0; i0 < ROWS; i0 += 7) {
            int64_t rows = ROWS - i0 < 7 ? ROWS - i0 : 7;
            float x[7 * COLS], own[7];
            loss_tile tile = {x, COLS, rows, COLS};

            for (int64_t k = 0; k < 7 * COLS; k++)
                x[k] = (float)k;
            for (int64_t i = 0; i < 7; i++)
                own[i] = -1.0f;
            loss_index_mask(&tile, index, &batch, FIRST, i0, column, own);
            for (int64_t i = 0; i < rows; i++) {
                int64_t diagonal = FIRST + i0 + i - column;
                bool crosses = diagonal >= 0 && diagonal < COLS;

                assert_true(own[i] == (crosses ? (float)(i * COLS + diagonal) : -1.0f));
                for (int64_t j = 0; j < COLS; j++) {
                    bool masked = j == diagonal || is_no_negative(&batch, i0 + i, contents[column + j]);

                    assert_true(x[i * COLS + j] == (masked ? -INFINITY : (float)(i * COLS + j)));
                }
            }
        }
    loss_index_destroy(index);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(contents_are_found_in_the_order_of_their_places),
    cmocka_unit_test(a_tile_is_masked_as_its_entries_say),
};
TEST_MAIN(tests)
