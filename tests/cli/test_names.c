/* ranks: 1 */
/* The names of every enum that is read or printed, in the last room, which knows them all. */
#include "harness.h"

#include "qctx/base/names.h"
#include "qctx/config/protocol.h"
#include "qctx/data/side.h"
#include "qctx/evaluation/predictions.h"
#include "qctx/import/import.h"
#include "qctx/linalg/product.h"
#include "qctx/model/distill.h"
#include "qctx/model/head.h"
#include "qctx/model/loss.h"
#include "qctx/model/optimizer.h"
#include "qctx/model/schedule.h"
#include "qctx/run/outcome.h"
#include "qctx/store/store.h"
#include "qctx/sweep/definition.h"
#include "qctx/sweep/ledger.h"
#include "qctx/training/timers.h"
#include "qctx/transformer/model_folder.h"

/* A table, how many values the enum has, and of its last one the name. */
static const struct {
    const char *const *names;
    int count;
    const char *last;
} tables[] = {
    {qctx_side_names, QCTX_SIDE_COUNT, "context"},
    {qctx_dtype_names, QCTX_FLOAT16 + 1, "float16"},
    {qctx_verified_names, QCTX_VERIFIED_WHOLE + 1, "whole"},
    {qctx_import_format_names, QCTX_IMPORT_CSV + 1, "csv"},
    {qctx_precision_names, QCTX_PRECISION_AUTO + 1, "auto"},
    {qctx_architecture_names, QCTX_OPEN_CLIP + 1, "open_clip"},
    {qctx_head_form_names, QCTX_HEAD_RESIDUAL + 1, "residual"},
    {qctx_head_sides_names, QCTX_SIDES_SHARED + 1, "shared"},
    {qctx_activation_names, QCTX_ACTIVATION_TANH + 1, "tanh"},
    {qctx_loss_kind_names, QCTX_LOSS_SIGMOID + 1, "sigmoid"},
    {qctx_loss_direction_names, QCTX_DIRECTION_CONTEXT + 1, "context"},
    {qctx_loss_candidates_names, QCTX_LOSS_CANDIDATES_CORPUS + 1, "corpus"},
    {qctx_distill_kind_names, QCTX_DISTILL_MARGIN_MSE + 1, "margin_mse"},
    {qctx_similarity_names, QCTX_SIMILARITY_RING + 1, "ring"},
    {qctx_optimizer_kind_names, QCTX_OPTIMIZER_SGD + 1, "sgd"},
    {qctx_decay_names, QCTX_DECAY_LINEAR + 1, "linear"},
    {qctx_candidates_names, QCTX_CANDIDATES_CORPUS + 1, "corpus"},
    {qctx_pool_order_names, QCTX_POOLS_SHUFFLED + 1, "shuffled"},
    {qctx_metric_names, QCTX_METRIC_COUNT, "mean_position"},
    {qctx_metric_choices, QCTX_METRIC_NDCG + 1, "ndcg"},
    {qctx_predictions_group_names, QCTX_PREDICTIONS_GROUPS, "both_right"},
    {qctx_run_state_names, QCTX_RUN_STOPPED + 1, "stopped"},
    {qctx_timer_names, QCTX_TIMER_COUNT, "checkpoint"},
    {qctx_sweep_method_names, QCTX_SWEEP_BAYES + 1, "bayes"},
    {qctx_trial_state_names, QCTX_TRIAL_FAILED + 1, "failed"},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static void there_is_a_name_for_every_value(void **state)
{
    (void)state;
    for (int t = 0; t < TABLES; t++) {
        assert_int_equal(qctx_name_count(tables[t].names), tables[t].count);
        assert_string_equal(tables[t].names[tables[t].count - 1], tables[t].last);
    }
}

/* So no two values have the same name either. */
static void a_name_leads_back_to_its_value(void **state)
{
    (void)state;
    for (int t = 0; t < TABLES; t++)
        for (int value = 0; value < tables[t].count; value++)
            assert_int_equal(qctx_name_find(tables[t].names, tables[t].names[value]), value);
}

/* Names stand in YAML, JSON and on command lines as they are. */
static void names_need_no_quotes(void **state)
{
    (void)state;
    for (int t = 0; t < TABLES; t++)
        for (const char *const *name = tables[t].names; *name != NULL; name++) {
            assert_true(**name >= 'a' && **name <= 'z');
            for (const char *c = *name; *c != '\0'; c++)
                assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '@');
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_is_a_name_for_every_value),
    cmocka_unit_test(a_name_leads_back_to_its_value),
    cmocka_unit_test(names_need_no_quotes),
};
TEST_MAIN(tests)
