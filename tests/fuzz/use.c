#include "use.h"

#include <stdio.h>

#include "harness.h"

qctx_error fuzz_error;
fuzz_input_mark fuzz_running;
qctx_comm *fuzz_alone;

void fuzz_report(const char *what)
{
    fprintf(stderr, "%s: %s, input %lld of seed %lld: tests/fuzz/fuzz.sh 1 %lld %lld\n", fuzz_running.target->path,
            what, (long long)fuzz_running.index, (long long)fuzz_running.seed, (long long)fuzz_running.seed,
            (long long)fuzz_running.index);
    fflush(stderr);
}

bool fuzz_opened(qctx_status status)
{
    if (status == QCTX_OK)
        return true;
    if (status != fuzz_error.code || fuzz_error.message[0] == '\0' || status == QCTX_ERR_INTERNAL ||
        status == QCTX_ERR_MEMORY) {
        fuzz_report("is refused without a message of its own");
        print_error("status %s: '%s'\n", qctx_status_name(status), fuzz_error.message);
        fail();
    }
    return false;
}

void fuzz_hold(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fuzz_report("is taken for what it cannot be");
    print_error("%s:%d: %s does not hold\n", file, line, condition);
    fail();
}
