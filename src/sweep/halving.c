#include "qctx/sweep/halving.h"

#include <stddef.h>

int64_t qctx_halving_rungs(const qctx_halving *halving)
{
    int64_t rungs = 0;

    for (int64_t epochs = halving->first; epochs < halving->last; rungs++)
        if (__builtin_mul_overflow(epochs, halving->eta, &epochs))
            epochs = halving->last;
    return rungs;
}

int64_t qctx_halving_epochs(const qctx_halving *halving, int64_t rung)
{
    int64_t epochs = halving->first;

    for (int64_t k = 0; k < rung; k++)
        if (__builtin_mul_overflow(epochs, halving->eta, &epochs))
            return halving->last;
    return epochs < halving->last ? epochs : halving->last;
}

static bool reached(const qctx_halving_trial *trial, int64_t rung)
{
    return !trial->failed && trial->rung >= rung;
}

/* Whether a trial did better at a rung than another: less loss, then the lower index. No number is the most loss. */
static bool is_better(const qctx_halving_trial *trials, int64_t one, int64_t other, int64_t rung)
{
    const double a = trials[one].losses[rung], b = trials[other].losses[rung];
    const bool a_is_number = a == a, b_is_number = b == b;

    if (a_is_number != b_is_number)
        return a_is_number;
    return a < b || (!(b < a) && one < other);
}

/* The best paused trial among the top 1/eta of those that reached the rung, or −1. */
static int64_t next_of_rung(const qctx_halving *halving, const qctx_halving_trial *trials, int64_t count, int64_t rung)
{
    int64_t members = 0, chosen = -1, ahead = 0;

    for (int64_t i = 0; i < count; i++) {
        members += reached(&trials[i], rung);
        if (reached(&trials[i], rung) && trials[i].rung == rung && trials[i].idle &&
            (chosen < 0 || is_better(trials, i, chosen, rung)))
            chosen = i;
    }
    for (int64_t i = 0; i < count && chosen >= 0; i++)
        ahead += i != chosen && reached(&trials[i], rung) && is_better(trials, i, chosen, rung);
    return chosen >= 0 && ahead < members / halving->eta ? chosen : -1;
}

int64_t qctx_halving_next(const qctx_halving *halving, const qctx_halving_trial *trials, int64_t count)
{
    for (int64_t rung = qctx_halving_rungs(halving) - 1; rung >= 0; rung--) {
        const int64_t chosen = next_of_rung(halving, trials, count, rung);

        if (chosen >= 0)
            return chosen;
    }
    return -1;
}
