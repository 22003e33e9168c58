#include "qctx/training/recipe.h"

#include <stdio.h>
#include <string.h>

#include "qctx/base/plural.h"
#include "qctx/model/loss.h"

/* Contexts that a step can afford to project beside those of its batch. */
enum { CONTEXTS_MOST = 20000 };

/* A gain on few held-out questions is noise now and then: it counts less its standard error. */
static const double caution = 1.0;

/* What a recipe sets of head and optimiser. */
typedef struct {
    qctx_head_sides sides;
    int64_t layers;
    int64_t hidden;
    double dropout;
    double lr;
    double weight_decay;
    int64_t epochs;
    const char *why;
} recipe;

/* One for all numbers of questions: what was measured gave no reason for more (docs/results.md). */
static const recipe residual = {QCTX_SIDES_BOTH, 2, 512, 0.3, 1e-3, 1.0, 20, "a small head for each side"};

/* A plain head has no encoder to fall back on, and may have sides of another width: nothing of it was measured. */
static const recipe plain = {QCTX_SIDES_BOTH, 2, 1024, 0.0, 3e-4, 0.1, 20, "a plain head: as without a recipe"};

/* One more that was set: "recipe: model.sides shared, optim.lr 0.001". */
static void add(qctx_recipe_account *account, const char *key, const char *value)
{
    char *line = account->lines[account->count];
    const size_t used = strlen(line);

    snprintf(line + used, QCTX_RECIPE_LINE_MAX - used, "%s%s %s", used == 0 ? "recipe: " : ", ", key, value);
}

/* Ends the line with the reason; a line to which nothing was added says nothing. */
static void end_line(qctx_recipe_account *account, const char *why)
{
    char *line = account->lines[account->count];
    const size_t used = strlen(line);

    if (used == 0)
        return;
    snprintf(line + used, QCTX_RECIPE_LINE_MAX - used, " (%s)", why);
    account->count++;
}

static void set_count(qctx_recipe_account *account, const char *key, int64_t *count, int64_t value)
{
    char digits[24];

    if (*count != QCTX_CONFIG_AUTO)
        return;
    *count = value;
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    add(account, key, digits);
}

static void set_number(qctx_recipe_account *account, const char *key, double *number, double value)
{
    char digits[24];

    if (*number != QCTX_CONFIG_AUTO)
        return;
    *number = value;
    snprintf(digits, sizeof digits, "%g", value);
    add(account, key, digits);
}

static void set_head(qctx_config *config, const recipe *chosen, qctx_recipe_account *account)
{
    if (qctx_config_is_left(config, "model.sides")) {
        config->model.sides = chosen->sides;
        add(account, "model.sides", qctx_head_sides_names[chosen->sides]);
    }
    set_count(account, "model.layers", &config->model.layers, chosen->layers);
    set_count(account, "model.hidden", &config->model.hidden, chosen->hidden);
    set_number(account, "model.dropout", &config->model.dropout, chosen->dropout);
    set_number(account, "optim.lr", &config->optim.lr, chosen->lr);
    set_number(account, "optim.weight_decay", &config->optim.weight_decay, chosen->weight_decay);
    set_count(account, "batch.epochs", &config->batch.epochs, chosen->epochs);
    end_line(account, chosen->why);
}

/* Why the batch's contexts are all that a question meets, or NULL: what the loss cannot use, other keys do already, or
 * a step cannot afford. */
static const char *reason_for_batch(const qctx_config *config, const qctx_recipe_facts *facts)
{
    if (config->negatives.count > 0)
        return config->negatives.from == QCTX_NEGATIVES_OF_FILE ? "negatives are given" : "negatives are mined";
    if (facts->contexts > CONTEXTS_MOST)
        return "the contexts are many";
    if (qctx_loss_check_extras(config->loss.kind, config->loss.direction).key != NULL)
        return "the loss has no use for further contexts";
    return NULL;
}

static void set_candidates(qctx_config *config, const qctx_recipe_facts *facts, qctx_recipe_account *account)
{
    const char *reason = reason_for_batch(config, facts);

    if (!qctx_config_is_left(config, "loss.candidates"))
        return;
    config->loss.candidates = reason == NULL ? QCTX_LOSS_CANDIDATES_CORPUS : QCTX_LOSS_CANDIDATES_BATCH;
    add(account, "loss.candidates", qctx_loss_candidates_names[config->loss.candidates]);
    end_line(account, reason == NULL ? "a step can hold all contexts" : reason);
}

static void set_caution(qctx_config *config, qctx_recipe_account *account)
{
    set_number(account, "eval.caution", &config->eval.caution, caution);
    end_line(account, "a gain on the held-out questions counts less its standard error");
}

/* What is at hand is what is trained on, which guards nothing: that there is no guard is said, not mended. */
static void tell_of_guards(const qctx_config *config, qctx_recipe_account *account)
{
    if (config->eval.guard.count > 0 || config->model.form == QCTX_HEAD_PLAIN)
        return;
    add(account, "eval.guard", "none");
    end_line(account, "all that is at hand is trained on: where other texts are searched as well, name some of them");
}

void qctx_recipe_settle(qctx_config *config, const qctx_recipe_facts *facts, qctx_recipe_account *account)
{
    *account = (qctx_recipe_account){.count = 1};
    snprintf(account->lines[0], QCTX_RECIPE_LINE_MAX,
             "recipe: auto, by %lld training question%s that ask%s for %lld context%s, of %lld source%s, vectors of "
             "%lld",
             (long long)facts->questions, qctx_plural(facts->questions), facts->questions == 1 ? "s" : "",
             (long long)facts->contexts, qctx_plural(facts->contexts), (long long)facts->sources,
             qctx_plural(facts->sources), (long long)facts->dim);
    set_head(config, config->model.form == QCTX_HEAD_PLAIN ? &plain : &residual, account);
    set_candidates(config, facts, account);
    set_caution(config, account);
    if (account->count == 1)
        account->count = 0;
    else
        tell_of_guards(config, account);
}
