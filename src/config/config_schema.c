#include "config_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "qctx/base/names.h"

#define AT(member)   .offset = offsetof(qctx_config, member)
#define FROM(bound)  .least = (bound), .most = INFINITY
#define ABOVE(bound) .least = (bound), .most = INFINITY, .above_least = true
/* Both ends belong to it; UP_TO leaves the upper one out. */
#define BETWEEN(low, high)  .least = (low), .most = (high)
#define UP_TO(low, high)    .least = (low), .most = (high), .below_most = true
#define ABOVE_TO(low, high) .least = (low), .most = (high), .above_least = true

const char *const qctx_recipe_names[] = {[QCTX_RECIPE_NONE] = "none", [QCTX_RECIPE_AUTO] = "auto", NULL};

const qctx_config_key qctx_config_keys[] = {
    {"run.name", QCTX_KEY_NAME, AT(run.name), .may_change = true,
     .meaning = "name of the run; by default the file's name without ending"},
    {"run.out", QCTX_KEY_TEXT, AT(run.out), "runs", .may_change = true,
     .meaning = "folder of runs; this one stands in `<out>/<name>`"},
    {"run.seed", QCTX_KEY_COUNT, AT(run.seed), "1", FROM(0), .meaning = "of weights, order, dropout and tuning pairs"},
    {"run.memory", QCTX_KEY_BYTES, AT(run.memory), "0", .may_change = true,
     .meaning = "a rank's limit for a training step; 0: its share of what the node has free"},
    {"run.precision", QCTX_KEY_CHOICE, AT(run.precision), "float32", .choices = qctx_precision_names,
     .meaning = "of the products of head and loss; `auto`: `bfloat16` where the CPU is faster in it"},
    {"run.reproducible", QCTX_KEY_FLAG, AT(run.reproducible), "false",
     .meaning = "the same bits on 1, 2, 4, … ranks and any number of threads, for about a tenth more time"},
    {"run.recipe", QCTX_KEY_CHOICE, AT(run.recipe), "none", .choices = qctx_recipe_names,
     .meaning = "`auto`: what is not set of head, loss, rate and epochs follows from the data, as the log says; the "
                "default where the file has no key of model, loss, optim and batch (docs/training.md)"},
    {"run.hang_timeout", QCTX_KEY_COUNT, AT(run.hang_timeout), "600", FROM(0), .may_change = true,
     .meaning = "seconds that a rank may stay silent while others wait, before the job is ended; 0: for ever"},

    {"data.train", QCTX_KEY_SOURCES, AT(data.train), .meaning = "sources to train on, mixed; required (see below)"},
    {"data.eval", QCTX_KEY_SOURCES, AT(data.eval), "[]", .meaning = "sources to evaluate, a table each"},
    {"data.encoder", QCTX_KEY_ENCODERS, AT(data.encoder), "hashing",
     .meaning = "what embeds corpora: `hashing`, a model folder, a list of such (joined), or a store whose encoder is "
                "used; also as mappings with a field of contexts (see below)"},
    {"data.cache", QCTX_KEY_TEXT, AT(data.cache), QCTX_CONFIG_CACHE, .may_change = true,
     .meaning = "folder of the stores made from corpora"},
    {"data.dtype", QCTX_KEY_CHOICE, AT(data.dtype), "float32", .choices = qctx_dtype_names,
     .meaning = "of the vectors in those stores; `float16` halves them"},
    {"data.min_grade", QCTX_KEY_NUMBER, AT(data.min_grade), "1", ABOVE(0),
     .meaning = "grade from which a judged context makes a training pair; those below are no negatives either"},
    {"data.titles", QCTX_KEY_FLAG, AT(data.titles), "true", .before = "false",
     .meaning = "embed contexts with their titles in front, as BEIR does; stores must have been made alike"},
    {"data.teacher", QCTX_KEY_TEXT, AT(data.teacher), "\"\"", .may_be_empty = true,
     .meaning = "a teacher's scores of contexts, by which the head is trained as well: a file of question id, context "
                "id and score (JSONL or TSV); of several sources each names its own"},

    {"encoder.precision", QCTX_KEY_CHOICE, AT(encoder.precision), "float32", .choices = qctx_precision_names,
     .meaning = "of a model's products; `auto`: `bfloat16` where every rank's CPU has instructions for it"},
    {"encoder.dim", QCTX_KEY_COUNT, AT(encoder.dim), "0", BETWEEN(0, 65536),
     .meaning = "first coordinates of a model's vectors to keep (matryoshka); 0: all"},
    {"encoder.pooling", QCTX_KEY_TEXT, AT(encoder.pooling), "\"\"", .may_be_empty = true,
     .meaning = "`mean`, `cls`, `max`, `last` or several as `cls+max`; empty: as the model's folder says"},
    {"encoder.question_prompt", QCTX_KEY_TEXT, AT(encoder.question_prompt), "model", .may_be_empty = true,
     .meaning = "put before every question, such as `\"query: \"`; `model`: the folder's own; empty: none"},
    {"encoder.context_prompt", QCTX_KEY_TEXT, AT(encoder.context_prompt), "model", .may_be_empty = true,
     .meaning = "put before every context, likewise"},
    {"encoder.context_model", QCTX_KEY_TEXT, AT(encoder.context_model), "\"\"", .may_be_empty = true,
     .meaning = "another model folder for contexts; empty: the same"},
    {"encoder.weights", QCTX_KEY_NUMBERS, AT(encoder.weights), "[]", FROM(0),
     .meaning = "of several encoders, in their order; empty: all 1, or those in `data.encoder`"},
    {"encoder.tune", QCTX_KEY_FLAG, AT(encoder.tune), "false",
     .meaning = "choose the weights on the training questions held out by `eval.tune`"},

    {"model.form", QCTX_KEY_CHOICE, AT(model.form), "residual", .choices = qctx_head_form_names,
     .meaning = "`residual`: x + α·MLP(x), begins at the encoder's own quality; `plain`: MLP(x)"},
    {"model.layers", QCTX_KEY_COUNT, AT(model.layers), "2", BETWEEN(1, 64), .by_recipe = true,
     .meaning = "linear layers of the MLP"},
    {"model.hidden", QCTX_KEY_COUNT, AT(model.hidden), "1024", BETWEEN(1, 1048576), .by_recipe = true,
     .meaning = "width between them"},
    {"model.output", QCTX_KEY_COUNT, AT(model.output), "0", BETWEEN(0, 1048576),
     .meaning = "width of the result; 0: the encoder's, the only one for residual heads and single sides"},
    {"model.activation", QCTX_KEY_CHOICE, AT(model.activation), "relu", .choices = qctx_activation_names,
     .meaning = "between the layers"},
    {"model.dropout", QCTX_KEY_NUMBER, AT(model.dropout), "0", UP_TO(0, 1), .by_recipe = true,
     .meaning = "share of hidden units left out in each training step"},
    {"model.sides", QCTX_KEY_CHOICE, AT(model.sides), "both", .choices = qctx_head_sides_names, .by_recipe = true,
     .meaning = "what the head projects; `shared` is one MLP for both sides"},
    {"model.start", QCTX_KEY_TEXT, AT(model.start), "\"\"", .may_be_empty = true,
     .meaning =
         "a run or checkpoint whose head this one starts from, at its strength; empty: weights drawn by the seed"},

    {"loss.kind", QCTX_KEY_CHOICE, AT(loss.kind), "clip", .choices = qctx_loss_kind_names,
     .meaning = "`clip`: cross entropy with in-batch negatives; `soft`: QuestionContext's soft targets; `sigmoid`: "
                "each pair by itself"},
    {"loss.direction", QCTX_KEY_CHOICE, AT(loss.direction), "both", .choices = qctx_loss_direction_names,
     .meaning = "of `clip`: what looks for its partner, questions, contexts or both"},
    {"loss.candidates", QCTX_KEY_CHOICE, AT(loss.candidates), "batch", .choices = qctx_loss_candidates_names,
     .by_recipe = true,
     .meaning = "what a question is contrasted with: the contexts of its batch, or of the `corpus`, all that answer "
                "training questions, which go through the head in each step"},
    {"loss.similarity", QCTX_KEY_CHOICE, AT(loss.similarity), "auto", .choices = qctx_similarity_names,
     .meaning = "how the ranks share the scores: the same loss at other costs; `auto`: the fewest operations that fit"},
    {"loss.normalize", QCTX_KEY_FLAG, AT(loss.normalize), "true",
     .meaning = "compare by cosine; otherwise by plain dot product"},
    {"loss.recovery", QCTX_KEY_NUMBER, AT(loss.recovery), "0", FROM(0),
     .meaning =
         "weight of the penalty ‖y − x‖² for moving a vector, both at unit length, beside the loss that is shown: "
         "less is forgotten of other questions"},
    {"loss.logit_scale.init", QCTX_KEY_NUMBER, AT(loss.logit_scale.init), "20", ABOVE(0),
     .meaning = "factor of the similarities at the start: 1 / temperature"},
    {"loss.logit_scale.learn", QCTX_KEY_FLAG, AT(loss.logit_scale.learn), "true", .meaning = "train it, too"},
    {"loss.logit_scale.max", QCTX_KEY_NUMBER, AT(loss.logit_scale.max), "100", ABOVE(0), .meaning = "clamp of it"},
    {"loss.logit_bias.init", QCTX_KEY_NUMBER, AT(loss.logit_bias.init), "-10", .least = -INFINITY, .most = INFINITY,
     .meaning = "of `sigmoid`: added to the scaled similarities; SigLIP starts with -10 and a logit scale of 10"},
    {"loss.logit_bias.learn", QCTX_KEY_FLAG, AT(loss.logit_bias.learn), "true", .meaning = "train it, too"},
    {"loss.distill.kind", QCTX_KEY_CHOICE, AT(loss.distill.kind), "kl", .choices = qctx_distill_kind_names,
     .meaning = "what a teacher's scores ask for: `kl`, its distribution over a question's scored contexts; "
                "`margin_mse`, its distances between right and wrong ones"},
    {"loss.distill.weight", QCTX_KEY_NUMBER, AT(loss.distill.weight), "1", FROM(0),
     .meaning = "of that, beside the contrastive loss"},
    {"loss.distill.temperature", QCTX_KEY_NUMBER, AT(loss.distill.temperature), "1", ABOVE(0),
     .meaning = "divides the teacher's scores: 1 for a cross-encoder's logits, about 0.05 for cosines"},

    {"optim.kind", QCTX_KEY_CHOICE, AT(optim.kind), "adamw", .choices = qctx_optimizer_kind_names,
     .meaning = "optimiser"},
    {"optim.lr", QCTX_KEY_NUMBER, AT(optim.lr), "3e-4", ABOVE(0), .by_recipe = true,
     .meaning = "learning rate at the end of the warm-up"},
    {"optim.lr_last", QCTX_KEY_NUMBER, AT(optim.lr_last), "0", BETWEEN(0, 1),
     .meaning = "share of it that the last step has (cosine, linear)"},
    {"optim.weight_decay", QCTX_KEY_NUMBER, AT(optim.weight_decay), "0.1", FROM(0), .by_recipe = true,
     .meaning = "of weights, never of biases or the logit scale"},
    {"optim.beta1", QCTX_KEY_NUMBER, AT(optim.beta1), "0.9", UP_TO(0, 1), .meaning = "adamw, adam: memory of the mean"},
    {"optim.beta2", QCTX_KEY_NUMBER, AT(optim.beta2), "0.999", UP_TO(0, 1),
     .meaning = "adamw, adam: memory of the square"},
    {"optim.epsilon", QCTX_KEY_NUMBER, AT(optim.epsilon), "1e-8", ABOVE(0),
     .meaning = "adamw, adam: keeps the divisor from 0"},
    {"optim.momentum", QCTX_KEY_NUMBER, AT(optim.momentum), "0.9", UP_TO(0, 1), .meaning = "sgd"},
    {"optim.schedule", QCTX_KEY_CHOICE, AT(optim.schedule), "cosine", .choices = qctx_decay_names,
     .meaning = "the rate after the warm-up"},
    {"optim.warmup", QCTX_KEY_COUNT, AT(optim.warmup), "auto", FROM(0), .may_be_auto = true,
     .meaning = "steps in which the rate rises; `auto`: a tenth of the run's steps, at most 50"},
    {"optim.clip_norm", QCTX_KEY_NUMBER, AT(optim.clip_norm), "1.0", FROM(0),
     .meaning = "longest gradient, as global norm; 0: no clipping"},

    {"batch.size", QCTX_KEY_COUNT, AT(batch.size), "auto", BETWEEN(2, 16777216), .may_be_auto = true,
     .meaning = "pairs a step over all ranks, whatever their number; `auto`: the largest power of two that leaves the "
                "run 100 steps, from 16 to 2048"},
    {"batch.epochs", QCTX_KEY_COUNT, AT(batch.epochs), "20", FROM(1), .may_change = true, .by_recipe = true,
     .meaning = "passes over the training pairs"},
    {"batch.steps", QCTX_KEY_COUNT, AT(batch.steps), "0", FROM(0), .may_change = true,
     .meaning = "stop after so many steps, for a quick try; 0: the epochs decide"},
    {"batch.run", QCTX_KEY_COUNT, AT(batch.run), "1", BETWEEN(1, 16777216),
     .meaning = "neighbours that stand in a row: questions of one title or, where contexts have none, of one source in "
                "the order of its file; 1: all questions in random order"},
    {"batch.one_source", QCTX_KEY_FLAG, AT(batch.one_source), "false",
     .meaning = "a batch has questions of one of the sources alone"},

    {"negatives.count", QCTX_KEY_COUNT, AT(negatives.count), "0", BETWEEN(0, 1000),
     .meaning = "hard negatives of each question, which all questions of its batch meet; 0: none"},
    {"negatives.from", QCTX_KEY_CHOICE, AT(negatives.from), "mined", .choices = qctx_negatives_from_names,
     .meaning = "`mined` among the training corpora, or each source's `file` of negatives; a list of more than "
                "`negatives.count` gives the next ones every so many epochs, in a circle"},
    {"negatives.depth", QCTX_KEY_COUNT, AT(negatives.depth), "100", BETWEEN(1, 100000),
     .meaning = "best contexts of the training corpora among which they are looked for"},
    {"negatives.margin", QCTX_KEY_NUMBER, AT(negatives.margin), "0.95", BETWEEN(0, 1),
     .meaning = "share of a right context's score above which a context may be right as well, and is left out"},
    {"negatives.every", QCTX_KEY_COUNT, AT(negatives.every), "1", BETWEEN(1, 1000000),
     .meaning = "mine before every so many epochs, with the head as it is"},

    {"eval.every", QCTX_KEY_COUNT, AT(eval.every), "1", FROM(0), .may_change = true,
     .meaning = "epochs between; 0: only at the end"},
    {"eval.pool", QCTX_KEY_COUNT, AT(eval.pool), "500", FROM(2), .meaning = "questions a pool"},
    {"eval.order", QCTX_KEY_CHOICE, AT(eval.order), "consecutive", .choices = qctx_pool_order_names,
     .meaning = "which questions share a pool: neighbours, or by a seeded shuffle"},
    {"eval.candidates", QCTX_KEY_CHOICE, AT(eval.candidates), "pools", .choices = qctx_candidates_names,
     .meaning = "contexts to choose from: those of the pool, of the split's questions, or all of the corpus"},
    {"eval.metric", QCTX_KEY_CHOICE, AT(eval.metric), "top1", .choices = qctx_metric_choices,
     .meaning = "chooses the best checkpoint and the strength"},
    {"eval.gain", QCTX_KEY_CHOICE, AT(eval.gain), "linear", .choices = qctx_gain_names,
     .meaning = "what a graded context is worth to nDCG: its grade, as trec_eval has it, or 2^grade − 1"},
    {"eval.relevant", QCTX_KEY_NUMBER, AT(eval.relevant), "1", ABOVE(0),
     .meaning = "grade from which a context is right in all other metrics"},
    {"eval.ignore_identical_ids", QCTX_KEY_FLAG, AT(eval.ignore_identical_ids), "true",
     .meaning = "leave the context that has the question's own id out of its list, as BEIR does, unless it answers it"},
    {"eval.tune", QCTX_KEY_NUMBER, AT(eval.tune), "auto", BETWEEN(0, 0.5), .may_be_auto = true,
     .meaning = "share of the training questions held out for that choice; 0: none; `auto`: 0.05, and more of few "
                "questions: 200 of them, but at most a fifth"},
    {"eval.tune_split", QCTX_KEY_NAME, AT(eval.tune_split), "\"\"", .may_be_empty = true,
     .meaning = "a split of the training sources to use instead of a share"},
    {"eval.caution", QCTX_KEY_NUMBER, AT(eval.caution), "0", BETWEEN(0, 10), .by_recipe = true,
     .meaning = "standard errors by which a strength's gain over no head must be more than nothing: the strength whose "
                "gain less these is the most is chosen; 0: the one of the most gain"},
    {"eval.widen", QCTX_KEY_FLAG, AT(eval.widen), "true", .may_change = true,
     .meaning =
         "choose among all contexts of the corpus where the held-out questions fill no pool, or no head is right "
         "for 9 of 10; `false` in the trials of a sweep, which are held against one another"},
    {"eval.guard", QCTX_KEY_SOURCES, AT(eval.guard), "[]",
     .meaning = "sources of another kind than what is trained on, a table each: epoch and strength are chosen among "
                "those at which the head loses on none of them, by the 95% interval of any metric"},
    {"eval.bootstrap", QCTX_KEY_COUNT, AT(eval.bootstrap), "1000", BETWEEN(10, 1000000), .may_change = true,
     .meaning = "resamples behind the 95% intervals"},
    {"eval.predictions", QCTX_KEY_COUNT, AT(eval.predictions), "0", BETWEEN(0, 1000), .may_change = true,
     .meaning =
         "held-out questions shown after every evaluation, with what is ranked first and where the right context "
         "stands; 0: none"},

    {"checkpoint.every", QCTX_KEY_COUNT, AT(checkpoint.every), "1", FROM(0), .may_change = true,
     .meaning = "epochs between; 0: not by epochs. One is always written at the end, and when the run is stopped"},
    {"checkpoint.steps", QCTX_KEY_COUNT, AT(checkpoint.steps), "0", FROM(0), .may_change = true,
     .meaning = "steps between, besides; 0: not by steps"},
    {"checkpoint.minutes", QCTX_KEY_NUMBER, AT(checkpoint.minutes), "10", FROM(0), .may_change = true,
     .meaning = "minutes between, besides; 0: not by time"},
    {"checkpoint.keep", QCTX_KEY_COUNT, AT(checkpoint.keep), "2", FROM(1), .may_change = true,
     .meaning = "last checkpoints kept beside the best"},
};
const int64_t qctx_config_key_count = sizeof qctx_config_keys / sizeof qctx_config_keys[0];

_Static_assert(sizeof qctx_config_keys / sizeof qctx_config_keys[0] <= QCTX_CONFIG_KEYS_MAX, "raise the bound");

const char *const qctx_negatives_from_names[] = {
    [QCTX_NEGATIVES_MINED] = "mined", [QCTX_NEGATIVES_OF_FILE] = "file", NULL};

#undef AT
#define AT(member) .offset = offsetof(qctx_source, member)

const qctx_config_key qctx_source_keys[] = {
    {"corpus", QCTX_KEY_TEXT, AT(corpus), .meaning = "folder of a corpus, embedded once; or else"},
    {"store", QCTX_KEY_TEXT, AT(store), .meaning = "an embedding store, used as it is"},
    {"split", QCTX_KEY_NAME, AT(split),
     .meaning = "which of its splits; by default `train` in data.train, `dev` elsewhere"},
    {"name", QCTX_KEY_TEXT, AT(name), .meaning = "what tables call it; by default the path's last part and the split"},
    {"limit", QCTX_KEY_COUNT, AT(limit), "0", FROM(0), .meaning = "first questions only, for a quick try; 0: all"},
    {"weight", QCTX_KEY_NUMBER, AT(weight), "1", ABOVE_TO(0, 1000),
     .meaning = "of data.train: how often an epoch has each of its questions; 0.5: half of them, the others in the "
                "next one"},
    {"teacher", QCTX_KEY_TEXT, AT(teacher),
     .meaning = "of data.train: a file of a teacher's scores, as `data.teacher` is for a single source"},
    {"negatives", QCTX_KEY_TEXT, AT(negatives),
     .meaning = "of data.train: the file that lists negatives of its questions, by ids, for `negatives.from: file`; by "
                "default the corpus's own, negatives/SPLIT.tsv"},
    {"external", QCTX_KEY_FLAG, AT(external), "false",
     .meaning = "the store may hold its vectors in other files, by links; refused otherwise, since a stranger's store "
                "could name any file"},
};
const int64_t qctx_source_key_count = sizeof qctx_source_keys / sizeof qctx_source_keys[0];

#undef AT
#define AT(member) .offset = offsetof(qctx_encoder_entry, member)

const qctx_config_key qctx_entry_keys[] = {
    {"model", QCTX_KEY_TEXT, AT(model), .meaning = "`hashing`, a model folder, or a store; required"},
    {"field", QCTX_KEY_TEXT, AT(field),
     .meaning = "what of a context is encoded: `text`, `title+text`, `title`, or any key of corpus.jsonl that holds "
                "texts, such as `paragraph`; by default as `data.titles` says. A context that lacks it gives its text. "
                "Entries of one model with several fields are one part of the vectors: the weighted sum"},
    {"weight", QCTX_KEY_NUMBER, AT(weight), "1", FROM(0),
     .meaning = "of this entry beside the others; chosen with `encoder.tune`"},
};
const int64_t qctx_entry_key_count = sizeof qctx_entry_keys / sizeof qctx_entry_keys[0];

int64_t qctx_config_find(const qctx_config_key *keys, int64_t count, const char *path)
{
    for (int64_t i = 0; i < count; i++)
        if (strcmp(keys[i].path, path) == 0)
            return i;
    return -1;
}

bool qctx_config_is_section(const char *path)
{
    size_t length = strlen(path);

    for (int64_t i = 0; i < qctx_config_key_count; i++)
        if (strncmp(qctx_config_keys[i].path, path, length) == 0 && qctx_config_keys[i].path[length] == '.')
            return true;
    return false;
}

static void describe_number(const qctx_config_key *key, char *buffer)
{
    const char *what = key->type == QCTX_KEY_COUNT ? "a whole number" : "a number";
    const char *or_auto = key->may_be_auto ? " or auto" : "";

    if (isinf(key->least))
        snprintf(buffer, QCTX_EXPECTED_MAX, "%s%s", what, or_auto);
    else if (isinf(key->most))
        snprintf(buffer, QCTX_EXPECTED_MAX, "%s %s %.15g%s", what, key->above_least ? ">" : "≥", key->least, or_auto);
    else
        snprintf(buffer, QCTX_EXPECTED_MAX, "%s in %c%.15g, %.15g%c%s", what, key->above_least ? '(' : '[', key->least,
                 key->most, key->below_most ? ')' : ']', or_auto);
}

const char *qctx_config_expected(const qctx_config_key *key, char buffer[QCTX_EXPECTED_MAX])
{
    size_t used;

    switch (key->type) {
    case QCTX_KEY_TEXT:
        snprintf(buffer, QCTX_EXPECTED_MAX, "a text");
        break;
    case QCTX_KEY_NAME:
        snprintf(buffer, QCTX_EXPECTED_MAX, "a name without '/'");
        break;
    case QCTX_KEY_BYTES:
        snprintf(buffer, QCTX_EXPECTED_MAX, "0 or a size with its unit, such as 500MB or 2GiB");
        break;
    case QCTX_KEY_COUNT:
    case QCTX_KEY_NUMBER:
        describe_number(key, buffer);
        break;
    case QCTX_KEY_FLAG:
        snprintf(buffer, QCTX_EXPECTED_MAX, "true or false");
        break;
    case QCTX_KEY_CHOICE:
        used = (size_t)snprintf(buffer, QCTX_EXPECTED_MAX, "%s", key->choices[1] != NULL ? "one of " : "");
        qctx_names_join(key->choices, ", ", ", ", buffer + used, QCTX_EXPECTED_MAX - used);
        break;
    case QCTX_KEY_SOURCES:
        snprintf(buffer, QCTX_EXPECTED_MAX, "a list of sources, such as [{corpus: corpora/squad, split: train}]");
        break;
    case QCTX_KEY_ENCODERS:
        snprintf(buffer, QCTX_EXPECTED_MAX, "an encoder or a list of encoders");
        break;
    case QCTX_KEY_NUMBERS:
        snprintf(buffer, QCTX_EXPECTED_MAX, "a list of numbers ≥ %.15g", key->least);
        break;
    }
    return buffer;
}
