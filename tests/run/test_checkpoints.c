/* ranks: 1 2 3 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "made_checkpoint.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/run/checkpoints.h"

static bool is_first(void)
{
    return qctx_comm_rank(test_comm) == 0;
}

/* A fresh run folder, the same on all ranks. Collective. */
static const char *run_folder(const char *name)
{
    const char *path = test_path(name);

    if (is_first())
        assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    qctx_comm_barrier(test_comm);
    return path;
}

static qctx_checkpoints *open_checkpoints(const char *folder, int64_t keep, bool resume)
{
    qctx_checkpoints *checkpoints = NULL;
    qctx_error error;

    assert_status(qctx_checkpoints_create(test_comm, folder, keep, resume, &checkpoints, &error), QCTX_OK, &error);
    return checkpoints;
}

/* Keeps a checkpoint of `step`, whose values are changed at once, as the next training step would. */
static void keep_step(qctx_checkpoints *checkpoints, int64_t step)
{
    qctx_checkpoint checkpoint = made_checkpoint();
    qctx_error error;

    checkpoint.progress = (qctx_progress){.epoch = 1, .step = step, .summed = step, .best_step = 0};
    checkpoint.optimizer.steps = step;
    checkpoint.parameters[0] = (float)step;
    assert_status(qctx_checkpoints_keep(checkpoints, &checkpoint, &error), QCTX_OK, &error);
    checkpoint.parameters[0] = -1.0f;
}

/* Keeps the steps [count], three at most, and closes. */
static void make_run(const char *folder, const int64_t *steps, int count)
{
    qctx_checkpoints *checkpoints = open_checkpoints(folder, 3, false);
    qctx_error error;

    for (int i = 0; i < count; i++)
        keep_step(checkpoints, steps[i]);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_OK, &error);
    qctx_checkpoints_destroy(checkpoints);
}

static void expect_newest(const char *folder, int64_t step, const char *name)
{
    qctx_checkpoint read;
    qctx_error error;
    char *path = NULL;

    assert_status(qctx_checkpoints_read_newest(test_comm, folder, &read, &path, &error), QCTX_OK, &error);
    assert_non_null(path);
    assert_contains(path, name);
    assert_int_equal(read.progress.step, step);
    assert_true(read.parameters[0] == (float)step);
    free(path);
    qctx_checkpoint_free(&read);
}

/* Flips a byte in the middle of a file of the run, on rank 0. Collective. */
static void damage(const char *folder, const char *name)
{
    char *path = qctx_path_join(folder, name, NULL), *bytes;
    size_t count;

    if (is_first()) {
        assert_int_equal(qctx_file_read(path, &bytes, &count, NULL), QCTX_OK);
        bytes[count / 2] ^= 0x10;
        assert_int_equal(qctx_file_write(path, bytes, count, NULL), QCTX_OK);
        free(bytes);
    }
    free(path);
    qctx_comm_barrier(test_comm);
}

static void the_newest_are_kept(void **state)
{
    const int64_t steps[] = {8, 9, 10, 1000, 1001};
    const char *folder = run_folder("newest");

    (void)state;
    make_run(folder, steps, 5);
    expect_newest(folder, 1001, "checkpoints/step-000001001.h5");
    assert_true(qctx_folder_has(folder, "checkpoints/step-000001000.h5"));
    assert_true(qctx_folder_has(folder, "checkpoints/step-000000010.h5"));
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000009.h5"));
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000008.h5"));
}

static void the_best_serves_only(void **state)
{
    const char *folder = run_folder("best");
    qctx_checkpoints *checkpoints = open_checkpoints(folder, 1, false);
    qctx_checkpoint checkpoint = made_checkpoint(), read;
    qctx_error error;
    char *path;

    (void)state;
    assert_status(qctx_checkpoints_keep_best(checkpoints, &checkpoint, &error), QCTX_OK, &error);
    keep_step(checkpoints, 5);
    keep_step(checkpoints, 6);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_OK, &error);
    qctx_checkpoints_destroy(checkpoints);
    path = qctx_path_join(folder, "checkpoints/best.h5", NULL);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_int_equal(read.progress.step, 120);
    assert_int_equal(read.optimizer.count, 0);
    assert_null(read.best);
    free(path);
    qctx_checkpoint_free(&read);
    expect_newest(folder, 6, "step-000000006.h5");
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000005.h5"));
}

/* Sends what rank 0 says on standard error to a file; returns where it went before. */
static int divert_errors(const char *path)
{
    int before = dup(STDERR_FILENO);
    int file = open(is_first() ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0666);

    assert_true(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    close(file);
    return before;
}

/* What is damaged is named, and the one before it taken; when the run goes on, the damaged ones are cleared away. */
static void a_damaged_one_gives_way_to_the_one_before(void **state)
{
    const int64_t steps[] = {10, 20, 30};
    const char *folder = run_folder("damaged");
    char *said = NULL;
    size_t length = 0;
    int before;
    qctx_checkpoints *checkpoints;
    qctx_error error;

    (void)state;
    make_run(folder, steps, 3);
    damage(folder, "checkpoints/step-000000030.h5");
    damage(folder, "checkpoints/step-000000020.h5");
    before = divert_errors(test_path("said"));
    expect_newest(folder, 10, "step-000000010.h5");
    dup2(before, STDERR_FILENO);
    close(before);
    if (is_first()) {
        assert_int_equal(qctx_file_read(test_path("said"), &said, &length, &error), QCTX_OK);
        assert_contains(said, "step-000000030.h5: the checkpoint is damaged");
        assert_contains(said, "step-000000020.h5: the checkpoint is damaged");
        assert_contains(said, "taking the one before it in its place");
    }
    free(said);
    checkpoints = open_checkpoints(folder, 2, true);
    keep_step(checkpoints, 15);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_OK, &error);
    qctx_checkpoints_destroy(checkpoints);
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000030.h5"));
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000020.h5"));
    assert_true(qctx_folder_has(folder, "checkpoints/step-000000010.h5"));
    expect_newest(folder, 15, "step-000000015.h5");
}

static void without_a_whole_one_it_says_so(void **state)
{
    const int64_t steps[] = {10, 20};
    const char *folder = run_folder("none");
    qctx_checkpoint read;
    qctx_error error;
    char *path = NULL;

    (void)state;
    assert_status(qctx_checkpoints_read_newest(test_comm, folder, &read, &path, &error), QCTX_OK, &error);
    assert_null(path);
    make_run(folder, steps, 2);
    damage(folder, "checkpoints/step-000000010.h5");
    damage(folder, "checkpoints/step-000000020.h5");
    assert_status(qctx_checkpoints_read_newest(test_comm, folder, &read, &path, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "none of the 2 checkpoints is whole");
    assert_contains(error.hint, "--force");
    assert_null(path);
}

/* Renames a file of the run's checkpoints, or makes a link to it, on rank 0. Collective. */
static void give_name(const char *folder, int (*give)(const char *, const char *), const char *from, const char *to)
{
    char *old = from[0] == '/' ? strdup(from) : qctx_path_join(folder, from, NULL);
    char *new = qctx_path_join(folder, to, NULL);

    if (is_first())
        assert_int_equal(give(old, new), 0);
    qctx_comm_barrier(test_comm);
    free(old);
    free(new);
}

/* The step inside counts: one that only its name makes the newest is passed over, and where it is alone refused. */
static void a_name_says_nothing_of_the_step(void **state)
{
    const int64_t steps[] = {10, 20};
    const char *folder = run_folder("renamed");
    qctx_checkpoint read;
    qctx_error error;
    char *path = NULL;

    (void)state;
    make_run(folder, steps, 2);
    give_name(folder, rename, "checkpoints/step-000000010.h5", "checkpoints/step-000000030.h5");
    expect_newest(folder, 20, "step-000000020.h5");
    damage(folder, "checkpoints/step-000000020.h5");
    assert_status(qctx_checkpoints_read_newest(test_comm, folder, &read, &path, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "step-000000030.h5: is the checkpoint of step 10, its name says 30: it was renamed");
    assert_contains(error.hint, "step-000000010.h5");
    assert_null(path);
    give_name(folder, rename, "checkpoints/step-000000030.h5", "checkpoints/step-000000010.h5");
    expect_newest(folder, 10, "step-000000010.h5");
}

/* A stranger's run reads, and writes, nothing that its links lead to. */
static void links_are_not_followed(void **state)
{
    const int64_t steps[] = {10, 20};
    const char *folder = run_folder("linked"), *other = run_folder("other");
    qctx_checkpoints *checkpoints = NULL;
    qctx_checkpoint read;
    qctx_error error;
    char *path = NULL, *kept;

    (void)state;
    make_run(folder, steps, 2);
    make_run(other, steps, 2);
    kept = qctx_path_join(other, "checkpoints/step-000000020.h5", NULL);
    give_name(folder, rename, "checkpoints/step-000000020.h5", "aside.h5");
    give_name(folder, symlink, kept, "checkpoints/step-000000020.h5");
    expect_newest(folder, 10, "step-000000010.h5");

    give_name(folder, rename, "checkpoints", "moved");
    *strrchr(kept, '/') = '\0';
    give_name(folder, symlink, kept, "checkpoints");
    assert_status(qctx_checkpoints_read_newest(test_comm, folder, &read, &path, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "linked/checkpoints: is a symbolic link, and not followed");
    assert_status(qctx_checkpoints_create(test_comm, folder, 1, false, &checkpoints, &error), QCTX_ERR_IO, &error);
    expect_newest(other, 20, "step-000000020.h5");
    free(kept);
}

static void what_a_kill_leaves_is_cleared_away(void **state)
{
    const int64_t steps[] = {10, 20};
    const char *folder = run_folder("cleared");
    char *torn = qctx_path_join(folder, "checkpoints/step-000000030.h5.partial", NULL);

    (void)state;
    make_run(folder, steps, 2);
    test_write(torn, "half a checkpoint");
    expect_newest(folder, 20, "step-000000020.h5");
    qctx_checkpoints_destroy(open_checkpoints(folder, 2, true));
    qctx_comm_barrier(test_comm);
    assert_false(qctx_path_exists(torn));
    expect_newest(folder, 20, "step-000000020.h5");
    qctx_checkpoints_destroy(open_checkpoints(folder, 2, false));
    qctx_comm_barrier(test_comm);
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000020.h5"));
    free(torn);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The write fails behind the back of the steps; the next call says so on all ranks, and the one after goes on. */
static void a_failure_in_the_background_is_everybodys(void **state)
{
    const char *folder = run_folder("failing");
    qctx_checkpoints *checkpoints = open_checkpoints(folder, 2, false);
    qctx_checkpoint checkpoint = made_checkpoint();
    qctx_error error;
    qctx_status status;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    keep_step(checkpoints, 1);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_OK, &error);
    limit_file_size(1024);
    keep_step(checkpoints, 2);
    status = qctx_checkpoints_keep(checkpoints, &checkpoint, &error);
    limit_file_size(RLIM_INFINITY);
    assert_status(status, QCTX_ERR_IO, &error);
    assert_contains(error.message, "step-000000002.h5: cannot write: File too large");
    expect_newest(folder, 1, "step-000000001.h5");
    keep_step(checkpoints, 3);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_OK, &error);
    qctx_checkpoints_destroy(checkpoints);
    expect_newest(folder, 3, "step-000000003.h5");
}

static volatile bool disk_is_full;

/* In the place of the C library's: a disk that fills up says so here at the latest. */
int fsync(int handle)
{
    if (!disk_is_full)
        return (int)syscall(SYS_fsync, handle);
    errno = ENOSPC;
    return -1;
}

static void a_full_disk_is_told_apart(void **state)
{
    const char *folder = run_folder("full");
    qctx_checkpoints *checkpoints = open_checkpoints(folder, 2, false);
    qctx_error error;
    qctx_status status;

    (void)state;
    disk_is_full = true;
    keep_step(checkpoints, 7);
    status = qctx_checkpoints_wait(checkpoints, &error);
    disk_is_full = false;
    assert_status(status, QCTX_ERR_SPACE, &error);
    assert_contains(error.message, "No space left on device");
    assert_contains(error.hint, "free some space");
    assert_false(qctx_folder_has(folder, "checkpoints/step-000000007.h5"));
    qctx_checkpoints_destroy(checkpoints);
}

static void a_folder_that_cannot_be_made_fails_on_all_ranks(void **state)
{
    qctx_checkpoints *checkpoints = NULL;
    qctx_error error;

    (void)state;
    test_write(test_path("file"), "in the way");
    assert_status(qctx_checkpoints_create(test_comm, test_path("file"), 2, false, &checkpoints, &error), QCTX_ERR_IO,
                  &error);
    qctx_checkpoints_destroy(NULL);
}

/* Its folder goes while the run trains. */
static void a_folder_that_is_gone_fails_on_all_ranks(void **state)
{
    const char *folder = run_folder("gone");
    qctx_checkpoints *checkpoints = open_checkpoints(folder, 2, false);
    char *inside = qctx_path_join(folder, "checkpoints", NULL);
    qctx_error error;

    (void)state;
    if (is_first())
        assert_int_equal(rmdir(inside), 0);
    keep_step(checkpoints, 1);
    assert_status(qctx_checkpoints_wait(checkpoints, &error), QCTX_ERR_IO, &error);
    qctx_checkpoints_destroy(checkpoints);
    free(inside);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_newest_are_kept),
    cmocka_unit_test(the_best_serves_only),
    cmocka_unit_test(a_damaged_one_gives_way_to_the_one_before),
    cmocka_unit_test(without_a_whole_one_it_says_so),
    cmocka_unit_test(a_name_says_nothing_of_the_step),
    cmocka_unit_test(links_are_not_followed),
    cmocka_unit_test(what_a_kill_leaves_is_cleared_away),
    cmocka_unit_test(a_failure_in_the_background_is_everybodys),
    cmocka_unit_test(a_full_disk_is_told_apart),
    cmocka_unit_test(a_folder_that_cannot_be_made_fails_on_all_ranks),
    cmocka_unit_test(a_folder_that_is_gone_fails_on_all_ranks),
};
TEST_MAIN(tests)
