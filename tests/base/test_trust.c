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
    char project[PATH_BYTES], run[PATH_BYTES], before[PATH_BYTES];
    char *found;

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    made(run, "project/runs/a");
    made(project, "project/stores");
    made(project, "project");
    assert_int_equal(chdir(project), 0);
    found = qctx_path_beside(run, "stores", "QCTX_TRUST", NULL);
    assert_non_null(found);
    assert_contains(found, "/project/stores");
    free(found);
    assert_int_equal(qctx_folder_make("runs/a/stores", NULL), QCTX_OK);
    found = qctx_path_beside("runs/a", "stores", "QCTX_TRUST", NULL);
    assert_contains(found, "/project/runs/a/stores");
    free(found);
    assert_null(qctx_path_beside(run, "no such name anywhere", "QCTX_TRUST", NULL));
    assert_null(qctx_path_beside(run, project, "QCTX_TRUST", NULL));
    assert_null(qctx_path_beside("nowhere", "stores", "QCTX_TRUST", NULL));
    assert_null(qctx_path_beside(run, "../a/stores", "QCTX_TRUST", NULL));
    assert_null(qctx_path_beside(run, "stores/..", "QCTX_TRUST", NULL));
    assert_int_equal(chdir(before), 0);
}

/* Where `home/secret` is found from `home/dl/run`, which stands in nobody's project: "" where it is not. */
static void finds_secret_from(const char *home, const char *work, const char *expected)
{
    char run[PATH_BYTES], place[PATH_BYTES];
    char *found;

    snprintf(place, sizeof place, "%s%s", home, work);
    snprintf(run, sizeof run, "%s/dl/run", home);
    assert_int_equal(chdir(place), 0);
    found = qctx_path_beside(run, "secret", "QCTX_TRUST", NULL);
    if (expected[0] == '\0')
        assert_null(found);
    else
        assert_contains(found, expected);
    free(found);
}

/* Above a run only the folders count in which somebody is at work, or that a variable names. */
static void nothing_is_looked_for_above_the_working_folder(void **state)
{
    char home[PATH_BYTES], ignored[PATH_BYTES], before[PATH_BYTES];

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    made(ignored, "home/dl/run");
    made(ignored, "home/aside");
    made(ignored, "home/secret");
    made(home, "home");
    unsetenv("QCTX_TRUST");
    finds_secret_from(home, "", "/home/secret");
    finds_secret_from(home, "/..", "/home/secret");
    finds_secret_from(home, "/aside", "");
    finds_secret_from(home, "/dl", "");
    finds_secret_from(home, "/dl/run", "");
    setenv("QCTX_TRUST", "../secret", 1);
    finds_secret_from(home, "/aside", "");
    setenv("QCTX_TRUST", "..", 1);
    finds_secret_from(home, "/aside", "/home/secret");
    unsetenv("QCTX_TRUST");
    link_to("../secret", "../dl/secret");
    finds_secret_from(home, "", "/home/dl/secret");
    finds_secret_from(home, "/dl", "");
    assert_int_equal(chdir(before), 0);
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
    assert_null(qctx_path_beside("run", "shelf/tiny", "QCTX_TRUST", NULL));
    setenv("QCTX_TRUST", "../outside", 1);
    found = qctx_path_beside("run", "shelf/tiny", "QCTX_TRUST", NULL);
    assert_contains(found, "/work/shelf/tiny");
    free(found);
    unsetenv("QCTX_TRUST");
    assert_int_equal(chdir(before), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_what_stands_beside),
    cmocka_unit_test(nothing_is_looked_for_above_the_working_folder),
    cmocka_unit_test(recorded_paths_are_followed_in_known_folders),
    cmocka_unit_test(links_of_a_run_do_not_lead_out_of_it),
};
TEST_MAIN(tests)
