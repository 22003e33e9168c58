/* ranks: 1 3 */
#include "harness.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "qctx/platform/topology.h"

static qctx_core_binding bound(uint64_t node, int cores, int threads, uint64_t mask)
{
    return (qctx_core_binding){.node = node, .cores = cores, .threads = threads, .mask = {mask}};
}

static void finds_ranks_that_pile_up(void **state)
{
    static const struct {
        qctx_core_binding bindings[4];
        int ranks;
        const char *expected;
    } cases[] = {
        /* One core each; unbound and within the node; sharing a socket that has room. */
        {{{1, 2, 1, {1}}, {1, 2, 1, {2}}}, 2, ""},
        {{{1, 2, 1, {3}}, {1, 2, 1, {3}}}, 2, ""},
        {{{1, 8, 2, {0x0f}}, {1, 8, 2, {0x0f}}, {1, 8, 2, {0xf0}}, {1, 8, 2, {0xf0}}}, 4, ""},
        /* The same binding on two nodes is not the same cores. */
        {{{1, 2, 1, {1}}, {2, 2, 1, {1}}}, 2, ""},
        {{{1, 2, 1, {1}}, {1, 2, 1, {1}}},
         2,
         "2 ranks with 2 threads in all have the 1 core (of 2) that they are bound to: "
         "mpirun --map-by slot:PE=1 --bind-to core gives each its own"},
        {{{1, 8, 4, {1}}, {1, 8, 4, {2}}},
         2,
         "1 rank with 4 threads has the 1 core (of 8) that it is bound to: "
         "mpirun --map-by slot:PE=4 --bind-to core gives each its own"},
        {{{1, 4, 4, {3}}, {1, 4, 4, {12}}},
         2,
         "1 rank with 4 threads has the 2 cores (of 4) that it is bound to: "
         "OMP_NUM_THREADS=2 mpirun --map-by slot:PE=2 --bind-to core gives each its own"},
        {{{1, 4, 3, {15}}, {1, 4, 3, {15}}},
         2,
         "2 ranks with 6 threads in all have the 4 cores: "
         "OMP_NUM_THREADS=2 mpirun --map-by slot:PE=2 --bind-to core gives each its own"},
        {{{1, 2, 1, {3}}, {1, 2, 1, {3}}, {1, 2, 1, {3}}},
         3,
         "3 ranks with 3 threads in all have the 2 cores: use at most 2 ranks a node"},
        /* Of two crowded places the worse; on several nodes the mapping counts by node. */
        {{{1, 4, 1, {1}}, {1, 4, 1, {1}}, {2, 4, 2, {2}}, {2, 4, 2, {2}}},
         4,
         "2 ranks with 4 threads in all have the 1 core (of 4) that they are bound to: "
         "mpirun --map-by ppr:2:node:PE=2 --bind-to core gives each its own"},
        /* A rank within the cores of another takes of them; one that is bound nowhere takes none. */
        {{{1, 4, 2, {3}}, {1, 4, 1, {1}}},
         2,
         "2 ranks with 3 threads in all have the 2 cores (of 4) that they are bound to: "
         "mpirun --map-by slot:PE=2 --bind-to core gives each its own"},
        {{{1, 4, 2, {3}}, {1, 4, 1, {0}}}, 2, ""},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_topology_advise(cases[i].bindings, cases[i].ranks, text, sizeof text);
        assert_string_equal(text, cases[i].expected);
    }
}

static void describes_the_job(void **state)
{
    const qctx_core_binding alone[] = {bound(1, 1, 1, 1)};
    const qctx_core_binding two[] = {bound(1, 2, 1, 1), bound(1, 2, 1, 2)};
    const qctx_core_binding uneven[] = {bound(1, 2, 1, 1), bound(2, 4, 2, 3), bound(2, 4, 2, 12)};
    char text[128];

    (void)state;
    qctx_topology_describe(alone, 1, text, sizeof text);
    assert_string_equal(text, "1 rank x 1 thread on 1 core");
    qctx_topology_describe(two, 2, text, sizeof text);
    assert_string_equal(text, "2 ranks x 1 thread on 2 cores");
    qctx_topology_describe(uneven, 3, text, sizeof text);
    assert_string_equal(text, "3 ranks x 1 to 2 threads on 2 nodes of 2 to 4 cores");
}

static void knows_its_own_binding(void **state)
{
    qctx_core_binding own = qctx_topology_binding();
    qctx_layout layout = qctx_topology_layout();
    qctx_core_binding *all;
    qctx_error error;

    (void)state;
    assert_true(qctx_comm_same(test_comm, own.node));
    assert_true(layout.cores >= 1 && layout.allowed >= 1 && layout.allowed <= layout.cores);
    assert_int_equal(layout.cores, own.cores);
    assert_int_equal(layout.threads, omp_get_max_threads());
    assert_int_equal(qctx_topology_gather(test_comm, &all, &error), QCTX_OK);
    for (int r = 0; r < qctx_comm_size(test_comm); r++)
        assert_int_equal(all[r].node, own.node);
    assert_memory_equal(&all[qctx_comm_rank(test_comm)], &own, sizeof own);
    free(all);
}

/* A file of a made-up root; its folders appear with it. No rank is still reading what stood there before. */
static void put(const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s", test_path(name));
    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0)
        for (char *slash = strchr(path + strlen(test_folder()) + 1, '/'); slash != NULL;
             slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            mkdir(path, 0777);
            *slash = '/';
        }
    test_write(path, text);
}

static int64_t free_memory(const char *root)
{
    return qctx_topology_free_memory(test_path(root));
}

static void asks_the_node_for_memory(void **state)
{
    (void)state;
    put("plain/proc/meminfo", "MemTotal:       24684084 kB\nMemFree:  5 kB\nMemAvailable:    1000 kB\n");
    assert_int_equal(free_memory("plain"), 1024000);
    put("plain/proc/self/cgroup", "0::/\n");
    assert_int_equal(free_memory("plain"), 1024000);
    assert_int_equal(free_memory("nothing"), 0);
    put("odd/proc/meminfo", "MemTotal:\nMemAvailable: many\n");
    assert_int_equal(free_memory("odd"), 0);
}

static void asks_control_groups_of_version_2(void **state)
{
    (void)state;
    put("v2/proc/meminfo", "MemAvailable: 1000 kB\n");
    put("v2/proc/self/cgroup", "0::/jobs/mine\n");
    put("v2/sys/fs/cgroup/jobs/mine/memory.max", "max\n");
    put("v2/sys/fs/cgroup/jobs/mine/memory.current", "300000\n");
    assert_int_equal(free_memory("v2"), 1024000);
    /* The limit of the group above. */
    put("v2/sys/fs/cgroup/jobs/memory.max", "700000\n");
    put("v2/sys/fs/cgroup/jobs/memory.current", "400000\n");
    assert_int_equal(free_memory("v2"), 300000);
    /* File pages not in use are free; the group's own limit is lower now, and then exhausted. */
    put("v2/sys/fs/cgroup/jobs/memory.stat", "anon 1000\ninactive_file 150000\nactive_file 7\n");
    assert_int_equal(free_memory("v2"), 450000);
    put("v2/sys/fs/cgroup/jobs/mine/memory.max", "300100\n");
    assert_int_equal(free_memory("v2"), 100);
    put("v2/sys/fs/cgroup/jobs/mine/memory.max", "200000\n");
    assert_int_equal(free_memory("v2"), 0);
}

static void asks_control_groups_of_version_1(void **state)
{
    (void)state;
    put("v1/proc/meminfo", "MemAvailable: 1000 kB\n");
    put("v1/proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/box/12\n0::/\nbroken\n");
    /* No limit is a number near the largest; in a container only the top is mounted. */
    put("v1/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("v1/sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
    assert_int_equal(free_memory("v1"), 1024000);
    put("v1/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
    put("v1/sys/fs/cgroup/memory/memory.usage_in_bytes", "200000\n");
    put("v1/sys/fs/cgroup/memory/memory.stat", "inactive_file 9\ntotal_inactive_file 50000\n");
    assert_int_equal(free_memory("v1"), 350000);
}

static void divides_memory_among_the_ranks_of_a_node(void **state)
{
    int64_t ranks = qctx_comm_node_size(test_comm);
    int64_t mine = qctx_topology_memory(test_comm), all = qctx_topology_free_memory("");

    (void)state;
    /* Both were read at their own time, on a machine that others use too. */
    assert_true(mine > 0 && mine * ranks > all / 4 && mine * ranks < all * 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_ranks_that_pile_up),
    cmocka_unit_test(describes_the_job),
    cmocka_unit_test(knows_its_own_binding),
    cmocka_unit_test(asks_the_node_for_memory),
    cmocka_unit_test(asks_control_groups_of_version_2),
    cmocka_unit_test(asks_control_groups_of_version_1),
    cmocka_unit_test(divides_memory_among_the_ranks_of_a_node),
};
TEST_MAIN(tests)
