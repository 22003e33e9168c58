#include "targets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"

/* A few bytes of zstd may ask for a window of 128 MiB and buffers beside it; what asks for more, it refuses. */
enum { FUZZ_WINDOW_OF_ZSTD = 130 << 20 };

void fuzz_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static bool fuzz_ends(const char *text, const char *ending)
{
    size_t length = strlen(text), part = strlen(ending);

    return length >= part && strcmp(text + length - part, ending) == 0;
}

static const struct {
    const char *ending;
    fuzz_form form;
} fuzz_forms[] = {
    {".json", FUZZ_JSON},
    {".jsonl", FUZZ_LINES},
    {".yaml", FUZZ_LINES},
    {".tsv", FUZZ_LINES},
    {".csv", FUZZ_LINES},
    {".safetensors", FUZZ_SAFETENSORS},
    {".gz", FUZZ_BYTES},
    {".zst", FUZZ_BYTES},
    {".bin", FUZZ_BYTES},
    {".txt", FUZZ_TEXT},
    {".checkpoint", FUZZ_CHECKPOINT},
    {".store", FUZZ_STORE},
    {".foreign", FUZZ_HDF5},
    {".partial", FUZZ_BYTES},
    {".journal", FUZZ_BYTES},
};

static fuzz_form fuzz_form_of(const char *name)
{
    for (size_t i = 0; i < sizeof fuzz_forms / sizeof fuzz_forms[0]; i++)
        if (fuzz_ends(name, fuzz_forms[i].ending))
            return fuzz_forms[i].form;
    fail_msg("%s: nobody says how such a file is built", name);
    return FUZZ_BYTES;
}

static void fuzz_add(fuzz_targets *targets, const fuzz_kind *kind, const char *folder, const char *path, char *bytes,
                     size_t size)
{
    fuzz_target *target = &targets->items[targets->count++];

    assert_true(targets->count <= FUZZ_TARGETS_MAX);
    *target = (fuzz_target){.kind = kind, .bytes = (unsigned char *)bytes, .size = size};
    snprintf(target->folder, sizeof target->folder, "%s", folder);
    snprintf(target->path, sizeof target->path, "%s", path);
    target->name = qctx_path_base(target->path);
    target->form = fuzz_form_of(target->name);
    target->constant = kind->constant + (fuzz_ends(path, ".zst") ? FUZZ_WINDOW_OF_ZSTD : 0);
}

/* Copies a folder with all in it; of its files become targets those that the kind takes. `of` is the case's folder. */
static void fuzz_copy(fuzz_targets *targets, const fuzz_kind *kind, const char *from, const char *to, const char *of)
{
    struct dirent **entries;
    int count = scandir(from, &entries, NULL, alphasort);

    assert_true(count >= 0);
    assert_int_equal(qctx_folder_make(to, NULL), QCTX_OK);
    for (int i = 0; i < count; i++) {
        char source[FUZZ_PATH_MAX], copy[FUZZ_PATH_MAX];
        size_t size;
        char *bytes;

        fuzz_path(source, from, entries[i]->d_name);
        fuzz_path(copy, to, entries[i]->d_name);
        if (entries[i]->d_name[0] == '.') {
            /* The folder itself, its parent, and what is hidden. */
        } else if (qctx_path_is_folder(source)) {
            fuzz_copy(targets, kind, source, copy, of != NULL ? of : copy);
        } else {
            assert_int_equal(qctx_file_read(source, &bytes, &size, NULL), QCTX_OK);
            fuzz_write(copy, bytes, size);
            if (kind->takes == NULL || kind->takes(entries[i]->d_name))
                fuzz_add(targets, kind, of != NULL ? of : to, copy, bytes, size);
            else
                free(bytes);
        }
        free(entries[i]);
    }
    free(entries);
}

static void fuzz_copy_kind(fuzz_targets *targets, const fuzz_kind *kind, const char *sources)
{
    static const char *const homes[] = {"tests/fuzz/seeds", "tests/fixtures", NULL};
    char home[FUZZ_PATH_MAX], from[FUZZ_PATH_MAX];
    int64_t before = targets->count;

    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        fuzz_path(home, homes[i] != NULL ? sources : test_folder(), homes[i] != NULL ? homes[i] : "made");
        fuzz_path(from, home, kind->folder != NULL ? kind->folder : kind->name);
        if (qctx_path_is_folder(from))
            fuzz_copy(targets, kind, from, kind->name, NULL);
    }
    assert_true(targets->count > before);
}

int64_t fuzz_count_files(const char *folder)
{
    DIR *opened = opendir(folder);
    struct dirent *entry;
    int64_t count = 0;

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) {
        char path[FUZZ_PATH_MAX];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (entry->d_type != DT_DIR)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count += fuzz_count_files(path);
    }
    closedir(opened);
    return count;
}

void fuzz_collect(fuzz_targets *targets, const char *sources)
{
    fuzz_write_seeds(test_path("made"));
    for (const fuzz_kind *kind = fuzz_kinds; kind->name != NULL; kind++)
        fuzz_copy_kind(targets, kind, sources);
    for (int64_t i = 0; i < targets->count; i++) {
        fuzz_target *target = &targets->items[i];

        target->files = fuzz_count_files(target->folder);
        /* Cases that are a file have nothing beside it. */
        for (int64_t j = 0; strchr(target->folder, '/') != NULL && j < targets->count; j++) {
            if (j != i && strcmp(target->folder, targets->items[j].folder) == 0)
                target->others += (int64_t)targets->items[j].size;
        }
    }
}

fuzz_target *fuzz_choose(fuzz_targets *targets, fuzz_random *random)
{
    const fuzz_kind *kind = fuzz_kinds;
    int64_t first = 0, count = 0;
    int shares = 0, chance;

    for (const fuzz_kind *each = fuzz_kinds; each->name != NULL; each++)
        shares += each->share;
    for (chance = (int)fuzz_below(random, (size_t)shares); chance >= kind->share; kind++)
        chance -= kind->share;
    while (targets->items[first].kind != kind)
        first++;
    while (first + count < targets->count && targets->items[first + count].kind == kind)
        count++;
    return &targets->items[first + (int64_t)fuzz_below(random, (size_t)count)];
}

const fuzz_target *fuzz_choose_donor(const fuzz_targets *targets, const fuzz_target *target, fuzz_random *random)
{
    const fuzz_target *donor = &targets->items[fuzz_below(random, (size_t)targets->count)];

    return donor->kind == target->kind && donor->form == target->form ? donor : target;
}

void fuzz_forget(fuzz_targets *targets)
{
    for (int64_t i = 0; i < targets->count; i++)
        free(targets->items[i].bytes);
    targets->count = 0;
}
