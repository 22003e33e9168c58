/* What the files of the teacher share: teacher.c (files, and what is said of them), teacher_arrange.c (the lists). */
#ifndef QCTX_DATASET_TEACHER_INTERNAL_H
#define QCTX_DATASET_TEACHER_INTERNAL_H

#include <stdbool.h>

#include "qctx/dataset/teacher.h"

/* A line, of a question that is an example and a context that is there. */
typedef struct {
    int64_t example;
    qctx_negative context;
    int64_t line;
    float score;
} teacher_score;

typedef struct {
    int64_t lines;
    int64_t unknown_questions; /* lines of ids that are not there */
    int64_t unknown_contexts;
    int64_t others;         /* lines of questions that are there, but no examples */
    int64_t contradictory;  /* lines that a later one overrules */
    int64_t singles;        /* questions with one scored context */
    int64_t without_margin; /* questions without a right, or without a wrong one */
} teacher_counts;

typedef struct {
    bool margins; /* lists are for margin_mse */
    int64_t files;
    const char *path; /* of the last file; borrowed */
    uint64_t hash;    /* of all lines */
    teacher_score *scores;
    int64_t count, capacity;
    teacher_counts counts;
} teacher_reading;

/* Makes the lists of the examples, and counts what makes none. Sorts what was read. Local. Errors: MEMORY. */
qctx_status teacher_arrange(teacher_reading *reading, const qctx_examples *examples, qctx_teacher *teacher,
                            qctx_error *error);

#endif
