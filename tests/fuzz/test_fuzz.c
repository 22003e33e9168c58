/* ranks: 1 */
/*
 * Hostile files: each input is a file that the program reads, of a tiny model or what tests/fuzz/seeds holds, mutated.
 * It must open, and then serve and be what it may be, or be refused with a message, within time and memory, and leave
 * neither memory nor files behind.
 *
 *   make fuzz                          under sanitizers; FUZZ_INPUTS and FUZZ_SEED say how many, which
 *   tests/fuzz/fuzz.sh 1 SEED INPUT    the one that a report names
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "mutate.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "targets.h"
#include "use.h"

/*
 * An input may take FACTOR times the bytes of its folder and its kind's constant more: an empty object of JSON, three
 * bytes, costs some two hundred.
 */
enum { MEMORY_FACTOR = 64, SECONDS = 10 };

static fuzz_targets targets;
static fuzz_input input;
static const char *wanted; /* part of the paths that are fuzzed; NULL: all */

static int64_t number_of(const char *name, int64_t fallback)
{
    const char *text = getenv(name);

    return text != NULL ? strtoll(text, NULL, 10) : fallback;
}

/* Nothing can be saved any more; what matters is which input it was. */
static void on_signal(int signal)
{
    fuzz_report(signal == SIGALRM || signal == SIGPROF ? "takes too long" : "ends the process");
    _exit(1);
}

/* Not that of a child in which the program tries a file. */
static void on_death(void)
{
    if (getpid() == fuzz_running.process)
        fuzz_report("ends the process");
}

#ifdef FUZZ_SANITIZED
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

/* In each test anew: cmocka takes signals for itself before it. */
static void watch(void)
{
    static bool counts;

    fuzz_running.process = getpid();
    if (!counts)
        fuzz_watch_memory();
    counts = true;
    signal(SIGALRM, on_signal);
    signal(SIGPROF, on_signal);
#ifdef FUZZ_SANITIZED
    __sanitizer_set_death_callback(on_death);
#else
    (void)on_death;
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGFPE, on_signal);
    signal(SIGABRT, on_signal);
#endif
}

/* Of processor time; of waiting, which a busy machine makes long, ten times as much. 0: no limit. */
static void limit_time(int seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = seconds}};

    setitimer(ITIMER_PROF, &timer, NULL);
    alarm((unsigned)seconds * 10);
}

/* A reader may change its file: it is written anew each time. What it took at most, and left behind. */
static bool use(const fuzz_target *target, uint64_t draw, int64_t *most, int64_t *left)
{
    int64_t before;
    bool served;

    fuzz_write(target->path, input.bytes, input.size);
    before = fuzz_peak = fuzz_live;
    limit_time(SECONDS);
    served = target->kind->use(target, draw);
    limit_time(0);
    *most = fuzz_peak - before;
    *left = fuzz_live - before;
    return served;
}

static void check_memory(fuzz_target *target, int64_t most)
{
    const int64_t size = target->others + (int64_t)input.size;
    const double factor = (double)(most - target->constant) / (double)size;

    if (most > target->most_memory)
        target->most_memory = most;
    if (factor > target->most_factor)
        target->most_factor = factor;
    if (factor > MEMORY_FACTOR) {
        fuzz_report("takes too much memory");
        print_error("%lld bytes at most, for a folder of %lld\n", (long long)most, (long long)size);
        fail();
    }
}

static void check_left(fuzz_target *target, uint64_t draw, int64_t left)
{
    int64_t most, left_again = left;

    /* Libraries keep something of the first time; who keeps as much each time loses it. */
    for (int i = 0; i < 2 && left > 0; i++)
        use(target, draw, &most, &left_again);
    if (left_again > 0) {
        fuzz_report("leaves memory behind");
        fail();
    }
    if (fuzz_count_files(target->folder) != target->files) {
        fuzz_report("leaves files behind, or removes some");
        fail();
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run(int64_t index)
{
    fuzz_random random = {(uint64_t)fuzz_running.seed * 0x2545f4914f6cdd1du + (uint64_t)index};
    fuzz_target *target = fuzz_choose(&targets, &random);
    const fuzz_target *donor = fuzz_choose_donor(&targets, target, &random);
    const fuzz_grammar grammar = {target->form, target->kind->words, donor->bytes, donor->size};
    uint64_t draw = fuzz_next(&random);
    double begun = now();
    int64_t most, left;

    if (wanted != NULL && strstr(target->path, wanted) == NULL)
        return;
    fuzz_running.index = index;
    fuzz_running.target = target;
    memcpy(input.bytes, target->bytes, target->size);
    input.size = target->size;
    fuzz_mutate(&random, &grammar, &input);
    target->opened += use(target, draw, &most, &left);
    check_memory(target, most);
    check_left(target, draw, left);
    fuzz_write(target->path, target->bytes, target->size);
    target->inputs++;
    target->seconds += now() - begun;
}

/* Of all ranks, by the names of files within their kinds, for some stand in many models. */
static void print_summary(void)
{
    print_message("%-16s %-32s %9s %9s %9s %11s %7s\n", "kind", "file", "inputs", "taken", "a second", "most bytes",
                  "factor");
    for (int64_t i = 0; i < targets.count; i++) {
        fuzz_target *sum = &targets.items[i];

        for (int64_t j = i + 1; j < targets.count; j++) {
            fuzz_target *other = &targets.items[j];

            if (strcmp(other->name, sum->name) != 0 || other->kind != sum->kind)
                continue;
            sum->inputs += other->inputs;
            sum->opened += other->opened;
            sum->seconds += other->seconds;
            sum->most_memory = other->most_memory > sum->most_memory ? other->most_memory : sum->most_memory;
            sum->most_factor = other->most_factor > sum->most_factor ? other->most_factor : sum->most_factor;
            other->inputs = 0;
        }
        if (sum->inputs > 0)
            print_message("%-16s %-32s %9lld %9lld %9.0f %11lld %7.1f\n", sum->kind->name, sum->name,
                          (long long)sum->inputs, (long long)sum->opened, (double)sum->inputs / sum->seconds,
                          (long long)sum->most_memory, sum->most_factor);
    }
}

/* What every rank counted. Collective. */
static void sum_up(void)
{
    for (int64_t i = 0; i < targets.count; i++) {
        fuzz_target *target = &targets.items[i];
        int64_t counts[] = {target->inputs, target->opened};
        double most[] = {(double)target->most_memory, target->most_factor};

        qctx_comm_sum_int64(test_comm, counts, 2);
        qctx_comm_sum_double(test_comm, &target->seconds, 1);
        qctx_comm_max_double(test_comm, most, 2);
        target->inputs = counts[0];
        target->opened = counts[1];
        target->most_memory = (int64_t)most[0];
        target->most_factor = most[1];
    }
}

static char sources[FUZZ_PATH_MAX], folder[FUZZ_PATH_MAX];
static FILE *nowhere;

/* A folder of this rank's own, in memory where there is a place for it, becomes the working folder. */
static void enter(void)
{
    assert_non_null(getcwd(sources, FUZZ_PATH_MAX));
    snprintf(folder, FUZZ_PATH_MAX, "/dev/shm/qctx-fuzz-%ld", (long)getpid());
    if (access("/dev/shm", W_OK) != 0)
        snprintf(folder, FUZZ_PATH_MAX, "%s/fuzz-%d", test_folder(), qctx_comm_rank(test_comm));
    assert_status(qctx_folder_make(folder, &fuzz_error), QCTX_OK, &fuzz_error);
    assert_int_equal(chdir(folder), 0);
}

static void reserve(void)
{
    for (int64_t i = 0; i < targets.count; i++)
        input.capacity = targets.items[i].size > input.capacity ? targets.items[i].size : input.capacity;
    input.capacity += 1 << 16;
    input.bytes = malloc(input.capacity);
    assert_non_null(input.bytes);
}

static int prepare(void **state)
{
    (void)state;
    nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    qctx_log_redirect(nowhere);
    fuzz_running.seed = number_of("QCTX_FUZZ_SEED", 1);
    wanted = getenv("QCTX_FUZZ_ONLY");
    fuzz_alone = qctx_comm_groups(test_comm, 1);
    enter();
    fuzz_collect(&targets, sources);
    reserve();
    return 0;
}

/* Else its mutants would be refused for what nobody changed. */
static void test_seeds_are_taken(void **state)
{
    (void)state;
    watch();
    for (int64_t i = 0; i < targets.count; i++) {
        fuzz_running.target = &targets.items[i];
        if (!fuzz_running.target->kind->use(fuzz_running.target, 0) && !fuzz_running.target->kind->lacks_tensors) {
            print_error("%s: %s\n", fuzz_running.target->path, fuzz_error.message);
            fail();
        }
    }
}

static void test_hostile_files_are_taken_or_refused(void **state)
{
    const int64_t inputs = number_of("QCTX_FUZZ_INPUTS", 3000), first = number_of("QCTX_FUZZ_FIRST", 0);
    const double until = now() + (double)number_of("QCTX_FUZZ_SECONDS", 1 << 30);
    const int ranks = qctx_comm_size(test_comm), rank = qctx_comm_rank(test_comm);

    (void)state;
    watch();
    for (int64_t index = first + rank; index < first + inputs && now() < until; index += ranks)
        run(index);
}

/* Also of ranks that have found something: those that have not go on to their last input. */
static int close_up(void **state)
{
    (void)state;
    sum_up();
    if (qctx_comm_rank(test_comm) == 0)
        print_summary();
    assert_int_equal(chdir(sources), 0);
    qctx_log_redirect(NULL);
    fclose(nowhere);
    free(input.bytes);
    fuzz_forget(&targets);
    qctx_comm_close_group(fuzz_alone);
    assert_status(qctx_folder_remove(folder, &fuzz_error), QCTX_OK, &fuzz_error);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_seeds_are_taken, prepare),
    cmocka_unit_test_teardown(test_hostile_files_are_taken_or_refused, close_up),
};
TEST_MAIN(tests)
