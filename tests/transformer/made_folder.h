/* Folders of models as tests make them: configurations and one tensor, all that opening them looks at. */
#ifndef QCTX_TESTS_MADE_FOLDER_H
#define QCTX_TESTS_MADE_FOLDER_H

#include "made_safetensors.h"
#include "qctx/transformer/model_folder.h"

extern qctx_model_folder folder; /* that opens() opened, or refuses() left alone */
extern qctx_error refusal;       /* what the last refuses() got to read */

/* Templates, in which "%s" stands for what comes at the end. */
extern const char made_bert[];      /* config.json */
extern const char made_modules[];   /* modules.json of a BERT that is pooled */
extern const char made_open_clip[]; /* open_clip_config.json */

extern const char made_new_dense[]; /* modules behind these: Dense and Normalize in the names of newer releases */

/* The folder of the model; and makes it anew, since that of an earlier test may hold more. */
const char *home(void);
void begin(void);

/* The path of a file in it; and writes one. */
const char *inside(const char *name);
void put(const char *name, const char *text);

/* A file from a template, in which "%s" stands for what follows, in order. */
void put_with(const char *name, const char *template, const char *more, const char *later);

/* Weights of one tensor, which is all that is looked for here. */
void put_weights(const char *name, const char *tensor);

/* A plain BERT folder whose config.json has `more` at its end. */
void make_bert(const char *more);

/* The same with sentence-transformers' files, pooled as this configuration says. */
void make_sentence(const char *later_modules, const char *pooling);

/* A folder of OpenCLIP, with more in text_cfg and in model_cfg. */
void make_open_clip(const char *text, const char *model);

/* It is a model, and opens as `folder`. */
void opens(void);

/* Refused, with a message that holds all of these. */
void refuses(qctx_status expected, const char *file, const char *found, const char *wanted);

#endif
