#include "hashing_internal.h"

typedef struct {
    const hashing_state *state;
    const char *const *texts;
    int64_t count;
    hashing_visit *visit;
    hashing_finish *finish;
    void *argument;
    /* Of the whole team, guarded by the critical section. */
    qctx_status status;
    qctx_error *error;
} team_work;

/* What each thread of the team runs; all of them meet the loop, also one that has failed. */
static void work(team_work *team)
{
    hashing_analyser analyser;
    qctx_error own;
    qctx_status status = hashing_analyser_open(&analyser, team->state->dim, &own);

#pragma omp for schedule(dynamic, 256)
    for (int64_t i = 0; i < team->count; i++) {
        if (status == QCTX_OK)
            status = hashing_analyse(&analyser, team->texts[i], &own);
        if (status == QCTX_OK)
            status = team->visit(team->state, &analyser, i, team->argument, &own);
    }
#pragma omp critical(hashing_team)
    {
        if (status == QCTX_OK && team->finish != NULL)
            status = team->finish(&analyser, team->argument, &own);
        if (status != QCTX_OK && team->status == QCTX_OK) {
            team->status = status;
            if (team->error != NULL)
                *team->error = own;
        }
    }
    hashing_analyser_close(&analyser);
}

qctx_status hashing_for_each(const hashing_state *state, const char *const *texts, int64_t count, hashing_visit *visit,
                             hashing_finish *finish, void *argument, qctx_error *error)
{
    team_work team = {state, texts, count, visit, finish, argument, QCTX_OK, error};

#pragma omp parallel if (count > 1)
    work(&team);
    return team.status;
}
