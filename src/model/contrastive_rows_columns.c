#include "contrastive_rows_columns.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/tree_sum.h"

enum { ROOMS = 24 };

static int64_t slot_bytes(const loss_rows_columns *loss)
{
    return loss->tile_rows * loss->pitch * loss->element;
}

/* Tiles of both sides in a full batch. */
static int64_t tiles_most(const loss_rows_columns *loss, int64_t group_rows)
{
    return SIDES * loss->groups_max * qctx_divide_up(group_rows, loss->tile_rows) *
           qctx_divide_up(loss->sizes.batch, loss->tile_cols);
}

/* Tiles follow from the batch and its leaves; without leaves, from the rank's rows too. */
static void lay_out(const loss_sizes *sizes, loss_rows_columns *loss)
{
    int64_t leaves = sizes->config.leaves, group_rows = leaves > 0 ? qctx_divide_up(sizes->batch, leaves) : sizes->rows;

    loss->sizes = *sizes;
    loss->element = qctx_precision_bytes(sizes->config.precision);
    loss->tile_rows = loss_even_part(group_rows, LOSS_ROWS_MOST);
    loss->tile_cols = loss_even_part(sizes->batch, LOSS_COLS_MOST);
    loss->pitch = loss_tile_pitch(loss->tile_cols);
    loss->groups_max = leaves > 0 ? qctx_divide_up(leaves, sizes->ranks) : 1;
    if (sizes->config.kind == QCTX_LOSS_CLIP)
        loss->slots = qctx_smaller(sizes->config.keep_bytes / slot_bytes(loss), tiles_most(loss, group_rows));
}

static int rooms(loss_rows_columns *loss, loss_room *room)
{
    const loss_sizes *sizes = &loss->sizes;
    const int64_t rows = sizes->rows, batch = sizes->batch, entries = loss->tile_rows * loss->pitch;
    const int64_t words = qctx_divide_up(batch, 64);
    const bool narrow = sizes->config.precision != QCTX_PRECISION_FLOAT32;
    loss_room all[ROOMS] = {
        {&loss->tile, loss_roll_tiles_most(rows, loss->groups_max, loss->tile_rows), sizeof *loss->tile,
         "the loss's tiles"},
        {&loss->mask, rows * words, sizeof *loss->mask, "the loss's masks"},
        {&loss->pairs, LOSS_ROUND, sizeof *loss->pairs, "the loss's positives"},
        {&loss->arrived, LOSS_ROUND * sizes->ranks, sizeof *loss->arrived, "the loss's positives"},
        {&loss->counts, 2 * sizes->ranks, sizeof *loss->counts, "the loss"},
        {&loss->own, rows, sizeof *loss->own, "the loss"},
        {&loss->best, rows, sizeof *loss->best, "the loss"},
        {&loss->diagonal, rows, sizeof *loss->diagonal, "the loss"},
        {&loss->along, rows, sizeof *loss->along, "the loss"},
        {&loss->lanes, LOSS_LANES * loss->groups_max, sizeof *loss->lanes, "the loss"},
        {&loss->x, entries, sizeof *loss->x, "a tile of scores"},
        {&loss->g, narrow ? entries : 0, sizeof *loss->g, "a tile of the scores' gradient"},
        {&loss->kept, loss->slots * slot_bytes(loss), 1, "scores kept between the passes (loss memory)"},
    };
    int count = 13;

    for (int s = 0; s < SIDES; s++) {
        loss_side *side = &loss->side[s];

        all[count++] = (loss_room){&side->all, batch * sizes->dim, (size_t)loss->element, "the batch's vectors"};
        all[count++] = (loss_room){&side->inverse, rows, sizeof *side->inverse, "the loss"};
        all[count++] = (loss_room){&side->sum, batch, sizeof *side->sum, "the loss"};
        all[count++] = (loss_room){&side->max, batch, sizeof *side->max, "the loss"};
        all[count++] = (loss_room){&side->factor, batch, sizeof *side->factor, "the loss"};
    }
    memcpy(room, all, sizeof all);
    return count;
}

static void rows_columns_destroy(void *state)
{
    loss_rows_columns *loss = state;
    loss_room room[ROOMS];

    if (loss == NULL)
        return;
    loss_rooms_give_back(room, rooms(loss, room));
    loss_roll_free(&loss->roll);
    free(loss);
}

static qctx_status rows_columns_create(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error)
{
    loss_rows_columns *loss = qctx_alloc(1, sizeof *loss, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;
    loss_room room[ROOMS];

    if (loss == NULL)
        return status;
    lay_out(sizes, loss);
    status = loss_rooms_take(room, rooms(loss, room), error);
    if (status == QCTX_OK)
        status = loss_roll_create(comm, sizes->batch, &loss->roll, error);
    if (status != QCTX_OK)
        goto out;
    *state = loss;
    loss = NULL;
out:
    rows_columns_destroy(loss);
    return status;
}

static int64_t rows_columns_memory(const loss_sizes *sizes)
{
    loss_rows_columns loss = {0};
    loss_room room[ROOMS];

    lay_out(sizes, &loss);
    return (int64_t)sizeof loss + loss_rooms_bytes(room, rooms(&loss, room)) +
           loss_roll_memory(sizes->ranks, sizes->batch);
}

/* Two products a side, and the scores again that are not kept. */
static double rows_columns_flops(const loss_sizes *sizes)
{
    loss_rows_columns loss = {0};
    int64_t tiles;
    double again = 0.0;

    lay_out(sizes, &loss);
    tiles =
        tiles_most(&loss, sizes->config.leaves > 0 ? qctx_divide_up(sizes->batch, sizes->config.leaves) : sizes->rows);
    if (sizes->config.kind == QCTX_LOSS_CLIP && tiles > 0)
        again = 1.0 - (double)loss.slots / (double)tiles;
    return 2.0 * (double)sizes->batch * (double)sizes->dim * (double)sizes->rows * (4.0 + 2.0 * again);
}

/* Brings this rank's rows of a side to unit length, to their place in `all`, and starts to gather the others'. */
static void start_gathering(loss_rows_columns *loss, int side, const float *x)
{
    const loss_place *place = &loss->roll.place;
    loss_side *own = &loss->side[side];
    int64_t row_bytes = loss->sizes.dim * loss->element;

    loss_roll_normalize(&loss->sizes, x, place->rows, own->all + place->first * row_bytes, own->inverse);
    own->coming = qctx_comm_start_gather_parts(loss->roll.comm, own->all, place->counts, (size_t)row_bytes);
}

static void rows_columns_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    loss_rows_columns *loss = state;

    loss_roll_start(&loss->roll, batch);
    start_gathering(loss, CONTEXT_SIDE, c);
    loss->offered = true;
}

static void begin_step(loss_rows_columns *loss, const qctx_loss_batch *batch, qctx_loss_scale scale)
{
    const qctx_loss_config *config = &loss->sizes.config;
    bool is_clip = config->kind == QCTX_LOSS_CLIP;

    loss->batch = batch;
    loss->scale = loss_tile_scale(exp(scale.log_scale));
    loss->bias = scale.bias;
    loss->careful = false;
    loss->side[QUESTION_SIDE].wanted = is_clip && config->direction != QCTX_DIRECTION_CONTEXT;
    loss->side[CONTEXT_SIDE].wanted = is_clip && config->direction != QCTX_DIRECTION_QUESTION;
    loss->side[QUESTION_SIDE].has_kept = loss->side[CONTEXT_SIDE].has_kept = false;
    loss->mean = 1.0 / (double)loss->roll.place.batch;
    if (loss->side[QUESTION_SIDE].wanted && loss->side[CONTEXT_SIDE].wanted)
        loss->mean *= 0.5;
    for (int64_t i = 0; i < batch->rows; i++)
        loss->best[i] = -FLT_MAX;
    memset(loss->lanes, 0, (size_t)(LOSS_LANES * loss->groups_max) * sizeof *loss->lanes);
    loss->tiles = loss_roll_tiles(&loss->roll, config->leaves, loss->tile_rows, loss->tile, &loss->groups);
    loss->cuts = qctx_divide_up(loss->roll.place.batch, loss->tile_cols);
}

/* A rank's own rows of an array [B] are in place; the others' come. */
static void gather(loss_rows_columns *loss, void *all, size_t size)
{
    qctx_exchange *coming = qctx_comm_start_gather_parts(loss->roll.comm, all, loss->roll.place.counts, size);

    qctx_exchange_wait(&coming);
}

/* The score of this rank's row i with its own context, as the sums hold it. */
static double own_score(const loss_rows_columns *loss, int64_t i)
{
    return loss->careful ? (double)((float)loss->scale * loss->own[i]) : loss->scale * (double)loss->own[i];
}

/* Pass 1 over a side: its sums with the own entries, of all ranks. */
static void sum_side(loss_rows_columns *loss, int at)
{
    const loss_place *place = &loss->roll.place;
    loss_side *side = &loss->side[at];

    qctx_exchange_wait(&loss->side[SIDES - 1 - at].coming);
    loss_rows_columns_sums(loss, at);
    for (int64_t i = 0; i < place->rows; i++) {
        int64_t row = place->first + i;

        if (loss->careful)
            loss_careful_join(side->max + row, side->sum + row, (float)own_score(loss, i), 1.0);
        else
            side->sum[row] += exp(own_score(loss, i) - loss->shift);
    }
    gather(loss, side->sum, sizeof *side->sum);
    if (loss->careful)
        gather(loss, side->max, sizeof *side->max);
}

/* Pass 1. The questions' side also finds the diagonal and the largest entries, whether it is part of L or not. */
static void sum_up(loss_rows_columns *loss)
{
    for (int s = 0; s < SIDES; s++)
        if (s == QUESTION_SIDE || loss->side[s].wanted)
            sum_side(loss, s);
}

/* Whether finite sums ask for the careful way. All ranks hold the same sums and answer alike. */
static bool needs_care(const loss_rows_columns *loss)
{
    bool safe = true;

    for (int s = 0; s < SIDES; s++) {
        if (!loss->side[s].wanted)
            continue;
        if (!loss_sums_are_finite(loss->side[s].sum, loss->roll.place.batch))
            return false;
        safe = safe && loss_sums_are_safe(loss->side[s].sum, loss->roll.place.batch);
    }
    return !safe;
}

static void invert_sums(loss_rows_columns *loss)
{
    for (int s = 0; s < SIDES; s++) {
        loss_side *side = &loss->side[s];

        for (int64_t k = 0; k < loss->roll.place.batch; k++)
            side->factor[k] = side->wanted ? (float)(1.0 / side->sum[k]) : 0.0f;
        for (int64_t k = 0; k < loss->roll.place.batch && !side->wanted; k++)
            side->max[k] = FLT_MAX;
    }
}

/* From the sums to the diagonal of G and this rank's part of L's sum. */
static void judge_own_entries(loss_rows_columns *loss)
{
    for (int64_t p = 0; p < loss->tiles; p++)
        for (int64_t i = loss->tile[p].first; i < loss->tile[p].first + loss->tile[p].rows; i++) {
            double *sum = loss->lanes + LOSS_LANE_SUM * loss->groups_max + loss->tile[p].group, g = 0.0;

            for (int s = 0; s < SIDES; s++) {
                const loss_side *side = &loss->side[s];
                int64_t row = loss->roll.place.first + i;
                double shift = loss->careful ? (double)side->max[row] : loss->shift, share;

                if (!side->wanted)
                    continue;
                *sum += loss_own_share(own_score(loss, i), shift, side->sum[row], &share);
                g += share - 1.0;
            }
            loss->diagonal[i] = (float)g;
        }
}

static void sum_clip(loss_rows_columns *loss)
{
    sum_up(loss);
    if (needs_care(loss)) {
        loss->careful = true;
        sum_up(loss);
    }
    invert_sums(loss);
    judge_own_entries(loss);
}

/* The way back to the rows as they came, and what each group adds to the result but for L's sum. */
static void finish_rows(loss_rows_columns *loss, float *dq, float *dc)
{
    const loss_sizes *sizes = &loss->sizes;
    const double factor = loss->scale * loss->mean;
    double *lanes = loss->lanes;
    int64_t rows = loss->roll.place.rows, own = loss->roll.place.first * sizes->dim * loss->element;
    bool normalize = sizes->config.normalize, finite;

    finite =
        loss_normalize_back(sizes->config.precision, loss->side[CONTEXT_SIDE].all + own,
                            loss->side[CONTEXT_SIDE].inverse, rows, sizes->dim, normalize, factor, dc, loss->along);
    finite =
        loss_normalize_back(sizes->config.precision, loss->side[QUESTION_SIDE].all + own,
                            loss->side[QUESTION_SIDE].inverse, rows, sizes->dim, normalize, factor, dq, loss->along) &&
        finite;
    for (int64_t p = 0; p < loss->tiles; p++)
        for (int64_t i = loss->tile[p].first; i < loss->tile[p].first + loss->tile[p].rows; i++) {
            lanes[LOSS_LANE_SCALE * loss->groups_max + loss->tile[p].group] += loss->along[i];
            lanes[LOSS_LANE_WINS * loss->groups_max + loss->tile[p].group] += loss->own[i] > loss->best[i] ? 1.0 : 0.0;
        }
    lanes[LOSS_LANE_NOT_FINITE * loss->groups_max] += finite ? 0.0 : 1.0;
}

static void rows_columns_step(void *state, const float *q, const float *c, const qctx_loss_batch *batch,
                              qctx_loss_scale scale, float *dq, float *dc, qctx_loss_result *result)
{
    loss_rows_columns *loss = state;
    double sums[LOSS_LANES];

    if (!loss->offered)
        rows_columns_offer(loss, c, batch);
    loss->offered = false;
    start_gathering(loss, QUESTION_SIDE, q);
    loss_roll_finish(&loss->roll);
    begin_step(loss, batch, scale);
    loss->shift = loss_shift(loss_roll_bound(&loss->roll, &loss->sizes, q, c, scale));
    loss_columns_mask(loss);
    if (loss->sizes.config.kind == QCTX_LOSS_CLIP)
        sum_clip(loss);
    qctx_exchange_wait(&loss->side[CONTEXT_SIDE].coming);
    loss_rows_columns_gradients(loss, QUESTION_SIDE, dq);
    qctx_exchange_wait(&loss->side[QUESTION_SIDE].coming);
    loss_rows_columns_gradients(loss, CONTEXT_SIDE, dc);
    finish_rows(loss, dq, dc);
    for (int lane = 0; lane < LOSS_LANES; lane++)
        sums[lane] = qctx_tree_sum_values(loss->lanes + lane * loss->groups_max, loss->groups);
    loss_roll_sum(&loss->roll, &loss->sizes.config, sums, LOSS_LANES);
    sums[LOSS_LANE_BIAS] *= loss->mean;
    *result = loss->roll.place.batch > 0 ? loss_result(sums, loss->mean, loss->roll.place.batch)
                                         : (qctx_loss_result){.finite = true};
}

const loss_scheme loss_scheme_rows_columns = {rows_columns_create,  rows_columns_offer,  rows_columns_step,
                                              rows_columns_destroy, rows_columns_memory, rows_columns_flops};
