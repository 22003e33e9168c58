/*
 * The configuration of a run: a typed schema over a YAML file and overrides
 * from the command line, all errors at once.
 *
 * One table (config_schema.c) says for every key its type, bounds, default and
 * meaning; parsing, the resolved dump, the did-you-mean and the reference in
 * docs/configuration.md all come from it. To add a key: one member here, one row in the table.
 *
 * Values are written one way only: booleans true or false in any case, numbers in decimal digits (3e-4, not 0x10,
 * 1_000, 010 or inf), memory with a unit (500MB, 2GiB), no null. What only the data or the encoder can tell
 * (model.output, optim.warmup against the steps of the run) is checked by those who know it.
 */
#ifndef QCTX_CONFIG_CONFIG_H
#define QCTX_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/config/encoder_spec.h"
#include "qctx/config/protocol.h"
#include "qctx/model/distill.h"
#include "qctx/model/head.h"
#include "qctx/model/loss.h"
#include "qctx/model/optimizer.h"
#include "qctx/model/schedule.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"
#include "qctx/text/yaml.h"

/*
 * A count, number or choice that is left to the data: `auto`, the default of batch.size, optim.warmup and eval.tune,
 * and what a recipe sets as long as the data are not known (training/recipe.h).
 */
enum { QCTX_CONFIG_AUTO = -1 };

/* Whether keys that are not set have their defaults, or are left to the data. */
typedef enum { QCTX_RECIPE_NONE, QCTX_RECIPE_AUTO } qctx_recipe_kind;
extern const char *const qctx_recipe_names[];

/* Where negatives of a question are from: the best of the scan, or the files of its source. */
typedef enum { QCTX_NEGATIVES_MINED, QCTX_NEGATIVES_OF_FILE } qctx_negatives_from;
extern const char *const qctx_negatives_from_names[];

/* data.cache where nothing else is said, in the folder where the program is started. */
#define QCTX_CONFIG_CACHE "stores"

/* One entry of data.train, data.eval or eval.guard: a corpus (embedded on demand) or a store, and a split of it. */
typedef struct {
    char *corpus;    /* or NULL */
    char *store;     /* or NULL; exactly one is set */
    char *split;     /* default "train" in data.train, "dev" elsewhere; NULL: qctx_config_learn_from */
    char *name;      /* what tables call it; default: the path's last part and the split, "squad/dev" */
    int64_t limit;   /* first questions only; 0: all */
    double weight;   /* of data.train: how often an epoch has each question */
    char *teacher;   /* of data.train: a file of a teacher's scores, or NULL */
    char *negatives; /* of data.train: a file of its questions' negatives, or NULL: that of its corpus */
    bool external;   /* the store may hold its vectors in other files */
    bool as_named;   /* by the user at this moment: taken as it stands, whatever a run was trained with */
} qctx_source;

typedef struct {
    int64_t count;
    qctx_source *items;
} qctx_sources;

typedef struct {
    int64_t count;
    qctx_encoder_entry *items;
    bool given; /* not the default */
} qctx_encoder_entries;

/* A list of numbers. */
typedef struct {
    int64_t count;
    double *items;
} qctx_numbers;

typedef struct {
    struct {
        char *name; /* default: the config file's name without its ending */
        char *out;  /* folder of runs */
        int64_t seed;
        int64_t memory; /* bytes a rank may use for a step; 0: its share of what the node has free */
        qctx_precision precision;
        bool reproducible;
        qctx_recipe_kind recipe;
        int64_t hang_timeout; /* seconds that ranks may stay silent; 0: for ever */
    } run;
    struct {
        qctx_sources train;
        qctx_sources eval;            /* may be empty: then only the tuning pairs are evaluated */
        qctx_encoder_entries encoder; /* "hashing" and model folders, joined; or one store, whose encoder is used */
        char *cache;                  /* folder of stores made on demand */
        qctx_dtype dtype;             /* of those stores */
        double min_grade;             /* from which a judged context makes a training pair */
        bool titles;                  /* contexts are embedded with their titles in front; stores must have been, too */
        char *teacher;                /* of the one source of train: a file of a teacher's scores; "": none */
    } data;
    struct {
        qctx_precision precision; /* this and the next five are for model folders */
        int64_t dim;              /* first coordinates kept; 0: all */
        char *pooling;            /* "": as the folder says */
        char *question_prompt;    /* "model": the folder's own; "": none */
        char *context_prompt;
        char *context_model;  /* another folder for contexts; "": the same */
        qctx_numbers weights; /* of several encoders, in their order; none: those of data.encoder's entries */
        bool tune;            /* the weights are chosen on held-out training questions */
    } encoder;
    struct {
        qctx_head_form form;
        int64_t layers;
        int64_t hidden;
        int64_t output; /* 0: the encoder's dimension */
        qctx_activation activation;
        double dropout;
        qctx_head_sides sides;
        char *start; /* the run or checkpoint whose head this one starts from; "": initial weights */
    } model;
    struct {
        qctx_loss_kind kind;
        qctx_loss_direction direction;
        qctx_loss_candidates candidates;
        qctx_similarity similarity;
        bool normalize;
        double recovery; /* weight of how far rows are moved; 0: none */
        struct {
            double init; /* s, not its logarithm */
            bool learn;
            double max;
        } logit_scale;
        struct {
            double init;
            bool learn;
        } logit_bias; /* of sigmoid */
        struct {
            qctx_distill_kind kind;
            double weight;      /* λ, beside the contrastive loss */
            double temperature; /* that divides the teacher's scores */
        } distill;              /* used where a source has a teacher */
    } loss;
    struct {
        qctx_optimizer_kind kind;
        double lr;
        double lr_last; /* share of lr that the last step has */
        double weight_decay;
        double beta1;
        double beta2;
        double epsilon;
        double momentum;
        qctx_decay schedule;
        int64_t warmup;   /* or AUTO */
        double clip_norm; /* 0: no clipping */
    } optim;
    struct {
        int64_t size; /* global, whatever the number of ranks; or AUTO */
        int64_t epochs;
        int64_t steps; /* stop after so many; 0: epochs decide */
        int64_t run;   /* neighbours that stand in a row; 1: none */
        bool one_source;
    } batch;
    struct {
        int64_t count; /* contexts of a question; 0: none */
        qctx_negatives_from from;
        int64_t depth; /* the best contexts among which they are looked for */
        double margin; /* of the right context's score, above which they may be right as well */
        int64_t every; /* epochs */
    } negatives;
    struct {
        int64_t every; /* epochs; 0: only at the end */
        int64_t pool;
        qctx_pool_order order;
        qctx_candidates candidates;
        qctx_metric metric;
        qctx_gain gain;
        double relevant; /* grade from which a context is right */
        bool ignore_identical_ids;
        double tune;      /* share of the training questions held out to choose epoch and strength; 0: none; or AUTO */
        char *tune_split; /* a split of the training sources to use instead; "" for none */
        double caution;   /* standard errors that a strength's gain counts less by */
        bool widen;       /* the candidates of that choice, where those of `candidates` do not tell heads apart */
        qctx_sources guard;  /* that the chosen head may not lose on */
        int64_t bootstrap;   /* resamples */
        int64_t predictions; /* questions shown at every evaluation */
    } eval;
    struct {
        int64_t every;  /* epochs; 0: not by epochs */
        int64_t steps;  /* 0: not by steps */
        double minutes; /* 0: not by time */
        int64_t keep;   /* last checkpoints kept beside the best */
    } checkpoint;
} qctx_config;

/*
 * Reads `path`, a file that its user wrote (rank 0 reads, all parse the same bytes), and applies `overrides` [count],
 * each "key.path=value" with a YAML value: a value, a list of sources, or some keys of a section ("optim={kind: sgd,
 * lr: 0.1}"). Later ones win. A file without keys of model, loss, optim and batch, that names only data, has run.recipe
 * auto unless it or an override says otherwise. Collective. The caller frees what it holds with qctx_config_free; a
 * failure leaves nothing to free. Errors: IO, MEMORY, CONFIG: every error of file and overrides, one a line, as
 * "file:line:col: key.path: reason" or "command line: key.path: reason".
 */
qctx_status qctx_config_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                             qctx_config *config, qctx_error *error);

/* The same from a text, in which run.recipe is none where it is not set; `name` stands for the file. Local. */
qctx_status qctx_config_parse(const char *text, size_t bytes, const char *name, const char *const *overrides,
                              int64_t count, qctx_config *config, qctx_error *error);

/*
 * The configuration that a run or a sweep keeps, as qctx_config_dump wrote it. A key that is not in it is younger than
 * the program that wrote it, and has the value by which that program worked, which is not always the default. Local.
 */
qctx_status qctx_config_parse_kept(const char *text, size_t bytes, const char *name, qctx_config *config,
                                   qctx_error *error);

/*
 * Looks whether `node`, from another YAML file called `name`, is a value of the key or section `path`, all by itself.
 * Complaints are added to `report`, as "name:line:col: path: reason"; `*good` says whether there are none. Local.
 * Errors: MEMORY only.
 */
qctx_status qctx_config_check_value(const char *path, const qctx_yaml *node, const char *name, bool *good,
                                    qctx_error *report);

/*
 * Whether `path` is a key or a section; if not, `report` gets a line "name:line:col: path: unknown key", with what was
 * perhaps meant. Local.
 */
bool qctx_config_check_path(const char *path, const char *name, int line, int column, qctx_error *report);

/* Whether `path` names a section: keys stand below it. Local. */
bool qctx_config_is_section(const char *path);

/*
 * Puts the corpora or stores at paths [count] in the place of data.eval and eval.guard; their `split` is "dev" where
 * NULL. Local. Errors: IO, FORMAT (neither of both), MEMORY. A store brings its encoder, so that data.train is left out
 * beside it.
 */
qctx_status qctx_config_evaluate_on(qctx_config *config, const char *const *paths, int64_t count, const char *split,
                                    qctx_error *error);

/*
 * The configuration of encoders [count] without a run: the defaults, and neither data.train nor data.eval. Local. The
 * caller frees it, also after a failure. Errors: MEMORY.
 */
qctx_status qctx_config_of_encoders(char *const *encoders, int64_t count, qctx_config *config, qctx_error *error);

/*
 * data.train = the corpora of data.eval, each with one of splits [data.eval.count], for encoders that learn. A split
 * may be NULL: they learn from all contexts of the corpus then, and no question of it is trained on. Local. Errors:
 * MEMORY.
 */
qctx_status qctx_config_learn_from(qctx_config *config, const char *const *splits, qctx_error *error);

/* Frees what the config holds and zeroes it. Safe on a zeroed config. Local. */
void qctx_config_free(qctx_config *config);

/* The resolved configuration as YAML: parsing it gives the same configuration. Freshly allocated. Local. */
char *qctx_config_dump(const qctx_config *config, qctx_error *error);

/* The reference of all keys as Markdown tables, from the schema. Local. */
void qctx_config_reference(FILE *out);

/*
 * Whether a run that was started with `then` can go on with `now`: they are equal but for the keys that the schema lets
 * a resumed run change (how long it trains, where its files are, how it is watched). Local. Errors: MISMATCH with a
 * line for every key that differs, MEMORY.
 */
qctx_status qctx_config_check_resume(const qctx_config *then, const qctx_config *now, qctx_error *error);

/*
 * The first key, in the order of the dump, whose values differ, among `keys` and those in sections among them; closed
 * by NULL. NULL where none differs. Local.
 */
const char *qctx_config_first_difference(const qctx_config *one, const qctx_config *other, const char *const *keys);

/* Whether run.recipe leaves this key of `config` to the data. Local. */
bool qctx_config_is_left(const qctx_config *config, const char *path);

/*
 * What `config` leaves to the data becomes what `then`, the configuration of a run that goes on, had there: the run's
 * own choice, or what was written before there was one. Local.
 */
void qctx_config_adopt_auto(qctx_config *config, const qctx_config *then);

/* The head that a config describes for vectors of `input` floats; whether its output fits them is not asked. Local. */
qctx_head_config qctx_config_head(const qctx_config *config, int64_t input);

/* The file of a teacher's scores for source `source` of data.train, borrowed, or NULL. Local. */
const char *qctx_config_teacher(const qctx_config *config, int64_t source);

/* "<run.out>/<run.name>", freshly allocated. Local. */
char *qctx_config_run_folder(const qctx_config *config, qctx_error *error);

/* data.encoder and encoder.*, which the specification borrows. Local. */
qctx_encoder_spec qctx_config_encoder_spec(const qctx_config *config);

#endif
