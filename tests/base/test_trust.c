/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/trust.h"

enum { PATH_BYTES = 1024 };

/* The path of a folder that is made, as the test's folder is named from outside of the working folder. */
static const char *made(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s", test_path(name));
    assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    return path;
}

static void link_to(const char *target, const char *path)
{
    assert_int_equal(symlink(target, path), 0);
}

/* Of nested paths the nearest counts; what is absolute stands nowhere beside. */
static void finds_what_stands_beside(void **state)
{
    char *found;

    (void)state;
    assert_int_equal(qctx_folder_make(test_path("project/runs/a"), NULL), QCTX_OK);
    assert_int_equal(qctx_folder_make(test_path("project/stores"), NULL), QCTX_OK);
    found = qctx_path_beside(test_path("project/runs/a"), "stores", NULL);
    assert_non_null(found);
    assert_contains(found, "/project/stores");
    free(found);
    assert_int_equal(qctx_folder_make(test_path("project/runs/a/stores"), NULL), QCTX_OK);
    found = qctx_path_beside(test_path("project/runs/a"), "stores", NULL);
    assert_contains(found, "/project/runs/a/stores");
    free(found);
    assert_null(qctx_path_beside(test_path("project/runs/a"), "no such name anywhere", NULL));
    assert_null(qctx_path_beside(test_path("project/runs/a"), test_path("project"), NULL));
    assert_null(qctx_path_beside(test_path("nowhere"), "stores", NULL));
    assert_null(qctx_path_beside(test_path("project/runs/a"), "../a/stores", NULL));
    assert_null(qctx_path_beside(test_path("project/runs/a"), "stores/..", NULL));
}

/* The working folder is `work`; beside it lie `outside` and `run`. */
static void recorded_paths_are_followed_in_known_folders(void **state)
{
    char work[PATH_BYTES], outside[PATH_BYTES], run[PATH_BYTES], inside[PATH_BYTES], before[PATH_BYTES];

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    made(outside, "tree/outside");
    made(inside, "tree/run/models");
    made(run, "tree/run");
    made(work, "tree/work/models");
    made(work, "tree/workshop");
    made(work, "tree/work");
    assert_int_equal(chdir(work), 0);
    unsetenv("QCTX_TRUST");
    assert_true(qctx_trusts("models", run, "QCTX_TRUST"));
    assert_true(qctx_trusts(".", run, "QCTX_TRUST"));
    assert_true(qctx_trusts("../work/models", run, "QCTX_TRUST"));
    assert_true(qctx_trusts(work, run, "QCTX_TRUST"));
    assert_true(qctx_trusts(inside, run, "QCTX_TRUST"));
    assert_false(qctx_trusts(inside, NULL, "QCTX_TRUST"));
    assert_false(qctx_trusts("../workshop", run, "QCTX_TRUST"));
    assert_false(qctx_trusts("models/../../outside", run, "QCTX_TRUST"));
    assert_false(qctx_trusts(outside, run, "QCTX_TRUST"));
    assert_false(qctx_trusts("..", run, "QCTX_TRUST"));
    assert_false(qctx_trusts("/", run, "QCTX_TRUST"));
    assert_false(qctx_trusts("nowhere", run, "QCTX_TRUST"));
    setenv("QCTX_TRUST", "nowhere:../outside", 1);
    assert_true(qctx_trusts(outside, run, "QCTX_TRUST"));
    assert_false(qctx_trusts("../workshop", run, "QCTX_TRUST"));
    unsetenv("QCTX_TRUST");
    assert_int_equal(chdir(before), 0);
}

/* A link of the working folder is the user's own, one in the run's folder may be a stranger's. */
static void links_of_a_run_do_not_lead_out_of_it(void **state)
{
    char work[PATH_BYTES], outside[PATH_BYTES], before[PATH_BYTES];
    char *found;

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    made(outside, "links/outside/tiny");
    made(work, "links/work/run/models");
    made(work, "links/work");
    assert_int_equal(chdir(work), 0);
    link_to("../outside", "shelf");
    link_to("../../outside", "run/shelf");
    link_to("models", "run/own");
    link_to("run", "linked");
    link_to("nowhere", "run/dangling");
    assert_true(qctx_trusts("shelf/tiny", "run", "QCTX_TRUST"));
    assert_false(qctx_trusts("run/shelf/tiny", "run", "QCTX_TRUST"));
    assert_false(qctx_trusts("linked/shelf", "run", "QCTX_TRUST"));
    assert_true(qctx_trusts("run/own", "run", "QCTX_TRUST"));
    assert_true(qctx_leads_out("run", "run/shelf"));
    assert_true(qctx_leads_out("linked", "linked/shelf/tiny"));
    assert_true(qctx_leads_out("run", "run/dangling"));
    assert_false(qctx_leads_out("linked", "linked/own"));
    assert_false(qctx_leads_out("run", "run/models"));
    assert_false(qctx_leads_out("run", "run/nothing here"));
    found = qctx_path_beside("run", "shelf/tiny", NULL);
    assert_contains(found, "/work/shelf/tiny");
    free(found);
    assert_int_equal(chdir(before), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_what_stands_beside),
    cmocka_unit_test(recorded_paths_are_followed_in_known_folders),
    cmocka_unit_test(links_of_a_run_do_not_lead_out_of_it),
};
TEST_MAIN(tests)
