/* ranks: 1 */
/*
 * Hostile model files: each input is a file of a tiny model, mutated. It must open, and then serve, or be refused with
 * a message, within time and memory, and leave nothing behind.
 *
 *   make fuzz                          a million inputs under sanitizers; FUZZ_INPUTS and FUZZ_SEED say how many, which
 *   QCTX_FUZZ_FIRST=N QCTX_FUZZ_INPUTS=1 QCTX_FUZZ_SEED=S …/test_fuzz      the one that a report names
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "made_safetensors.h"
#include "memory.h"
#include "mutate.h"
#include "qctx/base/fileio.h"
#include "qctx/tokenizer/tokenizer.h"
#include "qctx/transformer/transformer.h"
#include "targets.h"

/*
 * An input may take FACTOR times the bytes of its folder and a constant more: an empty object of JSON, three bytes,
 * costs some two hundred; the constants are buffers that are always there, the tokenizers' caches among them.
 */
enum { MEMORY_FACTOR = 64, MEMORY_OF_MODELS = 256 << 10, MEMORY_OF_TOKENIZERS = 5 << 19, SECONDS = 20, TEXTS = 5 };

static qctx_error error;
static fuzz_targets targets;
static struct {
    int64_t seed, index;
    const fuzz_target *target;
} running;

static int64_t number_of(const char *name, int64_t fallback)
{
    const char *text = getenv(name);

    return text != NULL ? strtoll(text, NULL, 10) : fallback;
}

static void report(const char *what)
{
    fprintf(stderr, "%s: %s, input %lld of seed %lld\n", running.target->path, what, (long long)running.index,
            (long long)running.seed);
    fflush(stderr);
}

/* Nothing can be saved any more; what matters is which input it was. */
static void on_signal(int signal)
{
    report(signal == SIGALRM ? "takes too long" : "ends the process");
    _exit(1);
}

static void on_death(void)
{
    report("ends the process");
}

#ifdef FUZZ_SANITIZED
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

static void watch(void)
{
    fuzz_watch_memory();
    signal(SIGALRM, on_signal);
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

/* Whether it is good; what is not has a message, and the status is the error's. */
static bool opened(qctx_status status)
{
    if (status == QCTX_OK)
        return true;
    if (status != error.code || error.message[0] == '\0' || status == QCTX_ERR_INTERNAL || status == QCTX_ERR_MEMORY) {
        report("is refused without a message of its own");
        print_error("status %s: '%s'\n", qctx_status_name(status), error.message);
        fail();
    }
    return false;
}

/* A short pass over texts of all lengths that the model takes, up to 7. */
static void pass(const qctx_model_folder *folder, const qctx_transformer *transformer)
{
    int64_t longest = folder->max_tokens < 7 ? folder->max_tokens : 7;
    int64_t offsets[] = {0, 1, 1 + longest};
    int32_t ids[8];
    qctx_token_batch batch = {2, offsets, ids};
    qctx_transformer_workspace *workspace;
    float *rows = malloc((size_t)(2 * qctx_transformer_dim(transformer)) * sizeof *rows);

    assert_non_null(rows);
    for (int i = 0; i < 8; i++)
        ids[i] = (int32_t)((running.index + 31 * i) % folder->vocabulary);
    if (opened(qctx_transformer_workspace_create(transformer, &workspace, &error))) {
        opened(qctx_transformer_forward(transformer, workspace, &batch, rows, &error));
        qctx_transformer_workspace_destroy(workspace);
    }
    free(rows);
}

static bool use_model(const fuzz_target *target)
{
    qctx_precision precision = running.index % 2 == 0 ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16;
    qctx_model_folder folder;
    qctx_transformer *transformer;
    bool served = false;

    if (!opened(qctx_model_folder_open(target->folder, &folder, &error)))
        return false;
    qctx_model_folder_hash(&folder);
    if (opened(qctx_transformer_create(&folder, precision, 0, &transformer, &error))) {
        pass(&folder, transformer);
        qctx_transformer_destroy(transformer);
        served = true;
    }
    qctx_model_folder_close(&folder);
    return served;
}

static void encode(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, int64_t most)
{
    static const char *const texts[TEXTS] = {"", "Who wrote it? [MASK] don't  <|endoftext|>\t\xc2\xa0x",
                                             "caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80",
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                             "\xff\xc3 &amp;lt; \x01 \xef\xbf\xbd"};
    qctx_ids ids = {0};

    for (int i = 0; i < TEXTS; i++) {
        bool truncated;

        ids.count = 0;
        if (!opened(qctx_tokenizer_encode(tokenizer, scratch, texts[i], most, &ids, &truncated, &error)))
            continue;
        assert_true(ids.count <= most);
        for (int64_t t = 0; t < ids.count; t++)
            assert_true(ids.items[t] >= 0 && ids.items[t] < qctx_tokenizer_size(tokenizer));
    }
    free(ids.items);
}

static bool use_tokenizer(const fuzz_target *target)
{
    qctx_tokenizer *tokenizer;
    qctx_tokenizer_scratch *scratch;
    bool served = false;

    if (!opened(qctx_tokenizer_open(target->folder, (qctx_tokenizer_settings){.open_clip = target->open_clip},
                                    &tokenizer, &error)))
        return false;
    if (opened(qctx_tokenizer_scratch_create(tokenizer, &scratch, &error))) {
        encode(tokenizer, scratch, 40);
        encode(tokenizer, scratch, 1 + running.index % 6);
        qctx_tokenizer_scratch_destroy(scratch);
        served = true;
    }
    qctx_tokenizer_destroy(tokenizer);
    return served;
}

/* Shards are opened through their index, and each value is read once. */
static bool use_shards(const fuzz_target *target)
{
    qctx_safetensors *tensors;
    char path[FUZZ_PATH_MAX];

    fuzz_path(path, target->folder, "model.safetensors.index.json");
    if (!opened(qctx_safetensors_open(path, &tensors, &error)))
        return false;
    for (int64_t i = 0; i < made_tensor_count(tensors); i++) {
        const qctx_tensor *tensor = made_tensor_at(tensors, i), *found;
        float value;

        if (!opened(qctx_safetensors_get(tensors, tensor->name, tensor->rank, tensor->shape, &found, &error)))
            continue;
        assert_ptr_equal(found, tensor);
        for (int64_t j = 0; j < found->count; j++)
            qctx_tensor_read(found, j, 1, &value);
    }
    qctx_safetensors_hash(tensors, NULL, 0);
    qctx_safetensors_close(tensors);
    return true;
}

/* The most memory that it took, and what it left behind. */
static bool use(const fuzz_target *target, int64_t *most, int64_t *left)
{
    int64_t before = fuzz_live;
    bool served;

    fuzz_peak = before;
    alarm(SECONDS);
    served = target->reader == FUZZ_TOKENIZER ? use_tokenizer(target)
             : target->reader == FUZZ_SHARDS  ? use_shards(target)
                                              : use_model(target);
    /* The one file of the tokenizer that both read. */
    if (strcmp(target->name, "tokenizer_config.json") == 0 && qctx_model_folder_is(target->folder))
        use_model(target);
    alarm(0);
    *most = fuzz_peak - before;
    *left = fuzz_live - before;
    return served;
}

static void check_memory(fuzz_target *target, int64_t size, int64_t most, int64_t left)
{
    int64_t constant = target->reader == FUZZ_TOKENIZER ? MEMORY_OF_TOKENIZERS : MEMORY_OF_MODELS;
    double factor = (double)(most - constant) / (double)(target->others + size);
    int64_t again, left_again;

    if (most > target->most_memory)
        target->most_memory = most;
    if (factor > target->most_factor)
        target->most_factor = factor;
    if (factor > MEMORY_FACTOR) {
        report("takes too much memory");
        print_error("%lld bytes at most, for a folder of %lld\n", (long long)most, (long long)(target->others + size));
        fail();
    }
    if (left <= 0)
        return;
    /* Libraries keep something of the first time; who keeps as much each time loses it. */
    use(target, &again, &left_again);
    use(target, &again, &left_again);
    if (left_again > 0) {
        report("leaves memory behind");
        fail();
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run(fuzz_target *target, fuzz_input *input)
{
    fuzz_random random = {(uint64_t)running.seed * 0x2545f4914f6cdd1du + (uint64_t)running.index};
    int64_t most, left;
    double begun = now();

    memcpy(input->bytes, target->bytes, target->size);
    input->size = target->size;
    fuzz_mutate(&random, target->form, input);
    fuzz_write(target->path, input->bytes, input->size);
    target->opened += use(target, &most, &left);
    check_memory(target, (int64_t)input->size, most, left);
    fuzz_write(target->path, target->bytes, target->size);
    target->inputs++;
    target->seconds += now() - begun;
}

/* By name of file, for they stand in many models. */
static void print_summary(void)
{
    print_message("%-32s %10s %10s %10s %12s %8s\n", "file", "inputs", "opened", "a second", "most bytes", "factor");
    for (int64_t i = 0; i < targets.count; i++) {
        fuzz_target sum = targets.items[i];

        for (int64_t j = i + 1; j < targets.count; j++) {
            fuzz_target *other = &targets.items[j];

            if (strcmp(other->name, sum.name) != 0)
                continue;
            sum.inputs += other->inputs;
            sum.opened += other->opened;
            sum.seconds += other->seconds;
            sum.most_memory = other->most_memory > sum.most_memory ? other->most_memory : sum.most_memory;
            sum.most_factor = other->most_factor > sum.most_factor ? other->most_factor : sum.most_factor;
            other->inputs = 0;
        }
        if (targets.items[i].inputs > 0)
            print_message("%-32s %10lld %10lld %10.0f %12lld %8.1f\n", sum.name, (long long)sum.inputs,
                          (long long)sum.opened, (double)sum.inputs / sum.seconds, (long long)sum.most_memory,
                          sum.most_factor);
    }
}

static void test_hostile_files_open_or_are_refused(void **state)
{
    const int64_t inputs = number_of("QCTX_FUZZ_INPUTS", 3000), first = number_of("QCTX_FUZZ_FIRST", 0);
    const int ranks = qctx_comm_size(test_comm), rank = qctx_comm_rank(test_comm);
    char folder[FUZZ_PATH_MAX];
    fuzz_input input = {0};

    (void)state;
    running.seed = number_of("QCTX_FUZZ_SEED", 1);
    /* In memory where there is a place for it. */
    snprintf(folder, sizeof folder, "/dev/shm/qctx-fuzz-%ld", (long)getpid());
    if (access("/dev/shm", W_OK) != 0)
        snprintf(folder, sizeof folder, "%s/fuzz-%d", test_folder(), rank);
    fuzz_collect(&targets, "tests/fixtures/models", folder);
    for (int64_t i = 0; i < targets.count; i++)
        input.capacity = targets.items[i].size > input.capacity ? targets.items[i].size : input.capacity;
    input.capacity += 1 << 16;
    input.bytes = malloc(input.capacity);
    assert_non_null(input.bytes);
    watch();
    for (running.index = first + rank; running.index < first + inputs; running.index += ranks) {
        fuzz_target *target = fuzz_choose(&targets, running.index);

        running.target = target;
        run(target, &input);
    }
    if (rank == 0)
        print_summary();
    free(input.bytes);
    fuzz_forget(&targets);
    assert_status(qctx_folder_remove(folder, &error), QCTX_OK, &error);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_hostile_files_open_or_are_refused),
};
TEST_MAIN(tests)
