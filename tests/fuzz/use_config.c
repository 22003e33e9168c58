#include "use.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "qctx/config/config.h"
#include "qctx/sweep/definition.h"

/* A configuration says of itself what gives the same configuration. */
static void check_dump(const qctx_config *config)
{
    char *text = qctx_config_dump(config, &fuzz_error), *again;
    qctx_config read;

    assert_non_null(text);
    fuzz_holds(qctx_config_parse_kept(text, strlen(text), "dump", &read, &fuzz_error) == QCTX_OK);
    again = qctx_config_dump(&read, &fuzz_error);
    assert_non_null(again);
    fuzz_holds(strcmp(text, again) == 0);
    fuzz_holds(qctx_config_check_resume(config, &read, &fuzz_error) == QCTX_OK);
    qctx_config_free(&read);
    free(text);
    free(again);
}

bool fuzz_use_config(const fuzz_target *target, uint64_t draw)
{
    const char *overrides[] = {"optim.lr=1e-3", "model.output=7"};
    qctx_config config;

    if (!fuzz_opened(qctx_config_load(fuzz_alone, target->path, overrides, (int64_t)(draw % 3), &config, &fuzz_error)))
        return false;
    check_dump(&config);
    qctx_config_free(&config);
    return true;
}

/* The points of its first trials are configurations. */
static void check_trials(const qctx_sweep_definition *definition)
{
    double *units = malloc((size_t)(definition->space.count + 1) * sizeof *units);

    assert_non_null(units);
    for (int64_t i = 0; i < definition->trials && i < 3; i++) {
        qctx_config config;

        qctx_sweep_definition_point(definition, i, units);
        for (int64_t p = 0; p < definition->space.count; p++)
            fuzz_holds(units[p] >= 0 && units[p] <= 1);
        if (fuzz_opened(qctx_sweep_definition_config(definition, i, units, &config, &fuzz_error)))
            qctx_config_free(&config);
    }
    free(units);
}

bool fuzz_use_sweep(const fuzz_target *target, uint64_t draw)
{
    const char *overrides[] = {"run_cap=2", "batch.epochs=2"};
    qctx_sweep_definition definition;

    if (!fuzz_opened(qctx_sweep_definition_load(fuzz_alone, target->path, overrides, (int64_t)(draw % 3), &definition,
                                                &fuzz_error)))
        return false;
    fuzz_holds(definition.trials > 0 && definition.space.count >= 0);
    check_trials(&definition);
    qctx_sweep_definition_free(&definition);
    return true;
}
